"""What must every store that is a server do when the server dies, stops, slows down or loses its disk?"""

import asyncio
import contextlib
import os
import signal
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import pytest

from howdah.ports.store import Conflict, Store, StoreUnavailable, Swapped, Unknown, Versioned
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.kubernetes.client import KubernetesStore
from howdah.stores.sqlite.client import SqliteStore
from tests.signals import send
from tests.stores.contract import StoreRig, closing, hint, swap

SHORT_TIMEOUT_MS = 400
"""Of clients in tests that wait for it to pass."""


def run_apart(coroutine: Coroutine[None, None, None]) -> None:
    """Run it to its end in a loop of its own, whether or not this thread has one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


def _broken(store: SqliteStore | EtcdStore | KubernetesStore) -> str:
    """What the client says of a store that is not the one it was."""
    return (store.broken if isinstance(store, KubernetesStore) else store.lineage.broken) or ""


class ServerRig(StoreRig):
    """A store whose server a test can hurt. `hasty_client` gives up after SHORT_TIMEOUT_MS."""

    @abstractmethod
    def client(self) -> SqliteStore | EtcdStore | KubernetesStore:
        """One more client, of much patience."""

    @abstractmethod
    def hasty_client(self) -> Store:
        """One more client, of little patience."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """The server's process."""

    @abstractmethod
    def start(self) -> None:
        """Start the server and wait until it answers."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""

    @abstractmethod
    def wipe(self) -> None:
        """Delete what the (dead) server wrote."""

    @abstractmethod
    def back_up(self) -> None:
        """Copy what the (dead) server wrote."""

    @abstractmethod
    def put_back(self) -> None:
        """Replace what the (dead) server wrote by the copy."""

    @abstractmethod
    def relayed(self) -> AbstractAsyncContextManager[tuple["HoldingRelay", Store]]:
        """A relay before the server, and a hasty client behind the relay."""

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """The server is stopped (SIGSTOP) while the context lasts."""
        send((self.pid,), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@dataclass
class _Written:
    """What one writer knows of its document: texts in order, and how each swap ended."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)


class ServerFaultContract:
    """Behaviour while the server is hurt. Subclasses give the fixture `server`, a ServerRig of each test's own."""

    def test_with_no_server_a_request_is_certain_to_have_done_nothing(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            await swap(store, name, None, "before")
            server.kill()
            async with closing(server.client()) as newcomer:
                for client in (store, newcomer):
                    with pytest.raises(StoreUnavailable):
                        await client.read(name)
                    with pytest.raises(StoreUnavailable):
                        await client.compare_and_swap(name, None, "text")
                    with pytest.raises(StoreUnavailable):
                        await anext(client.watch(name))

        server.run(scenario)

    def test_a_watch_breaks_when_the_server_is_killed(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            watch = store.watch(name)
            assert await anext(watch) is None
            server.kill()
            with pytest.raises((StoreUnavailable, StopAsyncIteration)):
                await anext(watch)
            server.start()
            watch = store.watch(name)
            assert await anext(watch) is None
            await swap(store, name, None, "after")
            await hint(watch, "after")

        server.run(scenario)

    def test_a_killed_server_forgets_no_acknowledged_write(self, server: ServerRig) -> None:
        """Writers run while the server is killed three times; each knows what it may find."""

        async def write(
            store: Store, name: str, ended: asyncio.Event, progress: asyncio.Queue[None], written: _Written
        ) -> None:
            number = 0
            while not ended.is_set():
                try:
                    document = await store.read(name)
                    number += 1
                    version = None if document is None else document.version
                    outcome = await store.compare_and_swap(name, version, str(number))
                except StoreUnavailable:
                    await asyncio.sleep(0.01)
                    continue
                match outcome:
                    case Swapped(swapped):
                        written.acknowledged[str(number)] = swapped
                        progress.put_nowait(None)
                    case Unknown():
                        written.unknown.add(str(number))
                    case Conflict():
                        # The only writer of this document: an unknown swap of its own landed in between.
                        assert written.unknown

        async def scenario(store: Store, name: str) -> None:
            names = [f"{name}-{letter}" for letter in "abc"]
            ended = asyncio.Event()
            progress: asyncio.Queue[None] = asyncio.Queue()
            written = [_Written() for _ in names]
            clients = [server.hasty_client() for _ in names]
            writers = [
                asyncio.ensure_future(write(client, own, ended, progress, record))
                for client, own, record in zip(clients, names, written, strict=True)
            ]
            for kills in range(3):
                while any(len(record.acknowledged) < 5 * (kills + 1) for record in written):
                    await progress.get()
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            ended.set()
            await asyncio.gather(*writers)
            for client in clients:
                await client.close()
            for own, record in zip(names, written, strict=True):
                document = await store.read(own)
                assert document is not None
                newest = max(record.acknowledged, key=int)
                possible = {newest} | {text for text in record.unknown if int(text) > int(newest)}
                assert document.text in possible, (document, possible)
                assert document.version >= record.acknowledged[newest]

        server.run(scenario)

    def test_a_stopped_server_makes_swaps_unknown_and_reads_unavailable(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = await swap(store, name, None, "before")
            async with closing(server.hasty_client()) as hasty:
                await hasty.read(name)  # over a connection that is there the request leaves
                with server.stopped():
                    outcome = await hasty.compare_and_swap(name, version, "during")
                    assert isinstance(outcome, Unknown), outcome
                    with pytest.raises(StoreUnavailable):
                        await hasty.read(name)
                while True:  # it may land now, between a read and a swap
                    document = await store.read(name)
                    assert document is not None
                    assert document.text in ("before", "during")
                    outcome = await store.compare_and_swap(name, document.version, "after")
                    if isinstance(outcome, Swapped):
                        break
                    assert document.text == "before"
                assert await hasty.read(name) == Versioned("after", outcome.version)

        server.run(scenario)

    def test_a_slow_server_is_waited_for(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = await swap(store, name, None, "before")
            with server.stopped():
                pending = asyncio.ensure_future(store.compare_and_swap(name, version, "slow"))
                await asyncio.sleep(0.3)
                assert not pending.done()
            outcome = await pending
            assert isinstance(outcome, Swapped)
            assert await store.read(name) == Versioned("slow", outcome.version)

        server.run(scenario)

    def test_a_wiped_server_has_no_document_and_the_client_says_so(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            old_version = await swap(store, name, None, "before")
            await swap(store, name, old_version, "before too")
            async with closing(server.client()) as witness:
                await witness.read(name)
                assert _broken(witness) == ""
                server.kill()
                server.wipe()
                server.start()
                assert await witness.read(name) is None
                assert "it was wiped" in _broken(witness).lower()
            assert await store.compare_and_swap(name, old_version, "from before the wipe") == Conflict()
            await swap(store, name, None, "after")

        server.run(scenario)

    def test_a_store_put_back_to_an_old_copy_is_noticed_and_old_versions_hit_nothing(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = await swap(store, name, None, "old")
            server.kill()
            server.back_up()
            server.start()
            async with closing(server.client()) as holder:
                for number in range(5):
                    version = await swap(holder, name, version, f"lost {number}")
                server.kill()
                server.put_back()
                server.start()
                document = await store.read(name)
                assert document is not None
                assert document.text == "old"
                for number in range(5):
                    await swap(store, name, document.version, f"new {number}")
                    # The one that remembers what was lost, also when the store counts through its version again.
                    outcome = await holder.compare_and_swap(name, version, "from before")
                    assert outcome == Conflict(), outcome
                    document = await store.read(name)
                    assert document is not None
                    assert document.text == f"new {number}"
                assert "went back" in _broken(holder)

        server.run(scenario)


class HoldingRelay:
    """A slow network: keeps what a client sent until the client has given up, and delivers it on `release`."""

    def __init__(self, connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]) -> None:
        self._connect = connect
        self._released = asyncio.Event()
        self.delivered = asyncio.Event()

    def release(self) -> None:
        """Deliver what is held."""
        self._released.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as asyncio's servers call it."""
        with contextlib.closing(writer):
            request = await reader.read(-1)
        await self._released.wait()
        far_reader, far_writer = await self._connect()
        with contextlib.closing(far_writer):
            far_writer.write(request)
            await far_writer.drain()
            await far_reader.read(1)
        self.delivered.set()


class LandsLateContract:
    """SETTLE: a swap that ended as Unknown is still on its way. Needs the fixture `server`, too."""

    def test_an_unknown_swap_lands_after_a_read_showed_the_old_value(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = await swap(store, name, None, "old")
            async with server.relayed() as (relay, far):
                assert isinstance(await far.compare_and_swap(name, version, "late"), Unknown)
                assert await store.read(name) == Versioned("old", version)
                relay.release()
                await relay.delivered.wait()
            document = await store.read(name)
            assert document is not None
            assert document.text == "late"
            assert document.version > version

        server.run(scenario)

    def test_a_later_successful_swap_makes_an_unknown_one_impossible(self, server: ServerRig) -> None:
        async def scenario(store: Store, name: str) -> None:
            version = await swap(store, name, None, "old")
            async with server.relayed() as (relay, far):
                assert isinstance(await far.compare_and_swap(name, version, "late"), Unknown)
                settled = await swap(store, name, version, "settled")
                relay.release()
                await relay.delivered.wait()
            assert await store.read(name) == Versioned("settled", settled)

        server.run(scenario)
