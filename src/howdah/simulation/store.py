"""How does the store behave, seen from a node: slow, cut off, away, with swaps of unknown outcome that land late?"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from howdah.agent.waking import Wake
from howdah.ports.store import Conflict, StoreUnavailable, SwapOutcome, Swapped, Unknown, Versioned
from howdah.simulation.chance import Chance
from howdah.simulation.loop import WORLD, Owner, VirtualLoop
from howdah.simulation.network import STORE, Network
from howdah.simulation.ports import guard

T = TypeVar("T")

Backup = tuple[dict[str, Versioned], int]
"""The documents, and the last version that was given out."""

LIMIT_MS = 1000
"""The request timeout, as in the real settings."""
QUIET_MS = 20_000
"""Without a hint for so long a watch reads."""


class StoreServer:
    """The documents. `away`: nobody is answered. `unsure`: in how many cases a request meets trouble."""

    def __init__(self, loop: VirtualLoop, chance: Chance, network: Network) -> None:
        self.loop = loop
        self.chance = chance
        self.network = network
        self.documents: dict[str, Versioned] = {}
        self.away = False
        self.unsure = 0.0
        self.slow_ms = 0.0
        self.late_ms: dict[str, float] = {}  # whose swaps land so much later, and are not answered
        self.on_swap: list[Callable[[str, str], None]] = []
        self.on_put_back: list[Callable[[str, str], None]] = []
        self.watches: list[Watch] = []
        self.life = 0
        self._version = 0

    def swap(self, name: str, expected: int | None, text: str) -> Swapped | Conflict:
        """The atomic step."""
        present = self.documents.get(name)
        if (present.version if present else None) != expected:
            return Conflict()
        self._version += 1
        self.documents[name] = Versioned(text, self._version)
        for listener in tuple(self.on_swap):
            listener(name, text)
        self.tell(name)
        return Swapped(self._version)

    def tell(self, name: str) -> None:
        """Hints to those who watch: late, lost or twice."""
        found = self.documents.get(name)
        for watch in self.watches:
            if watch.name != name or self.away or not self.network.passes(STORE, watch.node):
                continue
            if self.chance.maybe(0.02):
                continue
            late = self.delay(watch.node) + (self.chance.process() if self.chance.maybe(0.1) else 0.0)
            self.loop.after(watch.owner, late, watch.hear, found)
            if self.chance.maybe(0.02):
                self.loop.after(watch.owner, late + 300 * self.chance.random(), watch.hear, found)

    def wipe(self) -> None:
        """Every document is gone."""
        self.put_back(({}, 0))

    def backup(self) -> Backup:
        """A copy of everything."""
        return dict(self.documents), self._version

    def put_back(self, backup: Backup) -> None:
        """An old copy takes the place of everything; versions are given out again."""
        names = sorted(self.documents)
        self.documents, self._version = dict(backup[0]), backup[1]
        self.life += 1  # it was stopped for this: requests that were on their way are gone
        for name, found in self.documents.items():
            for listener in self.on_put_back:
                listener(name, found.text)
        for name in names:
            self.tell(name)

    def delay(self, node: str) -> float:
        """One way."""
        slow = self.slow_ms * self.chance.random() if self.slow_ms else 0.0
        return 0.3 + 1.5 * self.chance.random() + slow + self.network.delay(node, STORE)


class Watch:
    """One watch of one client: what is there now, then every hint, and a read where none comes for long."""

    def __init__(self, store: "SimStore", server: StoreServer, name: str, node: str, owner: Owner) -> None:
        self.name = name
        self.node = node
        self.owner = owner
        self._store = store
        self._server = server
        self._heard: deque[Versioned | None] = deque()
        self._arrived = Wake()
        self._begun = False

    def hear(self, found: Versioned | None) -> None:
        """A hint arrived."""
        self._heard.append(found)
        self._arrived.set()

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> Versioned | None:
        try:
            return await self._next()
        except BaseException:
            self._server.watches.remove(self)
            raise

    async def _next(self) -> Versioned | None:
        if not self._begun:
            self._begun = True
            self._server.watches.append(self)
            return await self._store.read(self.name)
        if not self._heard:
            self._arrived.clear()
            if not await self._arrived.wait(QUIET_MS):
                return await self._store.read(self.name)
        return self._heard.popleft()


class SimStore:
    """`ports.store.Store` for one agent."""

    def __init__(self, server: StoreServer, node: str, owner: Owner) -> None:
        self._server = server
        self._node = node
        self._owner = owner

    async def read(self, name: str) -> Versioned | None:
        """See the port."""
        try:
            async with asyncio.timeout(LIMIT_MS / 1000):
                return await self._ask(lambda: self._server.documents.get(name), False)
        except TimeoutError as error:
            raise StoreUnavailable("the store did not answer a read in time") from error

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """See the port."""
        if self._server.away and self._server.chance.maybe(0.5):
            await self._server.loop.pause(1)
            raise StoreUnavailable("the store refuses connections")
        try:
            async with asyncio.timeout(LIMIT_MS / 1000):
                return await self._ask(lambda: self._server.swap(name, expected_version, text), True)
        except TimeoutError:
            return Unknown("the store did not answer in time")

    async def _ask(self, work: Callable[[], T], writes: bool) -> T:
        guard(self._owner)
        server, loop = self._server, self._server.loop
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        delay = server.delay(self._node)
        trouble = server.unsure and server.chance.maybe(server.unsure)
        kind = server.chance.choice(("lost", "late", "mute")) if trouble else ""
        if writes and self._node in server.late_ms:
            loop.after(WORLD, server.late_ms[self._node], self._land, work, server.life)
        elif kind == "late" and writes:
            loop.after(WORLD, delay + 8000 * server.chance.random(), self._land, work, server.life)
        elif kind != "lost" and server.network.passes(self._node, STORE) and not server.away:
            loop.after(WORLD, delay, self._arrive, work, answer, kind == "mute", server.life)
        elif writes and server.chance.maybe(0.2):
            loop.after(WORLD, delay + 15000 * server.chance.random(), self._land, work, server.life)
        return await answer

    def _arrive(self, work: Callable[[], T], answer: "asyncio.Future[T]", mute: bool, life: int) -> None:
        server = self._server
        if server.away or life != server.life:
            return
        result = work()
        if mute or not server.network.passes(STORE, self._node):
            return
        server.loop.after(
            self._owner, server.delay(self._node), lambda: None if answer.done() else answer.set_result(result)
        )

    def _land(self, work: Callable[[], T], life: int) -> None:
        """A request that nobody waits for any more."""
        if not self._server.away and life == self._server.life:
            work()

    def watch(self, name: str) -> AsyncIterator[Versioned | None]:
        """See the port."""
        guard(self._owner)
        return Watch(self, self._server, name, self._node, self._owner)

    async def close(self) -> None:
        """See the port."""
