"""A cluster's documents in a store, written as agents write them."""

from dataclasses import replace

from howdah.agent.addressbook import document_name, write_entry
from howdah.agent.intentions import CONFIG
from howdah.agent.keeper import RECORD
from howdah.agent.namesake import Entry
from howdah.cluster.record import Mode, Phase, Record, write_record
from howdah.configuration.intents import write_document
from howdah.ports.store import Store, Swapped
from howdah.values.address import Address
from howdah.values.member import Member

NODES = ("n1", "n2", "n3")
N1, N2, N3 = (Member(name, f"id-{name}") for name in NODES)
FIRST = Record(
    cluster="test",
    system_identifier="7",
    generation=1,
    term=1,
    phase=Phase.ESTABLISHED,
    holder=N1,
    voters=(N2, N3),
    k=1,
    mode=Mode.QUORUM,
    timelines=(),
    lease_counter=1,
    serving=True,
    members=(N1, N2, N3),
)
SECOND = replace(FIRST, term=2, holder=N2, voters=(N1, N3), lease_counter=2)


def port_of(name: str) -> int:
    return 6000 + int(name[1:])


async def write(store: Store, name: str, text: str) -> None:
    found = await store.read(name)
    outcome = await store.compare_and_swap(name, found.version if found else None, text)
    assert isinstance(outcome, Swapped), outcome


async def write_whole(store: Store, record: Record) -> None:
    """Configuration, addresses and record."""
    await write(store, CONFIG, write_document({"nodes": list(NODES)}))
    for name in NODES:
        await write_address(store, name, port_of(name))
    await write(store, RECORD, write_record(record))


async def write_address(store: Store, name: str, port: int) -> None:
    address = Address("127.0.0.1", port)
    await write(store, document_name(name), write_entry(Entry(Address("127.0.0.1", 8008), address, "", f"id-{name}")))
