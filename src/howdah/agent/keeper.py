"""How is the store's record read, watched, renewed and swapped, and when is a swap settled?

One lane: at most one swap of this agent is under way. A swap whose outcome is unknown is settled only when it is read
back, or when the document's version moved on, which makes it impossible (SETTLE).
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from operator import attrgetter

from howdah.agent.bonds import Bonds
from howdah.cluster.changes import Change, NotAllowed, apply
from howdah.cluster.lease import expired
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import went_back
from howdah.cluster.policy import LeaseTimes, Policy
from howdah.cluster.record import Phase, Record, RecordUnreadable, only_renewed, read_record, write_record
from howdah.ports.clock import Clock
from howdah.ports.store import Conflict, Store, StoreUnavailable, Swapped, Unknown, Versioned

RECORD = "record"
"""The name of the document."""

RETRY_MS = 200


@dataclass(slots=True)
class _Pending:
    """A swap of unknown outcome: it can still land while the document is at `version`."""

    version: int | None
    record: Record


class Keeper:
    """The agent's view of the record. `on_change` is called, without arguments, whenever anything here changed."""

    def __init__(self, store: Store, clock: Clock, on_change: Callable[[], None], incarnation: str = "") -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._incarnation = incarnation
        self._lane = asyncio.Lock()
        self._version: int | None = None
        self._pending: _Pending | None = None
        self._first_seen_mono_ms = 0
        self._last_read_mono_ms = 0
        self._changed_mono_ms = 0
        self.policy = Policy()
        self.record: Record | None = None
        self.settled: Record | None = None
        self.lasting_since = (0, 0, 0)  # the age at which the settled record was first seen to say what it says
        self._told: Record | None = None
        self.trouble = ""
        self.known = False
        self.reachable = False
        self.bonds = Bonds(clock)

    @property
    def unsettled(self) -> bool:
        """Whether a swap of ours may have landed, or may still."""
        return self._pending is not None

    @property
    def lease_times(self) -> LeaseTimes:
        """The times in force: the record's, whatever is configured by now."""
        return (self.record.lease if self.record is not None else None) or self.policy.lease_times

    @property
    def expired(self) -> bool:
        """Whether the holder's lease has run out, by two linearizable reads a lease apart."""
        return self.record is not None and expired(
            self._first_seen_mono_ms, self._last_read_mono_ms, self.lease_times.ttl_ms
        )

    @property
    def unchanged_ms(self) -> int:
        """Since when the record (its lease counter aside) has been as it is."""
        return self._clock.monotonic_ms() - self._changed_mono_ms

    @property
    def renewal_ago_ms(self) -> int:
        """Since when the lease counter has been seen as it is."""
        return self._clock.monotonic_ms() - self._first_seen_mono_ms

    @property
    def heard(self) -> Record | None:
        """The newest record that a peer has settled, while the store does not answer this agent."""
        return None if self.reachable else self._told

    def hear(self, record: Record) -> None:
        """A peer says that it has read, or swapped, this record. It settles nothing here, and proves nothing."""
        if self._told is None or record.age > self._told.age:
            self._told = record

    async def refresh(self) -> Record | None:
        """One linearizable read. Raises StoreUnavailable."""
        began_ms = self._clock.monotonic_ms()
        try:
            found = await self._store.read(RECORD)
            self._saw(found, began_ms)
        except RecordUnreadable as error:
            self._missed(str(error))
            raise StoreUnavailable(f"the store answers, but {error}") from error
        except StoreUnavailable as error:
            self._missed(str(error))
            raise
        return self.record

    def _missed(self, trouble: str) -> None:
        self.trouble = trouble
        if self.reachable:
            self.reachable = False
            self._on_change()

    def _saw(self, found: Versioned | None, began_mono_ms: int) -> None:
        """Take in what a linearizable read gave, or one of our own swaps."""
        changed = not self.known or not self.reachable
        self.known = self.reachable = True
        self._told = None  # a store that answers is the later word, whatever it says
        late = found is not None and self._version is not None and found.version < self._version
        if late and began_mono_ms <= self._first_seen_mono_ms:
            # Asked before the newer version was seen: an answer that was overtaken, which says and settles nothing.
            if changed:
                self._on_change()
            return
        if found is None:
            changed = changed or self.record is not None
            self.record, self._version = None, None
        elif self._version is None or self.record is None or found.version != self._version:
            # A lower version means that the store went back: what it says now is what counts, and the rules will see
            # that it cannot be explained.
            changed = self._took(read_record(found.text), found.version) or changed
        elif began_mono_ms - self._last_read_mono_ms >= self.lease_times.ttl_ms:
            # No read for a whole lease: with the store away for all, the holder could not renew either, and would be
            # taken for expired in the moment the store is back. It has one lease from now.
            self._first_seen_mono_ms = self._clock.monotonic_ms()
        if self._pending and self._version != self._pending.version:
            self._pending = None
        self._last_read_mono_ms = began_mono_ms
        if changed:
            self._on_change()

    def _took(self, record: Record, version: int) -> bool:
        before, self.record, self._version = self.record, record, version
        if self.settled is None or record.age > self.settled.age:
            if self.settled is None or lasting(record) != lasting(self.settled):
                self.lasting_since = record.age
            self.settled = record
        elif lasting(record) == lasting(self.settled):
            self.settled = record  # the store went back by renewals only: what follows counts from here
        self._first_seen_mono_ms = self._clock.monotonic_ms()
        same = before is not None and only_renewed(before, record)
        if not same:
            self._changed_mono_ms = self._first_seen_mono_ms
        return not same

    async def create(self, record: Record) -> bool:
        """Write the first record, or a lost one again; True if it is ours. Raises StoreUnavailable."""
        async with self._lane:
            return await self._settle(None, record) is not None

    async def write_again(self, record: Record) -> bool:
        """The same, also in the place of an older copy that came back. Raises StoreUnavailable."""
        async with self._lane:
            await self.refresh()
            if self.record is not None and self.record.age >= record.age:
                return False
            return await self._settle(self._version, record) is not None

    async def swap(self, change: Change) -> Record | NotAllowed:
        """Make the change, whatever it takes: re-read and re-applied on conflict, settled when unknown.

        Returns the record that has it, or why it may not be made. Raises StoreUnavailable only if nothing was sent."""
        async with self._lane:
            if self.record is None:
                await self.refresh()
            fresh = False
            while True:
                if self.record is None:
                    return NotAllowed("the store has no record")
                if self.settled is not None and _lacks(self.record, self.settled):
                    return NotAllowed("the store went back to an old copy of the record")
                changed = apply(change, self.record, self._incarnation)
                if isinstance(changed, NotAllowed):
                    if fresh:
                        return changed
                    await self.refresh()
                    fresh = True
                    continue
                written = await self._settle(self._version, changed)
                if written is not None:
                    return written
                fresh = True

    async def _settle(self, version: int | None, record: Record) -> Record | None:
        """Send one compare-and-swap and find out for sure. The record as it was written; None: it did not and will not
        happen (or was replaced already), and a read followed."""
        record = replace(record, write_id=self._clock.token(), incarnation=self._incarnation)
        text = write_record(record)
        uncertain = False
        first_sent_boot_ms = self._clock.boot_ms()
        while True:
            began_ms, sent_boot_ms = self._clock.monotonic_ms(), self._clock.boot_ms()
            try:
                outcome = await self._attempt(version, record, text)
            except StoreUnavailable:
                if not uncertain:
                    raise
                await self._clock.sleep_ms(RETRY_MS)
                continue
            match outcome:
                case Swapped(version=new):
                    self._pending = None
                    self.bonds.renewed(sent_boot_ms, record.lease, self.policy.lease_times)
                    self._saw(Versioned(text, new), began_ms)
                    return record
                case Conflict():
                    await self._refresh_surely(uncertain)
                    if self.record is None or self.record.write_id != record.write_id:
                        return None
                    # It landed after all. We do not know which attempt did: the first is the earliest.
                    self.bonds.renewed(first_sent_boot_ms, record.lease, self.policy.lease_times)
                    return self.record
                case Unknown():
                    # The same text again, at the same version: whichever attempt lands, it is this change, once.
                    uncertain = True
                    await self._clock.sleep_ms(RETRY_MS)

    async def _attempt(self, version: int | None, record: Record, text: str) -> Swapped | Conflict | Unknown:
        if self._pending is None:
            self._pending = _Pending(version, record)
        try:
            outcome = await self._store.compare_and_swap(RECORD, version, text)
        except StoreUnavailable as error:
            if self._pending.record is record:
                self._pending = None
            self._missed(str(error))
            raise
        if isinstance(outcome, Unknown):
            self._missed(outcome.reason)
        return outcome

    async def _refresh_surely(self, uncertain: bool) -> None:
        while True:
            try:
                await self.refresh()
                return
            except StoreUnavailable:
                if not uncertain:
                    raise
                await self._clock.sleep_ms(RETRY_MS)

    async def watch(self) -> None:
        """Follow the record for ever: hints by watch, and a linearizable read each interval and when a lease is due."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll())
            group.create_task(self._listen())

    async def _poll(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self.refresh()
            due_ms = self._first_seen_mono_ms + self.lease_times.ttl_ms - self._clock.monotonic_ms() + 1
            soon_ms = due_ms if 0 < due_ms < self.policy.renew_interval_ms else self.policy.renew_interval_ms
            await self._clock.sleep_ms(soon_ms)

    async def _listen(self) -> None:
        """A watch is a hint: what it says is taken only if it is newer; it proves nothing about expiry."""
        while True:
            with contextlib.suppress(StoreUnavailable, RecordUnreadable):
                async for found in self._store.watch(RECORD):
                    await self._heard(found)
            await self._clock.sleep_ms(RETRY_MS)

    async def _heard(self, found: Versioned | None) -> None:
        if found is None or self._version is None:
            await self.refresh()
        elif found.version > self._version and self._took(read_record(found.text), found.version):
            self._on_change()


def _lacks(found: Record, settled: Record) -> bool:
    """Whether a record is older than another, and not merely by its lease counter."""
    return found.age < settled.age and lasting(found) != lasting(settled)


DAILY = frozenset(
    (
        "lease_counter",
        "write_id",
        "incarnation",
        "serving",
        "released",
        "handover",
        "winner_position",
        "holder_position",
    )
)
_lasting = attrgetter(*(field.name for field in fields(Record) if field.name not in DAILY))


def lasting(record: Record) -> tuple[object, ...]:
    """What is worth being remembered: who leads, by whom it is elected, who is a member; not the lease's daily life."""
    found: tuple[object, ...] = _lasting(record)
    return found


def worth_remembering(settled: Record, since: tuple[int, int, int], local: LocalState) -> bool:
    """Whether the settled record belongs on disk. `since`: the age from which on it says what it says."""
    if settled.phase is not Phase.ESTABLISHED or went_back(settled, local):
        return False  # of an old copy, which its holder may go on renewing: what is remembered here shows what it is
    if local.system_identifier not in ("", settled.system_identifier):
        return False  # another cluster's: it is not the past of what lies here, which may never have served
    known = local.record
    # Also where it says again what it once said: what it said in between may come back in an old copy.
    return known is None or known.age < since or (settled.age > known.age and lasting(settled) != lasting(known))
