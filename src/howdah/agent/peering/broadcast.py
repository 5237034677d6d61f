"""What has this agent published, and who is listening?"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from howdah.agent.peering.codec import encode
from howdah.cluster.peerstate import Published

HEARTBEAT_SECONDS = 1.0
"""The longest silence on a stream of a healthy agent."""


class Broadcast:
    """The present state, encoded once for all listeners. One event loop only."""

    def __init__(self) -> None:
        self._state: Published | None = None
        self._line: bytes = b"\n"  # an empty line is a heartbeat of an agent that has published nothing yet
        self._encoded = True
        self._listeners: set[asyncio.Event] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._listeners)

    def publish(self, state: Published) -> None:
        """Replace the present state; sent at once if more than the uptime differs, else with the next heartbeat."""
        before, self._state = self._state, state
        self._encoded = False
        if before is None or replace(before, uptime_ms=state.uptime_ms) != state:
            self._wake()

    def close(self) -> None:
        """End every stream, present and future."""
        self._closed = True
        self._wake()

    async def lines(self) -> AsyncIterator[bytes]:
        """The present state, each change of it, and a heartbeat in between; ends when the broadcast is closed."""
        changed = asyncio.Event()
        self._listeners.add(changed)
        try:
            while not self._closed:
                changed.clear()
                yield self._present_line()
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await changed.wait()
                except TimeoutError:
                    pass
        finally:
            self._listeners.discard(changed)

    def _present_line(self) -> bytes:
        if not self._encoded and self._state is not None:
            self._line = encode(self._state) + b"\n"
            self._encoded = True
        return self._line

    def _wake(self) -> None:
        for changed in self._listeners:
            changed.set()
