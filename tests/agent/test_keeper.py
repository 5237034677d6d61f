"""How is the record kept: settled swaps (SETTLE), the lease's time, and expiry by two reads a lease apart?"""

import asyncio

import pytest

from howdah.agent.keeper import RECORD, Keeper
from howdah.cluster.changes import AdmitVoter, DropVoter, NotAllowed, Renew, Win
from howdah.cluster.policy import LeaseTimes
from howdah.cluster.record import Record, TimelineEntry, read_record, write_record
from howdah.ports.store import Conflict, StoreUnavailable, SwapOutcome, Unknown
from howdah.stores.memory import MemoryDocuments, MemoryStore, SwapFault
from howdah.values.lsn import Lsn
from tests.cluster import builders
from tests.cluster.builders import N1, N2, N3, N4, a_record, at
from tests.postgres.handclock import HandClock

RENEW = Renew(N1, 5)
LEASE_MS = builders.INTENTS.policy.lease_ttl_ms


class CountingClock(HandClock):
    """Each token is another one, as with a real clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 100_000
        self._tokens = 0

    def token(self) -> str:
        self._tokens += 1
        return f"{self._tokens:016x}"


class SlowStore(MemoryStore):
    """Each swap takes a while on the clock; `deaf` answers no swap, and keeps what was sent for later."""

    def __init__(self, documents: MemoryDocuments, clock: HandClock, takes_ms: int = 0) -> None:
        super().__init__(documents)
        self._clock = clock
        self._takes_ms = takes_ms
        self.deaf = False

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        self._clock.now_ms += self._takes_ms
        if self.deaf:
            self.faults.next_swap = SwapFault.LANDS_LATE
        return await super().compare_and_swap(name, expected_version, text)


class Rig:
    """One keeper of a store that holds the record of three nodes, and a second client that changes it."""

    def __init__(self, record: Record | None = builders.RECORD, takes_ms: int = 0) -> None:
        self.clock = CountingClock()
        self.documents = MemoryDocuments()
        self.store = SlowStore(self.documents, self.clock, takes_ms)
        self.keeper = Keeper(self.store, self.clock, lambda: None)
        if record is not None:
            self.documents.swap(RECORD, None, write_record(record))

    def stored(self) -> Record:
        found = self.documents.current(RECORD)
        assert found is not None
        return read_record(found.text)

    def change_elsewhere(self, record: Record) -> None:
        found = self.documents.current(RECORD)
        assert found is not None
        self.documents.swap(RECORD, found.version, write_record(record))


def test_a_swap_that_succeeds_is_settled_and_known() -> None:
    async def scenario() -> None:
        rig = Rig()
        swapped = await rig.keeper.swap(RENEW)
        assert isinstance(swapped, Record)
        assert swapped == rig.stored() == rig.keeper.record
        assert swapped.lease_counter == 11
        assert not rig.keeper.unsettled

    asyncio.run(scenario())


def test_the_lease_counts_from_before_the_renewal_was_sent() -> None:
    async def scenario() -> None:
        rig = Rig(takes_ms=700)
        await rig.keeper.swap(RENEW)
        assert rig.clock.now_ms == 100_700
        assert rig.keeper.bonds.sent_boot_ms == 100_000

    asyncio.run(scenario())


def test_a_swap_of_unknown_outcome_that_happened_is_found_and_made_once() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.store.faults.next_swap = SwapFault.UNKNOWN_APPLIED
        swapped = await rig.keeper.swap(RENEW)
        assert isinstance(swapped, Record)
        assert rig.stored().lease_counter == 11
        assert not rig.keeper.unsettled

    asyncio.run(scenario())


def test_a_renewal_whose_answer_was_lost_counts_from_its_first_sending() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.swap(RENEW)
        rig.clock.now_ms += 500
        first_sent_ms = rig.clock.now_ms
        rig.store.faults.next_swap = SwapFault.UNKNOWN_APPLIED
        await rig.keeper.swap(RENEW)
        assert rig.keeper.bonds.sent_boot_ms == first_sent_ms < rig.clock.now_ms

    asyncio.run(scenario())


def test_a_swap_that_was_lost_on_the_way_is_sent_again_and_counts_from_the_sending_that_succeeded() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.store.faults.next_swap = SwapFault.UNKNOWN_NOT_APPLIED
        await rig.keeper.swap(RENEW)
        assert rig.stored().lease_counter == 11
        assert rig.keeper.bonds.sent_boot_ms > 100_000

    asyncio.run(scenario())


def test_a_swap_that_lands_late_lands_once() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.store.faults.next_swap = SwapFault.LANDS_LATE
        await rig.keeper.swap(RENEW)
        assert rig.store.land_late() == [Conflict()]
        assert rig.stored().lease_counter == 11

    asyncio.run(scenario())


async def interrupted(rig: Rig, change: AdmitVoter | DropVoter) -> None:
    """The store does not answer the swap, and the action that made it is broken off."""
    rig.store.deaf = True
    swap = asyncio.create_task(rig.keeper.swap(change))
    for _ in range(20):
        await asyncio.sleep(0)
    swap.cancel()
    await asyncio.wait((swap,))
    rig.store.deaf = False


def test_reading_the_old_value_again_does_not_settle_a_swap_that_may_still_land() -> None:
    async def scenario() -> None:
        rig = Rig()
        await interrupted(rig, AdmitVoter(N1, 5, N4))
        for _ in range(3):
            assert (await rig.keeper.refresh()) == builders.RECORD
            assert rig.keeper.unsettled
        rig.store.land_late()
        assert rig.stored().voters == (N2, N3, N4)
        await rig.keeper.refresh()
        assert not rig.keeper.unsettled

    asyncio.run(scenario())


def test_a_later_swap_that_succeeds_has_made_the_earlier_one_impossible() -> None:
    async def scenario() -> None:
        rig = Rig()
        await interrupted(rig, DropVoter(N1, 5, N3))
        await rig.keeper.swap(RENEW)
        assert not rig.keeper.unsettled
        assert all(isinstance(late, Conflict) for late in rig.store.land_late())
        assert rig.stored().voters == (N2, N3)

    asyncio.run(scenario())


def test_a_swap_that_lands_under_a_later_one_is_built_upon() -> None:
    async def scenario() -> None:
        rig = Rig()
        await interrupted(rig, AdmitVoter(N1, 5, N4))
        rig.store.land_late()
        renewed = await rig.keeper.swap(RENEW)
        assert isinstance(renewed, Record)
        assert renewed.voters == (N2, N3, N4)
        assert renewed.lease_counter == 12

    asyncio.run(scenario())


def test_a_request_that_had_certainly_no_effect_leaves_nothing_unsettled() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.refresh()
        rig.store.faults.next_swap = SwapFault.REFUSED
        with pytest.raises(StoreUnavailable):
            await rig.keeper.swap(RENEW)
        assert not rig.keeper.unsettled
        assert not rig.keeper.reachable
        assert rig.stored() == builders.RECORD

    asyncio.run(scenario())


def test_a_change_is_checked_again_on_the_record_that_it_really_meets() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.refresh()
        rig.change_elsewhere(a_record(voters=(N2, N3, N4), lease_counter=11))
        win = Win(N2, 6, builders.RECORD.basis, at(5, 2000), TimelineEntry(3, 6, 2, Lsn(2000), 5))
        assert isinstance(await rig.keeper.swap(win), NotAllowed)
        assert rig.stored().holder == N1

    asyncio.run(scenario())


def test_a_refusal_is_believed_only_after_a_fresh_read() -> None:
    async def scenario() -> None:
        rig = Rig(a_record(holder=N2, voters=(N1, N3)))
        await rig.keeper.refresh()
        rig.change_elsewhere(a_record(lease_counter=12))
        assert isinstance(await rig.keeper.swap(RENEW), Record)

    asyncio.run(scenario())


def test_of_two_that_create_the_record_one_succeeds() -> None:
    async def scenario() -> None:
        rig = Rig(record=None)
        other = Keeper(MemoryStore(rig.documents), rig.clock, lambda: None)
        assert await rig.keeper.create(a_record())
        assert not await other.create(a_record(holder=N2, voters=(N1, N3)))
        assert rig.stored().holder == N1

    asyncio.run(scenario())


# --- expiry


def test_two_reads_a_lease_apart_that_show_one_counter_mean_expiry() -> None:
    async def scenario() -> None:
        rig = Rig()
        for _ in range(5):
            await rig.keeper.refresh()
            assert not rig.keeper.expired
            rig.clock.now_ms += LEASE_MS // 5
        await rig.keeper.refresh()
        assert rig.keeper.expired

    asyncio.run(scenario())


def test_a_renewal_begins_the_lease_anew_for_every_observer() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.refresh()
        rig.clock.now_ms += LEASE_MS - 1
        rig.change_elsewhere(a_record(lease_counter=11))
        await rig.keeper.refresh()
        rig.clock.now_ms += LEASE_MS - 1
        await rig.keeper.refresh()
        assert not rig.keeper.expired

    asyncio.run(scenario())


def test_time_alone_proves_no_expiry_while_the_store_is_away() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.refresh()
        rig.store.faults.unreachable = True
        rig.clock.now_ms += 10 * LEASE_MS
        with pytest.raises(StoreUnavailable):
            await rig.keeper.refresh()
        assert not rig.keeper.expired
        assert not rig.keeper.reachable

    asyncio.run(scenario())


def test_when_the_store_comes_back_the_holder_has_a_lease_to_renew_in() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.refresh()
        rig.clock.now_ms += 10 * LEASE_MS
        await rig.keeper.refresh()
        assert not rig.keeper.expired
        rig.clock.now_ms += LEASE_MS - 1
        await rig.keeper.refresh()
        assert not rig.keeper.expired
        rig.clock.now_ms += 1
        await rig.keeper.refresh()
        assert rig.keeper.expired

    asyncio.run(scenario())


LONG = LeaseTimes(ttl_ms=50_000, gate_ms=32_000, kill_ms=36_000, deadman_ms=40_000)


def test_observers_judge_by_the_times_in_the_record_whatever_is_configured_by_now() -> None:
    async def scenario() -> None:
        rig = Rig(a_record(lease=LONG))
        for _ in range(10):
            await rig.keeper.refresh()
            assert not rig.keeper.expired
            rig.clock.now_ms += LEASE_MS
        await rig.keeper.refresh()
        assert rig.keeper.expired

    asyncio.run(scenario())


def test_a_record_without_times_is_judged_by_the_configured_ones() -> None:
    async def scenario() -> None:
        rig = Rig(a_record(lease=None))
        await rig.keeper.refresh()
        rig.clock.now_ms += LEASE_MS - 1
        await rig.keeper.refresh()
        assert not rig.keeper.expired
        rig.clock.now_ms += 1
        await rig.keeper.refresh()
        assert rig.keeper.expired

    asyncio.run(scenario())


def test_the_holder_counts_by_the_times_that_its_last_renewal_carried() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.keeper.bonds.announce(LONG)
        await rig.keeper.swap(RENEW)
        assert rig.keeper.bonds.times == builders.RECORD.lease  # not those that were only announced
        assert rig.keeper.bonds.announced
        await rig.keeper.swap(Renew(N1, 5, lease=LONG))
        assert rig.keeper.bonds.times == LONG
        assert not rig.keeper.bonds.announced

    asyncio.run(scenario())


def test_a_winner_carries_the_lease_s_times_on() -> None:
    async def scenario() -> None:
        rig = Rig(a_record(lease=LONG))
        win = Win(N2, 6, builders.RECORD.basis, at(5, 2000), TimelineEntry(3, 6, 2, Lsn(2000), 5))
        won = await rig.keeper.swap(win)
        assert isinstance(won, Record)
        assert won.lease == rig.keeper.bonds.times == LONG

    asyncio.run(scenario())


def test_a_record_that_is_gone_is_known_to_be_gone() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.refresh()
        rig.documents.wipe()
        assert await rig.keeper.refresh() is None
        assert rig.keeper.known
        assert isinstance(await rig.keeper.swap(RENEW), NotAllowed)
        assert rig.keeper.settled == builders.RECORD

    asyncio.run(scenario())


def test_the_fault_switches_are_those_that_the_tests_mean() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.store.deaf = True
        assert isinstance(await rig.store.compare_and_swap(RECORD, 1, "{}"), Unknown)
        assert rig.stored() == builders.RECORD

    asyncio.run(scenario())


def heard_by(rig: Rig) -> Record | None:
    """What it would follow on in the store's place."""
    return rig.keeper.heard


def test_what_peers_have_read_counts_only_while_the_store_does_not_answer() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.keeper.refresh()
        newer = a_record(term=6, holder=N3, voters=(N1, N2), lease_counter=30)
        rig.keeper.hear(newer)
        assert heard_by(rig) is None
        rig.store.faults.unreachable = True
        with pytest.raises(StoreUnavailable):
            await rig.keeper.refresh()
        assert heard_by(rig) == newer
        rig.keeper.hear(a_record(lease_counter=29))
        assert heard_by(rig) == newer
        assert (rig.keeper.record, rig.keeper.settled, rig.keeper.expired) == (builders.RECORD, builders.RECORD, False)

    asyncio.run(scenario())


def test_a_store_that_answers_again_ends_what_was_heard() -> None:
    """Whatever it says: if it went back, the rules see that from what this server remembers, not from hearsay."""

    async def scenario() -> None:
        rig = Rig()
        rig.store.faults.unreachable = True
        with pytest.raises(StoreUnavailable):
            await rig.keeper.refresh()
        rig.keeper.hear(a_record(term=6, holder=N3, voters=(N1, N2), lease_counter=30))
        rig.store.faults.unreachable = False
        await rig.keeper.refresh()
        rig.store.faults.unreachable = True
        with pytest.raises(StoreUnavailable):
            await rig.keeper.refresh()
        assert heard_by(rig) is None
        assert rig.keeper.record == builders.RECORD

    asyncio.run(scenario())
