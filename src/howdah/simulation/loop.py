"""How does asyncio run on virtual time, so that the same seed gives the same run?

No selector, no threads, no real clock. Each handle belongs to an `Owner` (an agent, a server, a dead-man), who can be
frozen, which holds its handles until the thaw, or dead. Each owner's clock has its own rate.
"""

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from heapq import heappop, heappush
from typing import Any, TypeVar, cast

T = TypeVar("T")

STILL_MAX = 50_000
"""So many callbacks at one moment are an endless loop."""


class Stuck(Exception):
    """Somebody goes on and on without waiting."""


class Owner:
    """Somebody's process. `rate`: how fast its clock runs (1.05: five per cent too fast)."""

    __slots__ = ("context", "dead", "frozen", "held", "name", "rate", "tasks")

    def __init__(self, name: str, rate: float = 1.0) -> None:
        self.name = name
        self.rate = rate
        self.dead = False
        self.frozen = False
        self.held: deque[VirtualHandle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        self.context = Context()
        self.context.run(OWNER.set, self)


OWNER: ContextVar[Owner] = ContextVar("owner")
WORLD = Owner("world")


class VirtualHandle:
    """A callback that waits for its turn. Of the model (`context` None): dropped when its owner is dead, while an
    agent's tasks run on, to end. `callback` may be a future that a pause waits for."""

    __slots__ = ("args", "callback", "context", "dropped", "owner")

    def __init__(
        self,
        owner: Owner,
        callback: "Callable[..., object] | asyncio.Future[None]",
        args: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        self.owner = owner
        self.callback = callback
        self.args = args
        self.context = context
        self.dropped = False

    def cancel(self) -> None:
        """Never run it."""
        self.dropped = True

    def cancelled(self) -> bool:
        """Whether it will not run."""
        return self.dropped


class Turns:
    """Whose turn is it? What is ready, what waits for its time, and who is frozen or dead."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self._still = 0
        self.failure: BaseException | None = None
        self._owner = WORLD
        self._ready: deque[VirtualHandle] = deque()
        self._timers: list[tuple[float, int, VirtualHandle]] = []
        self._order = 0
        self._stop = False

    @property
    def as_asyncio(self) -> asyncio.AbstractEventLoop:
        """What asyncio takes it for. It has what tasks, futures, timeouts and groups call, and nothing else."""
        return cast(asyncio.AbstractEventLoop, self)

    @property
    def owner(self) -> Owner:
        """Whose handle runs now."""
        return self._owner

    def after(self, owner: Owner, delay_ms: float, callback: Callable[..., object], *args: Any) -> VirtualHandle:
        """Call for an owner, in the world's time; dropped if the owner is dead by then, held while it is frozen."""
        handle = VirtualHandle(owner, callback, args, None)
        self._order += 1
        heappush(self._timers, (self.now + delay_ms, self._order, handle))
        return handle

    def pause(self, duration_ms: float) -> asyncio.Future[None]:
        """To be awaited by a task: let the world go on for so long, on the clock of the task's owner."""
        nap: asyncio.Future[None] = asyncio.Future(loop=self.as_asyncio)
        owner = self._owner
        self._order += 1
        when = self.now + max(0.0, duration_ms) / owner.rate
        heappush(self._timers, (when, self._order, VirtualHandle(owner, nap, (), owner.context)))
        return nap

    def freeze(self, owner: Owner) -> None:
        """Hold everything of the owner from now on."""
        owner.frozen = True

    def thaw(self, owner: Owner, late_ms: float = 0.0) -> None:
        """Let it go on, `late_ms` from now, in the order in which things were held."""
        self.after(WORLD, late_ms, self._thawed, owner)

    def _thawed(self, owner: Owner) -> None:
        owner.frozen = False
        self._ready.extend(owner.held)
        owner.held.clear()

    def kill(self, owner: Owner) -> None:
        """The process is gone: its callbacks are dropped, its tasks cancelled. Ports of a dead owner do nothing."""
        owner.dead = True
        owner.frozen = False
        self._ready.extend(owner.held)
        owner.held.clear()
        tasks, owner.tasks = owner.tasks, []
        for task in tasks:
            task.cancel()

    def run_until(self, until_ms: float) -> None:
        """Run everything that is due up to a moment. Raises what a callback raised."""
        self._stop = False
        before = events._get_running_loop()
        events._set_running_loop(self.as_asyncio)
        ready, timers = self._ready, self._timers
        try:
            while not self._stop:
                if ready:
                    handle = ready.popleft()
                elif timers and timers[0][0] <= until_ms:
                    when, _, handle = heappop(timers)
                    if handle.dropped:
                        continue
                    if when > self.now:
                        self.now = when
                        self._still = 0
                else:
                    break
                self._run_one(handle)
        finally:
            self._owner = WORLD
            events._set_running_loop(before)
        if self.failure is not None:
            raise self.failure
        self.now = max(self.now, until_ms) if not self._stop else self.now

    def drain(self) -> None:
        """Run what is ready, and nothing that waits for a time."""
        self._still = 0
        before = events._get_running_loop()
        events._set_running_loop(self.as_asyncio)
        try:
            while self._ready:
                self._run_one(self._ready.popleft())
        finally:
            self._owner = WORLD
            events._set_running_loop(before)

    def stop(self) -> None:
        """End `run_until` after the present callback."""
        self._stop = True

    def _run_one(self, handle: VirtualHandle) -> None:
        owner, context = handle.owner, handle.context
        if handle.dropped or (owner.dead and context is None):
            return
        if owner.frozen:
            owner.held.append(handle)
            return
        self._owner = owner
        self.steps += 1
        self._still += 1
        if self._still > STILL_MAX:
            raise Stuck(f"{owner.name} runs {handle.callback!r} without end at {self.now:.3f} ms")
        callback = handle.callback
        if isinstance(callback, asyncio.Future):
            if not callback.done():
                callback.set_result(None)
        elif context is None:
            callback(*handle.args)
        else:
            context.run(callback, *handle.args)
        self._owner = WORLD


class VirtualLoop(Turns):
    """The event loop. Times inside are milliseconds since the world began, a float; `time()` is the running owner's
    own clock in seconds, as asyncio wants it."""

    def time(self) -> float:
        """The running owner's clock, in seconds."""
        return self.now * self._owner.rate / 1000

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> VirtualHandle:
        """As asyncio's."""
        owner = self._owner if context is None else context[OWNER]
        handle = VirtualHandle(owner, callback, args, owner.context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> VirtualHandle:
        """As asyncio's, on the owner's clock."""
        owner = self._owner if context is None else context[OWNER]
        handle = VirtualHandle(owner, callback, args, owner.context)
        self._order += 1
        heappush(self._timers, (self.now + max(0.0, delay) * 1000 / owner.rate, self._order, handle))
        return handle

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> VirtualHandle:
        """As asyncio's, on the owner's clock."""
        return self.call_later(when - self.time(), callback, *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> VirtualHandle:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """As asyncio's."""
        return asyncio.Future(loop=self.as_asyncio)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """As asyncio's; the owner keeps the task, so that it can be ended with it."""
        owner = self._owner if context is None else context[OWNER]
        task: asyncio.Task[T] = asyncio.Task(
            coro, loop=self.as_asyncio, name=str(name) if name else "task", context=owner.context
        )
        if len(owner.tasks) > 64:
            owner.tasks = [t for t in owner.tasks if not t.done()]
        owner.tasks.append(task)
        return task

    def spawn(self, owner: Owner, coro: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that belongs to an owner."""
        return self.create_task(coro, context=owner.context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A task that nobody waits for failed: a programmer's mistake, so the run ends with it."""
        error = context.get("exception")
        if isinstance(error, asyncio.CancelledError):
            return
        if self.failure is None:
            self.failure = error if error is not None else RuntimeError(str(context.get("message")))
        self.stop()

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Always, as seen from inside."""
        return True

    def is_closed(self) -> bool:
        """There is nothing open."""
        return True
