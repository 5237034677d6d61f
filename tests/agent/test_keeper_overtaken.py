"""What do answers of the store tell that come late, or after another answer?"""

import asyncio

from howdah.agent.keeper import RECORD, Keeper
from howdah.cluster.changes import Release, Renew
from howdah.cluster.record import read_record, write_record
from howdah.ports.store import SwapOutcome, Versioned
from howdah.stores.memory import MemoryStore, SwapFault
from tests.cluster.builders import N1, N2, a_record
from tests.postgres.handclock import HandClock


class SlowReads(MemoryStore):
    """Holds the answer of the next read back until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = False
        self.let_go = asyncio.Event()

    async def read(self, name: str) -> Versioned | None:
        """See the port."""
        found = await super().read(name)
        if self.hold:
            self.hold = False
            await self.let_go.wait()
        return found


def a_keeper(store: MemoryStore) -> tuple[Keeper, HandClock]:
    """A keeper whose store has the record of `builders`."""
    clock = HandClock(1_000_000)
    store.documents.swap(RECORD, None, write_record(a_record()))
    return Keeper(store, clock, lambda: None), clock


def test_an_answer_that_was_overtaken_neither_brings_the_old_record_back_nor_settles_a_swap() -> None:
    async def story() -> None:
        store = SlowReads()
        keeper, clock = a_keeper(store)
        await keeper.refresh()
        store.hold = True
        slow = asyncio.create_task(keeper.refresh())
        await asyncio.sleep(0)
        clock.now_ms += 5
        await keeper.swap(Renew(N1, 5, serving=False))
        store.faults.next_swap = SwapFault.LANDS_LATE
        hanging = asyncio.create_task(keeper.swap(Release(N1, 5)))
        await asyncio.sleep(0)
        hanging.cancel()
        await asyncio.wait((hanging,))
        assert keeper.unsettled
        store.let_go.set()
        await slow
        assert keeper.unsettled  # the version from before says nothing of a swap of the version after
        assert keeper.record is not None and keeper.record.lease_counter == 11

    asyncio.run(story())


def test_a_store_that_went_back_is_seen_by_the_next_read() -> None:
    async def story() -> None:
        store = MemoryStore()
        keeper, clock = a_keeper(store)
        await keeper.refresh()
        await keeper.swap(Renew(N1, 5))
        clock.now_ms += 5
        store.documents._documents[RECORD] = Versioned(write_record(a_record(term=4)), 1)
        seen = await keeper.refresh()
        assert seen is not None and seen.term == 4

    asyncio.run(story())


class Overtaken(MemoryStore):
    """Another's swap is heard of before the answer to ours comes."""

    keeper: Keeper

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """See the port."""
        outcome = await super().compare_and_swap(name, expected_version, text)
        present = self.documents.current(name)
        newer = write_record(a_record(term=6, holder=N2, lease_counter=20))
        self.documents.swap(name, present.version if present else None, newer)
        await self.keeper._heard(self.documents.current(name))
        return outcome


def test_a_swap_returns_what_it_wrote_even_if_another_one_was_heard_of_first() -> None:
    async def story() -> None:
        store = Overtaken()
        store.keeper, _ = a_keeper(store)
        await store.keeper.refresh()
        renewed = await store.keeper.swap(Renew(N1, 5))
        assert renewed == read_record(write_record(a_record(lease_counter=11, write_id=f"{1:016x}")))
        assert store.keeper.record is not None and store.keeper.record.holder == N2

    asyncio.run(story())
