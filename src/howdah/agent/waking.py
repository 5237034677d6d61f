"""How does a task wait for something to happen, or for so long at most?

Agents do little else: `asyncio.Event` with `asyncio.timeout` takes a second task's worth of callbacks and an exception
for every quiet interval.
"""

import asyncio


class Wake:
    """A flag that one task waits for. Set before the wait, it is not missed."""

    __slots__ = ("_loop", "_set", "_waiter")

    def __init__(self) -> None:
        self._set = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """It happened."""
        self._set = True
        _end(self._waiter)

    def clear(self) -> None:
        """Wait for the next time."""
        self._set = False

    def is_set(self) -> bool:
        """Whether it happened since it was cleared."""
        return self._set

    async def wait(self, limit_ms: float) -> bool:
        """Until it is set, or the limit; True if it is set."""
        if self._set:
            return True
        loop = self._loop = self._loop or asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = loop.call_later(limit_ms / 1000, _end, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
        return self._set


class Bell:
    """Tells all tasks that wait for it that something may have happened. Rung before the wait, it is missed."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Let everybody go on."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _end(waiter)

    async def wait(self, limit_ms: float) -> None:
        """Until it is rung, or the limit."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.append(waiter)
        timer = loop.call_later(limit_ms / 1000, _end, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)


def _end(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
