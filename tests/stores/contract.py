"""What must every store do? Written once, run against each of them."""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from howdah.ports.store import Conflict, Store, StoreUnavailable, Swapped, Versioned
from howdah.stores.documents import DOCUMENT_BYTES_MAX

S = TypeVar("S", bound=Store)

_numbers = itertools.count(1)

WATCH_SECONDS = 10.0
"""How long a test waits for a hint before it fails. No test is faster or slower because of it."""


class StoreRig(ABC):
    """A running store, of which a test takes as many clients as it wants."""

    @abstractmethod
    def client(self) -> Store:
        """One more client."""

    def fresh_name(self) -> str:
        """A document nobody has used."""
        return f"document-{next(_numbers)}"

    def run(self, scenario: Callable[[Store, str], Awaitable[None]]) -> None:
        """Run a scenario with one client and a fresh document."""

        async def with_client() -> None:
            async with closing(self.client()) as store:
                await scenario(store, self.fresh_name())

        asyncio.run(with_client())


@asynccontextmanager
async def closing(store: S) -> AsyncIterator[S]:
    """The store, closed at the end."""
    try:
        yield store
    finally:
        await store.close()


async def swap(store: Store, name: str, expected_version: int | None, text: str) -> int:
    """A swap that must succeed; the new version."""
    outcome = await store.compare_and_swap(name, expected_version, text)
    assert isinstance(outcome, Swapped), outcome
    return outcome.version


async def hint(watch: AsyncIterator[Versioned | None], text: str | None) -> None:
    """Wait until the watch has shown this text."""
    async with asyncio.timeout(WATCH_SECONDS):
        async for document in watch:
            if (None if document is None else document.text) == text:
                return
    raise AssertionError("the watch ended")


class StoreContract:
    """Behaviour while nothing fails. Subclasses give the fixture `rig`."""

    def test_a_document_nobody_wrote_is_none(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            assert await store.read(name) is None

        rig.run(scenario)

    def test_a_document_is_created_only_if_absent(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = await swap(store, name, None, "first")
            assert version != 0
            assert await store.compare_and_swap(name, None, "second") == Conflict()
            assert await store.read(name) == Versioned("first", version)

        rig.run(scenario)

    def test_a_swap_at_the_present_version_is_read_back(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            first = await swap(store, name, None, "first")
            second = await swap(store, name, first, "second")
            assert await store.read(name) == Versioned("second", second)

        rig.run(scenario)

    def test_a_swap_at_an_old_version_is_a_conflict_and_writes_nothing(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            first = await swap(store, name, None, "first")
            second = await swap(store, name, first, "second")
            assert await store.compare_and_swap(name, first, "late") == Conflict()
            assert await store.compare_and_swap(name, second + 1_000, "early") == Conflict()
            assert await store.read(name) == Versioned("second", second)

        rig.run(scenario)

    def test_a_swap_of_a_document_that_is_not_there_is_a_conflict(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            assert await store.compare_and_swap(name, 7, "text") == Conflict()
            assert await store.read(name) is None

        rig.run(scenario)

    def test_of_two_writers_one_wins(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            async with closing(rig.client()) as other:
                version: int | None = None
                for round_number in range(5):
                    texts = [f"{round_number} of one", f"{round_number} of the other"]
                    outcomes = await asyncio.gather(
                        store.compare_and_swap(name, version, texts[0]),
                        other.compare_and_swap(name, version, texts[1]),
                    )
                    assert sum(isinstance(outcome, Swapped) for outcome in outcomes) == 1, outcomes
                    assert sum(outcome == Conflict() for outcome in outcomes) == 1, outcomes
                    winner = 0 if isinstance(outcomes[0], Swapped) else 1
                    document = await store.read(name)
                    assert document is not None
                    assert document.text == texts[winner]
                    version = document.version

        rig.run(scenario)

    def test_concurrent_increments_are_all_counted(self, rig: StoreRig) -> None:
        async def increment(store: Store, name: str) -> None:
            while True:
                document = await store.read(name)
                assert document is not None
                outcome = await store.compare_and_swap(name, document.version, str(int(document.text) + 1))
                if isinstance(outcome, Swapped):
                    return

        async def scenario(store: Store, name: str) -> None:
            await swap(store, name, None, "0")
            await asyncio.gather(*(increment(store, name) for _ in range(10)))
            document = await store.read(name)
            assert document is not None
            assert document.text == "10"

        rig.run(scenario)

    def test_versions_of_one_document_grow(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            versions = [await swap(store, name, None, "0")]
            for number in range(1, 10):
                await swap(store, rig.fresh_name(), None, "another document")
                versions.append(await swap(store, name, versions[-1], str(number)))
            assert versions == sorted(set(versions))

        rig.run(scenario)

    def test_another_client_reads_what_was_just_swapped(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            async with closing(rig.client()) as other:
                version = None
                for number in range(20):
                    version = await swap(store, name, version, str(number))
                    assert await other.read(name) == Versioned(str(number), version)

        rig.run(scenario)

    def test_big_and_strange_text_comes_back_as_it_was(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = None
            for text in (
                "x" * 200_000,
                "",
                '{"a": "\\u0000 \n\r\t"}',
                "\x00\x01\x7f",
                "\u00e9\u4e2d\U0001f418\u2028" * 1_000,
            ):
                version = await swap(store, name, version, text)
                assert await store.read(name) == Versioned(text, version)

        rig.run(scenario)

    def test_text_of_the_greatest_size_is_taken_and_longer_text_is_refused(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            text = "\x01" * DOCUMENT_BYTES_MAX
            version = await swap(store, name, None, text)
            with pytest.raises(ValueError, match="at most"):
                await store.compare_and_swap(name, version, text + "x")
            version = await swap(store, name, version, "\x02" * DOCUMENT_BYTES_MAX)
            assert await store.read(name) == Versioned("\x02" * DOCUMENT_BYTES_MAX, version)

        rig.run(scenario)

    @pytest.mark.parametrize("name", ["", "A", "a/b", "1a", "-a", "a_b", "a b", "a\n", "\u00e9", "../a", "a" * 64])
    def test_a_malformed_name_is_refused(self, rig: StoreRig, name: str) -> None:
        async def scenario(store: Store, _: str) -> None:
            with pytest.raises(ValueError, match="cannot name a document"):
                await store.read(name)
            with pytest.raises(ValueError, match="cannot name a document"):
                await store.compare_and_swap(name, None, "text")
            with pytest.raises(ValueError, match="cannot name a document"):
                store.watch(name)

        rig.run(scenario)

    def test_a_watch_shows_first_that_there_is_nothing_and_then_the_document(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            watch = store.watch(name)
            assert await anext(watch) is None
            await swap(store, name, None, "first")
            await hint(watch, "first")

        rig.run(scenario)

    def test_a_watch_shows_first_the_present_document_and_then_changes_by_others(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = await swap(store, name, None, "first")
            async with closing(rig.client()) as other:
                watch = other.watch(name)
                assert await anext(watch) == Versioned("first", version)
                for text in ("second", "third"):
                    version = await swap(store, name, version, text)
                    await hint(watch, text)

        rig.run(scenario)

    def test_a_watch_shows_strange_text_as_it_is(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            watch = store.watch(name)
            assert await anext(watch) is None
            text = "\u0085\u2028\x0b\x1c\r\n\U0001f418" + "x" * 200_000
            await swap(store, name, None, text)
            await hint(watch, text)

        rig.run(scenario)

    def test_a_watch_is_silent_about_other_documents(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            watch = store.watch(name)
            assert await anext(watch) is None
            await swap(store, name + "-longer", None, "other")
            await swap(store, rig.fresh_name(), None, "other")
            await swap(store, name, None, "mine")
            document = await anext(watch)
            assert document is not None
            assert document.text == "mine"

        rig.run(scenario)

    def test_a_change_between_two_looks_at_a_watch_is_not_missed(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            watch = store.watch(name)
            assert await anext(watch) is None
            version = None
            for number in range(50):
                version = await swap(store, name, version, str(number))
            await hint(watch, "49")

        rig.run(scenario)

    def test_a_cancelled_request_or_watch_leaves_nothing_behind(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            watch = store.watch(name)
            assert await anext(watch) is None
            waiting = asyncio.ensure_future(anext(watch))
            requests: list[asyncio.Task[object]] = [
                asyncio.ensure_future(store.read(name)),
                asyncio.ensure_future(store.compare_and_swap(name, None, "x" * 100_000)),
            ]
            for turns in range(4):
                for _ in range(turns):
                    await asyncio.sleep(0)
                requests.append(asyncio.ensure_future(store.read(name)))
            for task in (waiting, *requests):
                task.cancel()
            await asyncio.gather(waiting, *requests, return_exceptions=True)
            # The client is as good as before. (What was cancelled may still land, so not on this document.)
            another = rig.fresh_name()
            version = await swap(store, another, None, "after")
            assert await store.read(another) == Versioned("after", version)

        rig.run(scenario)

    def test_a_closed_client_answers_nothing_and_ends_its_watches(self, rig: StoreRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            watch = store.watch(name)
            assert await anext(watch) is None
            waiting = asyncio.ensure_future(anext(watch))
            await asyncio.sleep(0)
            await store.close()
            async with asyncio.timeout(WATCH_SECONDS):
                with pytest.raises((StoreUnavailable, StopAsyncIteration)):
                    await waiting
            with pytest.raises(StoreUnavailable):
                await store.read(name)
            with pytest.raises(StoreUnavailable):
                await store.compare_and_swap(name, None, "text")
            with pytest.raises(StoreUnavailable):
                await anext(store.watch(name))

        rig.run(scenario)
