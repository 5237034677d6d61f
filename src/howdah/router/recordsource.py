"""What does the store say of who leads and where the nodes are? (For a router that may reach the store.)

A watch is a hint that may be late: it makes the router read, and takes a primary away at once. Only a linearizable read
gives one. Reads at an interval repair hints that were lost.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import structlog

from howdah.agent.addressbook import document_name, read_entry
from howdah.agent.intentions import CONFIG
from howdah.agent.keeper import RECORD
from howdah.cluster.record import Record, RecordUnreadable, only_renewed, read_record
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.intents import read_intents
from howdah.ports.store import Store, StoreUnavailable, Versioned
from howdah.routing.clusterview import ClusterView, NodeView
from howdah.values.address import Address

ADDRESSES_POLL_MS = 3_000.0
"""Agents write their addresses when they start; a change of the primary or of the nodes has them read at once. A pod
that was made anew has another address, and may be the primary that it was."""

RETRY_MS_MIN = 100.0
RETRY_MS_MAX = 2_000.0

log = structlog.get_logger(__name__)


class RecordSource:
    """Follows the record for ever. `take` gets every view; `now_ms` is the clock that the fleet goes by."""

    def __init__(
        self, store: Store, take: Callable[[ClusterView], None], now_ms: Callable[[], float], poll_interval_ms: float
    ) -> None:
        self._store = store
        self._take = take
        self._now_ms = now_ms
        self._poll_interval_ms = poll_interval_ms
        self._nudged = asyncio.Event()
        self._record: Record | None = None
        self._names: tuple[str, ...] = ()
        self._addresses: dict[str, Address] = {}
        self._addresses_of: tuple[object, ...] = ()
        self._addresses_ms = float("-inf")
        self.trouble = ""

    def nudge(self) -> None:
        """Read soon: somebody has seen more than the record says."""
        self._nudged.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll())
            group.create_task(self._follow(RECORD, self._hint))
            group.create_task(self._follow(CONFIG, self._config_changed))

    async def _poll(self) -> None:
        retry_ms = RETRY_MS_MIN
        while True:
            self._nudged.clear()
            wait_ms = self._poll_interval_ms
            try:
                await self.look()
                retry_ms = RETRY_MS_MIN
            except (StoreUnavailable, RecordUnreadable) as trouble:
                self._complain(str(trouble))
                wait_ms, retry_ms = min(retry_ms, wait_ms), min(2 * retry_ms, RETRY_MS_MAX)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_ms / 1000):
                    await self._nudged.wait()

    async def look(self) -> None:
        """One linearizable read of the record, and of what belongs to it. Raises StoreUnavailable, RecordUnreadable."""
        asked_ms = self._now_ms()
        found = await self._store.read(RECORD)
        if found is None:
            self._complain(
                "the store has no record of this cluster: its agents have not begun yet, or `cluster` is not the name "
                "that they have"
            )
            return
        self._record = record = read_record(found.text)
        self._tell(record, None, asked_ms)  # nobody waits for the addresses, unless they are not known
        self._tell(record, await self._nodes(record), asked_ms)
        if self.trouble:
            log.info("the store answers again", part="topology")
            self.trouble = ""

    def _tell(self, record: Record, nodes: tuple[NodeView, ...] | None, asked_ms: float | None) -> None:
        self._take(
            ClusterView(
                age=record.age,
                term=record.term,
                holder=record.holder.name,
                holder_id=record.holder.id,
                serving=record.serving,
                released=record.released,
                nodes=nodes,
                asked_ms=asked_ms,
                system_identifier=record.system_identifier,
            )
        )

    async def _nodes(self, record: Record) -> tuple[NodeView, ...] | None:
        """Every node's address. Read when the holder or the nodes changed, or one is missing, and now and then; what
        cannot be read now is as it was."""
        now_ms = self._now_ms()
        basis = (record.holder, record.term, record.members)
        old = now_ms - self._addresses_ms >= ADDRESSES_POLL_MS
        if not old and basis == self._addresses_of and set(self._names) <= set(self._addresses):
            return self._known()
        config = await self._store.read(CONFIG)
        names = {member.name for member in record.members} | {record.holder.name}
        if config is not None:
            with contextlib.suppress(SettingsRefused):  # its agents complain of it
                intents = read_intents(config.text)
                names = (set(intents.nodes) or names) | {record.holder.name}
        self._names = tuple(sorted(names))
        found = await asyncio.gather(*(self._store.read(document_name(name)) for name in self._names))
        self._addresses = self._merged(dict(zip(self._names, found, strict=True)))
        self._addresses_of, self._addresses_ms = basis, now_ms
        return self._known()

    def _merged(self, found: Mapping[str, Versioned | None]) -> dict[str, Address]:
        """A store that was wiped says nothing of a node until its agent writes again: it is where it was."""
        merged: dict[str, Address] = {}
        for name, document in found.items():
            entry = read_entry(document.text) if document is not None else None
            if entry is not None:
                merged[name] = entry.postgres
            elif name in self._addresses:
                merged[name] = self._addresses[name]
        return merged

    def _known(self) -> tuple[NodeView, ...]:
        return tuple(NodeView(name, address.host, address.port) for name, address in sorted(self._addresses.items()))

    async def _follow(self, name: str, take: Callable[[Versioned | None], None]) -> None:
        """A watch that is opened again whenever it ends."""
        retry_ms = RETRY_MS_MIN
        while True:
            try:
                watch: AsyncIterator[Versioned | None] = self._store.watch(name)
                async for found in watch:
                    retry_ms = RETRY_MS_MIN
                    take(found)
            except StoreUnavailable as trouble:
                self._complain(str(trouble))
            await asyncio.sleep(retry_ms / 1000)
            retry_ms = min(2 * retry_ms, RETRY_MS_MAX)

    def _hint(self, found: Versioned | None) -> None:
        """More than a renewal: tell what it takes away, and read. Renewals are left to the poll."""
        if found is None:
            self.nudge()
            return
        try:
            record = read_record(found.text)
        except RecordUnreadable as trouble:
            self._complain(str(trouble))
            return
        before = self._record
        if before is not None and (record.age <= before.age or only_renewed(before, record)):
            return
        self._tell(record, None, None)
        self.nudge()

    def _config_changed(self, found: Versioned | None) -> None:
        del found
        self._addresses_ms = float("-inf")
        self.nudge()

    def _complain(self, trouble: str) -> None:
        """Once, not at every attempt."""
        if trouble != self.trouble:
            self.trouble = trouble
            log.warning(f"the store does not say who leads: {trouble}", part="topology")
