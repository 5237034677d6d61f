"""A clock that tests turn by hand."""

import asyncio


class HandClock:
    """Implements `ports.clock.Clock`; stands still unless it is told."""

    def __init__(self) -> None:
        self.now_ms = 0

    def boot_ms(self) -> int:
        return self.now_ms

    def monotonic_ms(self) -> int:
        return self.now_ms

    def wall_ms(self) -> int:
        return self.now_ms

    def token(self) -> str:
        return "0123456789abcdef"

    async def sleep_ms(self, duration_ms: int) -> None:
        self.now_ms += duration_ms
        await asyncio.sleep(0)
