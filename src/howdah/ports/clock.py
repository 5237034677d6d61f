"""What time is it, and who decides how long a wait is?"""

from typing import Protocol


class Clock(Protocol):
    """Time and randomness as an argument, so that the simulator can own both."""

    def boot_ms(self) -> int:
        """CLOCK_BOOTTIME in milliseconds: it goes on while the machine is suspended. For lease deadlines."""
        ...

    def monotonic_ms(self) -> int:
        """A monotonic clock in milliseconds: for an observer's judgement that a lease has expired."""
        ...

    def wall_ms(self) -> int:
        """Wall clock, milliseconds since 1970: only for people to read (history, journal)."""
        ...

    def token(self) -> str:
        """A fresh random identifier of 16 hexadecimal digits."""
        ...

    async def sleep_ms(self, duration_ms: int) -> None:
        """Wait that long on this clock."""
        ...
