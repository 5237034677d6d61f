"""How do agents find each other's addresses? Each keeps a small document of its own in the store.

The document is also the claim to the node's name: whoever wrote it last has it (see `namesake`).
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Collection, Mapping

from howdah.agent.namesake import Claim, Entry, Free, Taken, Waits
from howdah.agent.situation import Situation
from howdah.ports.clock import Clock
from howdah.ports.store import Store, StoreUnavailable, Swapped
from howdah.values.address import Address

OWN_POLL_MS = 1000
OTHERS_POLL_MS = 10_000
"""Of who is where, while every other agent is heard. One that is not may be somewhere else by now, as a pod that was
made anew: then it is looked for as often as the own entry."""


def document_name(node: str) -> str:
    """The document of one node."""
    return f"node-{node}"


def write_entry(entry: Entry) -> str:
    """The entry as JSON."""
    return json.dumps(
        {
            "api": [entry.api.host, entry.api.port],
            "postgres": [entry.postgres.host, entry.postgres.port],
            "incarnation": entry.incarnation,
            "member_id": entry.member_id,
        }
    )


def read_entry(text: str) -> Entry | None:
    """Read what `write_entry` wrote, also of an earlier version; None if it is something else."""
    try:
        document = json.loads(text)
        api, postgres = Address(*document["api"]), Address(*document["postgres"])
        return Entry(api, postgres, str(document.get("incarnation", "")), str(document.get("member_id", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class AddressBook:
    """Writes this node's entry and reads the others', for ever. `on_change` gets the agents' addresses; `heard` says
    which of them are heard now."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        situation: Situation,
        claim: Claim,
        on_change: Callable[[Mapping[str, Address]], None],
        heard: Callable[[], Collection[str]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._situation = situation
        self._claim = claim
        self._on_change = on_change
        self._heard = heard
        self._known: dict[str, Address] = {}
        self._read_boot_ms = 0

    async def follow(self) -> None:
        """Write, then read: often until every configured node is known, then now and then. A store that was wiped gets
        the entry again; an entry that is missing there does not make a known node unknown."""
        while not self._situation.twin:
            written, now = False, self._clock.boot_ms()
            with contextlib.suppress(StoreUnavailable):
                written = await self.claim()
                all_heard = set(self._situation.intents.nodes) <= {*self._heard(), self._situation.name}
                if not all_heard or now - self._read_boot_ms >= OTHERS_POLL_MS:
                    await self._read()
                    self._read_boot_ms = now
            known = set(self._situation.intents.nodes) <= {*self._known, self._situation.name}
            await self._clock.sleep_ms(OWN_POLL_MS if written and known else OWN_POLL_MS // 5)

    async def claim(self) -> bool:
        """Take the name, or see whose it is; True if it is this agent's. Raises StoreUnavailable."""
        situation = self._situation
        found = await self._store.read(document_name(situation.name))
        match await self._claim.judge(read_entry(found.text) if found else None, situation.local.member_id):
            case Taken(why=why):
                situation.twin = why
                situation.poke()
                return False
            case Waits(why=why):
                situation.unclaimed = why
                return False
            case Free():
                pass
        entry = Entry(situation.api, situation.address, self._claim.incarnation, situation.local.member_id)
        text = write_entry(entry)
        if found is None or found.text != text:
            outcome = await self._store.compare_and_swap(
                document_name(situation.name), found.version if found else None, text
            )
            if not isinstance(outcome, Swapped):
                return False
        self._claim.held = True
        if situation.unclaimed:
            situation.unclaimed = ""
            situation.poke()
        return True

    async def _read(self) -> None:
        wanted = [n for n in self._situation.intents.nodes if n != self._situation.name]
        found = await asyncio.gather(*(self._store.read(document_name(name)) for name in wanted))
        entries = {name: read_entry(v.text) for name, v in zip(wanted, found, strict=True) if v is not None}
        known = {name: address for name, address in self._known.items() if name in wanted}
        known |= {name: entry.api for name, entry in entries.items() if entry is not None}
        if known != self._known:
            self._known = known
            self._on_change(known)
