"""A clock that tests turn by hand."""

import asyncio


class HandClock:
    """Implements `ports.clock.Clock`; stands still unless it is told."""

    def __init__(self, now_ms: int = 0) -> None:
        self.now_ms = now_ms
        self._tokens = 0

    def boot_ms(self) -> int:
        return self.now_ms

    def monotonic_ms(self) -> int:
        return self.now_ms

    def wall_ms(self) -> int:
        return self.now_ms

    def token(self) -> str:
        self._tokens += 1
        return f"{self._tokens:016x}"

    async def sleep_ms(self, duration_ms: int) -> None:
        self.now_ms += max(1, duration_ms)
        await asyncio.sleep(0)
