"""What time is it on a simulated node?"""

from dataclasses import dataclass

from howdah.simulation.chance import Chance
from howdah.simulation.loop import Owner, VirtualLoop
from howdah.simulation.ports import guard

WALL_MS = 1_800_000_000_000
BOOT_MS = 1_000_000


@dataclass(slots=True)
class Drift:
    """How far a machine's clocks are off: its wall clock, and CLOCK_MONOTONIC, which stands still in suspend."""

    wall_ms: int = 0
    suspended_ms: float = 0.0


class SimClock:
    """`ports.clock.Clock`, with the node's offset and rate."""

    def __init__(
        self, loop: VirtualLoop, chance: Chance, owner: Owner, offset_ms: int = 0, drift: Drift | None = None
    ) -> None:
        self._loop = loop
        self._chance = chance
        self._owner = owner
        self._offset_ms = offset_ms
        self.drift = drift or Drift()

    def boot_ms(self) -> int:
        """See the port."""
        return BOOT_MS + self._offset_ms + int(self._loop.now * self._owner.rate)

    def monotonic_ms(self) -> int:
        """See the port."""
        return self._offset_ms + int(self._loop.now * self._owner.rate - self.drift.suspended_ms)

    def wall_ms(self) -> int:
        """See the port."""
        return WALL_MS + self.drift.wall_ms + int(self._loop.now)

    def token(self) -> str:
        """See the port."""
        return f"{self._chance.getrandbits(64):016x}"

    async def sleep_ms(self, duration_ms: int) -> None:
        """See the port."""
        guard(self._owner)
        await self._loop.pause(duration_ms)


def world_delay_ms(loop: VirtualLoop, rate: float, offset_ms: int, boot_ms: int) -> float:
    """How long, in the world's time, until a node's boot clock shows this."""
    return max(0.0, (boot_ms - BOOT_MS - offset_ms) / rate - loop.now)
