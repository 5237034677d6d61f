"""A router's knowledge of a real cluster, without the rest of the router: it runs in a thread of its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from howdah.configuration.faults import checked
from howdah.configuration.router import RouterSettings
from howdah.router.topology import Topology, fleet_limits, loop_ms
from howdah.routing.fleet import Change, Fleet, Target
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually

T = TypeVar("T")


class Eye:
    """`changes`: what the fleet told, in words. `writables`: how many targets were writable after each."""

    def __init__(self, settings: RouterSettings) -> None:
        self.fleet = Fleet(fleet_limits(settings.knowledge, settings.routing))
        self.changes: list[str] = []
        self.writables: list[int] = []
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._follow())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _follow(self) -> None:
        await Topology(self._settings, self.fleet, self._tell).run()

    def _tell(self, changes: tuple[Change, ...]) -> None:
        self.changes += [f"{type(change).__name__} {change.target.name}" for change in changes]
        self.writables.append(sum(target.writable for target in self.fleet.targets.values()))

    def close(self) -> None:
        """End it; a failure of its own fails the test."""
        task = self._task
        if task is not None:
            self._loop.call_soon_threadsafe(task.cancel)
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()
        assert task is not None
        assert task.cancelled() or task.exception() is None, task.exception()

    def ask(self, question: Callable[[float], T]) -> T:
        """The answer of the fleet, in its own thread, at its present moment."""

        async def answer() -> T:
            return question(loop_ms())

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(timeout=30)

    def writable(self) -> str:
        """The name of the server that writes would go to now; "" for none."""
        target = self.ask(self.fleet.writable)
        return target.name if target else ""

    def reader(self, wrote_ms: float) -> Target | None:
        """Where a read of a session that last wrote then would go to now."""
        return self.ask(lambda now_ms: self.fleet.readable(wrote_ms, now_ms))

    def readers(self) -> set[str]:
        """Which standbys may be read from."""
        return self.ask(lambda _: {target.name for target in self.fleet.targets.values() if target.readable})

    def until_writable(self, name: str) -> float:
        """Wait for it; the seconds that it took."""
        began = time.monotonic()
        eventually(lambda: self.writable() == name, f"writes go to {name}; it was told {self.changes}")
        return time.monotonic() - began


def settings_for(
    cluster: RealCluster, more: Mapping[str, Any] | None = None, *, agents: bool = False
) -> RouterSettings:
    """A router's settings for this cluster, by the store or by its agents."""
    first = next(iter(cluster.nodes.values()))
    where: dict[str, Any] = {"store": {"kind": "sqlite", "directory": str(cluster.store.directory)}}
    if agents:
        where = {"agents": {"addresses": [f"{node.host}:{node.api_port}" for node in cluster.nodes.values()]}}
    password = (first.layout.secrets / "router").read_text().strip()
    return checked(RouterSettings, {"cluster": "test", "secrets": {"router": password}, **where, **(more or {})})


@contextlib.contextmanager
def eye_on(cluster: RealCluster, more: Mapping[str, Any] | None = None, *, agents: bool = False) -> Iterator[Eye]:
    """An eye on a healthy cluster; never did it take two servers for writable."""
    eye = Eye(settings_for(cluster, more, agents=agents))
    try:
        yield eye
    finally:
        eye.close()
    assert max(eye.writables, default=0) <= 1, eye.changes
