"""How does a router learn from the store who leads, and what does it do when the store is away or went back?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from howdah.agent.keeper import RECORD
from howdah.cluster.record import write_record
from howdah.configuration.intents import write_document
from howdah.ports.store import Store, Versioned
from howdah.router.recordsource import RecordSource
from howdah.routing.clusterview import ClusterView
from howdah.routing.fleet import Fleet, FleetLimits, PrimaryLost, PrimaryServes
from howdah.stores.memory import MemoryStore
from tests.router.records import FIRST, SECOND, port_of, write, write_address, write_whole
from tests.stores.sqliterig import SqliteRig

LIMIT_S = 20.0
POLL_S = 0.005
SELDOM_MS = 60_000.0
OFTEN_MS = 20.0

Play = Callable[[Any], Coroutine[Any, Any, None]]


class DeafStore(MemoryStore):
    """Its watches tell the present state, and then nothing any more."""

    async def _watch(self, name: str) -> AsyncIterator[Versioned | None]:
        yield self.documents.current(name)
        await asyncio.Event().wait()


class Follower:
    """A fleet that follows a store, and what it was told."""

    def __init__(self, store: Store, poll_ms: float) -> None:
        loop = asyncio.get_running_loop()
        self.fleet = Fleet(FleetLimits())
        self.views: list[ClusterView] = []
        self.changes: list[str] = []
        self._changed = asyncio.Event()
        self.source = RecordSource(store, self._take, lambda: loop.time() * 1000, poll_ms)

    def _take(self, view: ClusterView) -> None:
        self.views.append(view)
        for change in self.fleet.learn(view, asyncio.get_running_loop().time() * 1000):
            if isinstance(change, PrimaryServes | PrimaryLost):
                self.changes.append(f"{type(change).__name__} {change.target.name}")
        self._changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def until_complains(self, of: str) -> None:
        for _ in range(int(LIMIT_S / POLL_S)):
            if of in self.source.trouble:
                return
            await asyncio.sleep(POLL_S)
        raise AssertionError(f"it does not complain of {of!r}, but of {self.source.trouble!r}")

    async def until_serves(self, name: str) -> None:
        await self.until(lambda: self.fleet.primary is not None and self.fleet.primary.name == name)


@contextlib.asynccontextmanager
async def following(store: Store, poll_ms: float = SELDOM_MS) -> AsyncIterator[Follower]:
    follower = Follower(store, poll_ms)
    task = asyncio.create_task(follower.source.run())
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def with_memory(play: Play) -> None:
    store = MemoryStore()
    await play(store)
    await store.close()


async def with_sqlite(play: Play) -> None:
    rig = SqliteRig()
    try:
        await asyncio.to_thread(rig.start)
        store = rig.client()
        await play(store)
        await store.close()
    finally:
        rig.close()


@pytest.mark.parametrize("with_store", [with_memory, with_sqlite])
def test_the_start_and_each_change_come_by_the_watch_alone(
    with_store: Callable[[Play], Coroutine[Any, Any, None]],
) -> None:
    async def play(store: Store) -> None:
        await write_whole(store, FIRST)
        async with following(store) as follower:
            await follower.until_serves("n1")
            await follower.until(lambda: len(follower.fleet.targets) == 3)
            assert {t.name: t.port for t in follower.fleet.targets.values()} == {
                n: port_of(n) for n in ("n1", "n2", "n3")
            }
            await write(store, RECORD, write_record(SECOND))
            await follower.until_serves("n2")
            assert follower.changes == ["PrimaryServes n1", "PrimaryLost n1", "PrimaryServes n2"]

    asyncio.run(with_store(play))


@pytest.mark.parametrize("with_store", [with_memory, with_sqlite])
def test_a_store_without_a_record_is_waited_for(
    with_store: Callable[[Play], Coroutine[Any, Any, None]],
) -> None:
    async def play(store: Store) -> None:
        async with following(store) as follower:
            await asyncio.sleep(0.05)
            assert not follower.views
            await write_whole(store, FIRST)
            await follower.until_serves("n1")

    asyncio.run(with_store(play))


def test_a_store_that_is_away_at_the_start_is_tried_again() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, FIRST)
        store.faults.unreachable = True
        async with following(store) as follower:
            await follower.until_complains("unreachable")
            store.faults.unreachable = False
            await follower.until_serves("n1")

    asyncio.run(with_memory(play))


def test_a_lost_watch_event_is_repaired_by_the_poll() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, FIRST)
        async with following(store, OFTEN_MS) as follower:
            await follower.until_serves("n1")
            await write(store, RECORD, write_record(SECOND))
            await follower.until_serves("n2")

    asyncio.run(play(DeafStore()))


def test_a_watch_that_breaks_is_opened_again() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, FIRST)
        async with following(store) as follower:
            await follower.until_serves("n1")
            store.drop_watches()
            await write(store, RECORD, write_record(SECOND))
            await follower.until_serves("n2")

    asyncio.run(with_memory(play))


def test_a_store_that_went_back_is_not_believed() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, SECOND)
        async with following(store, OFTEN_MS) as follower:
            await follower.until_serves("n2")
            await write(store, RECORD, write_record(replace(FIRST, lease_counter=99)))
            await follower.until(lambda: "older copy" in follower.fleet.trouble)
            assert follower.fleet.primary is follower.fleet.targets["n2"]
            await write(store, RECORD, write_record(replace(SECOND, generation=2, term=3, holder=FIRST.holder)))
            await follower.until_serves("n1")

    asyncio.run(with_memory(play))


def test_a_renewal_is_no_news_and_the_poll_keeps_the_knowledge_fresh() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, FIRST)
        async with following(store, OFTEN_MS) as follower:
            await follower.until_serves("n1")
            known_ms = follower.fleet.known_ms
            await write(store, RECORD, write_record(replace(FIRST, lease_counter=2)))
            await follower.until(lambda: follower.fleet.known_ms > known_ms)
            assert follower.changes == ["PrimaryServes n1"]

    asyncio.run(with_memory(play))


def test_a_record_that_cannot_be_read_changes_nothing() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, FIRST)
        async with following(store, OFTEN_MS) as follower:
            await follower.until_serves("n1")
            await write(store, RECORD, "no record")
            await follower.until_complains("cannot be read")
            await write(store, RECORD, write_record(SECOND))
            await follower.until_serves("n2")

    asyncio.run(with_memory(play))


def test_a_node_s_new_address_is_learned_when_the_configuration_changes() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, FIRST)
        async with following(store) as follower:
            await follower.until_serves("n1")
            await follower.until(lambda: len(follower.fleet.targets) == 3)
            await write_address(store, "n3", 7003)
            await write(store, "config", write_document({"nodes": ["n1", "n3"]}))
            await follower.until(lambda: len(follower.fleet.targets) == 2)
            assert follower.fleet.targets["n3"].port == 7003

    asyncio.run(with_memory(play))


def test_a_wiped_store_makes_no_node_go() -> None:
    async def play(store: MemoryStore) -> None:
        await write_whole(store, FIRST)
        async with following(store, OFTEN_MS) as follower:
            await follower.until_serves("n1")
            await follower.until(lambda: len(follower.fleet.targets) == 3)
            store.documents.wipe()
            await follower.until_complains("no record")
            await write(store, RECORD, write_record(replace(FIRST, generation=2)))
            known_ms = follower.fleet.known_ms
            await follower.until(lambda: follower.fleet.known_ms > known_ms)
            assert len(follower.fleet.targets) == 3

    asyncio.run(with_memory(play))
