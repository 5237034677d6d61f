"""Does the fake keep the contract, and do its faults do what they say?"""

import asyncio

import pytest

from howdah.ports.store import Conflict, Store, StoreUnavailable, Swapped, Unknown, Versioned
from howdah.stores.memory import MemoryDocuments, MemoryStore, SwapFault
from tests.stores.contract import StoreContract, StoreRig, swap


class MemoryRig(StoreRig):
    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    def client(self) -> Store:
        return MemoryStore(self.documents)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def rig(self) -> MemoryRig:
        return MemoryRig()


async def _one_document(store: MemoryStore) -> int:
    return await swap(store, "record", None, "old")


def test_an_unknown_swap_may_have_been_applied() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        version = await _one_document(store)
        store.faults.next_swap = SwapFault.UNKNOWN_APPLIED
        assert isinstance(await store.compare_and_swap("record", version, "new"), Unknown)
        document = await store.read("record")
        assert document is not None
        assert document.text == "new"

    asyncio.run(scenario())


def test_an_unknown_swap_may_not_have_been_applied() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        version = await _one_document(store)
        store.faults.next_swap = SwapFault.UNKNOWN_NOT_APPLIED
        assert isinstance(await store.compare_and_swap("record", version, "new"), Unknown)
        assert await store.read("record") == Versioned("old", version)
        assert isinstance(await store.compare_and_swap("record", version, "new"), Swapped)

    asyncio.run(scenario())


def test_a_late_swap_lands_after_a_read_showed_the_old_value() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        version = await _one_document(store)
        store.faults.next_swap = SwapFault.LANDS_LATE
        assert isinstance(await store.compare_and_swap("record", version, "late"), Unknown)
        assert await store.read("record") == Versioned("old", version)
        (landed,) = store.land_late()
        assert isinstance(landed, Swapped)
        assert await store.read("record") == Versioned("late", landed.version)

    asyncio.run(scenario())


def test_a_later_successful_swap_makes_a_late_one_impossible() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        version = await _one_document(store)
        store.faults.next_swap = SwapFault.LANDS_LATE
        assert isinstance(await store.compare_and_swap("record", version, "late"), Unknown)
        settled = await swap(store, "record", version, "settled")
        assert store.land_late() == [Conflict()]
        assert await store.read("record") == Versioned("settled", settled)

    asyncio.run(scenario())


def test_a_refused_swap_and_a_failed_read_happen_once() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        version = await _one_document(store)
        store.faults.next_swap = SwapFault.REFUSED
        with pytest.raises(StoreUnavailable):
            await store.compare_and_swap("record", version, "new")
        store.faults.next_read_fails = True
        with pytest.raises(StoreUnavailable):
            await store.read("record")
        assert await store.read("record") == Versioned("old", version)

    asyncio.run(scenario())


def test_an_unreachable_store_hurts_one_client_only() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        other = MemoryStore(store.documents)
        store.faults.unreachable = True
        with pytest.raises(StoreUnavailable):
            await store.read("record")
        with pytest.raises(StoreUnavailable):
            await store.compare_and_swap("record", None, "new")
        await _one_document(other)

    asyncio.run(scenario())


def test_a_dropped_watch_says_so_and_another_one_shows_the_present() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        watch = store.watch("record")
        assert await anext(watch) is None
        store.drop_watches()
        with pytest.raises(StoreUnavailable):
            await anext(watch)
        version = await _one_document(store)
        assert await anext(store.watch("record")) == Versioned("old", version)

    asyncio.run(scenario())


def test_a_wipe_is_shown_to_watches_and_versions_go_on_growing() -> None:
    async def scenario() -> None:
        store = MemoryStore()
        version = await _one_document(store)
        watch = store.watch("record")
        assert await anext(watch) == Versioned("old", version)
        store.documents.wipe()
        assert await anext(watch) is None
        assert await _one_document(store) > version

    asyncio.run(scenario())
