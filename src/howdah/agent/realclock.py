"""What time is it on this machine?"""

import asyncio
import secrets
import time


class RealClock:
    """Implements `ports.clock.Clock`."""

    def boot_ms(self) -> int:
        """CLOCK_BOOTTIME: it goes on while the machine is suspended."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def monotonic_ms(self) -> int:
        """CLOCK_MONOTONIC."""
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def token(self) -> str:
        """16 random hexadecimal digits."""
        return secrets.token_hex(8)

    async def sleep_ms(self, duration_ms: int) -> None:
        """Wait on the event loop's clock."""
        await asyncio.sleep(duration_ms / 1000)
