"""How do agents find each other's addresses? Each keeps a small document of its own in the store."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from howdah.agent.situation import Situation
from howdah.ports.clock import Clock
from howdah.ports.store import Store, StoreUnavailable, Swapped
from howdah.values.address import Address

POLL_MS = 2000
SETTLED_POLL_MS = 10_000


def document_name(node: str) -> str:
    """The document of one node."""
    return f"node-{node}"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a node's agent and server are reached."""

    api: Address
    postgres: Address


def write_entry(entry: Entry) -> str:
    """The entry as JSON."""
    return json.dumps(
        {
            "api": [entry.api.host, entry.api.port],
            "postgres": [entry.postgres.host, entry.postgres.port],
        }
    )


def read_entry(text: str) -> Entry | None:
    """Read what `write_entry` wrote; None if it is something else."""
    try:
        document = json.loads(text)
        return Entry(Address(*document["api"]), Address(*document["postgres"]))
    except (ValueError, KeyError, TypeError):
        return None


class AddressBook:
    """Writes this node's entry and reads the others', for ever. `on_change` gets the agents' addresses."""

    def __init__(
        self, store: Store, clock: Clock, situation: Situation, on_change: Callable[[Mapping[str, Address]], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._situation = situation
        self._on_change = on_change
        self._known: dict[str, Address] = {}

    async def follow(self) -> None:
        """Write, then read: often until every configured node is known, then now and then. A store that was wiped gets
        the entry again; an entry that is missing there does not make a known node unknown."""
        while True:
            written = False
            with contextlib.suppress(StoreUnavailable):
                written = await self._write()
                await self._read()
            complete = written and set(self._situation.intents.nodes) <= {*self._known, self._situation.name}
            await self._clock.sleep_ms(SETTLED_POLL_MS if complete else POLL_MS // 10)

    async def _write(self) -> bool:
        name = document_name(self._situation.name)
        text = write_entry(Entry(self._situation.api, self._situation.address))
        found = await self._store.read(name)
        if found is not None and found.text == text:
            return True
        outcome = await self._store.compare_and_swap(name, found.version if found else None, text)
        return isinstance(outcome, Swapped)

    async def _read(self) -> None:
        wanted = [n for n in self._situation.intents.nodes if n != self._situation.name]
        found = await asyncio.gather(*(self._store.read(document_name(name)) for name in wanted))
        entries = {name: read_entry(v.text) for name, v in zip(wanted, found, strict=True) if v is not None}
        known = {name: address for name, address in self._known.items() if name in wanted}
        known |= {name: entry.api for name, entry in entries.items() if entry is not None}
        if known != self._known:
            self._known = known
            self._on_change(known)
