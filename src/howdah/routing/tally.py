"""How many are there of what is limited: clients in all, of a user, connections to a server...?

Several limits are asked at once, and either all have room or nothing is counted.
"""

from typing import Final, Protocol

Want = tuple[str, int]
"""What is counted, and how many of it there may be; 0: no limit."""

TAKEN: Final = -1


class Tally(Protocol):
    """Counts what is there, of one router, however many processes that is."""

    def take(self, *wants: Want) -> int:
        """Count one more of each. TAKEN, or the place of the first want for which there is no room."""
        ...

    def give(self, *names: str) -> None:
        """One less of each."""
        ...

    def press(self, name: str, wanted: int) -> None:
        """Here so many more of it are waited for."""
        ...

    def owed(self, name: str) -> int:
        """How many of those that are here should be given up, since other workers have a right to them."""
        ...


class OwnTally:
    """Of one process, which owes nobody anything."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def take(self, *wants: Want) -> int:
        """See the port."""
        counts = self.counts
        for place, (name, most) in enumerate(wants):
            if most and counts.get(name, 0) >= most:
                return place
        for name, _ in wants:
            counts[name] = counts.get(name, 0) + 1
        return TAKEN

    def give(self, *names: str) -> None:
        """See the port."""
        for name in names:
            left = self.counts.get(name, 0) - 1
            if left > 0:
                self.counts[name] = left
            else:
                self.counts.pop(name, None)

    def press(self, name: str, wanted: int) -> None:
        """See the port."""

    def owed(self, name: str) -> int:
        """See the port."""
        del name
        return 0
