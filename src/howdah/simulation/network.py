"""Who can reach whom?

Places are node names and "store". A cut is one way; what is sent meanwhile is kept by TCP and arrives after the heal,
unless the connection has been given up by then.
"""

from collections.abc import Callable

from howdah.simulation.chance import Chance

STORE = "store"


class Network:
    """Links between places, cut in one direction each; and how long a message takes."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._cut: set[tuple[str, str]] = set()
        self.slow_ms: dict[str, float] = {}
        self.on_change: list[Callable[[], None]] = []

    def passes(self, source: str, target: str) -> bool:
        """Whether a message gets from one place to the other."""
        return (source, target) not in self._cut

    def linked(self, one: str, other: str) -> bool:
        """Both ways."""
        return not self._cut or ((one, other) not in self._cut and (other, one) not in self._cut)

    def cut(self, source: str, target: str) -> None:
        """From now on nothing passes this way."""
        self._cut.add((source, target))
        self._changed()

    def heal(self) -> None:
        """Everybody reaches everybody, as fast as ever."""
        self._cut.clear()
        self.slow_ms.clear()
        self._changed()

    def mend(self, source: str, target: str) -> None:
        """It passes this way again."""
        self._cut.discard((source, target))
        self._changed()

    def delay(self, source: str, target: str) -> float:
        """How long a message takes, in milliseconds."""
        extra = 0.0
        if self.slow_ms:
            extra = self.slow_ms.get(source, 0.0) + self.slow_ms.get(target, 0.0)
            extra *= self._chance.random()
        return 0.1 + 0.6 * self._chance.random() + extra

    def _changed(self) -> None:
        for listener in self.on_change:
            listener()
