"""Which of a router's workers is this process, and how much of a limit is its own?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from howdah.routing.tally import OwnTally, Tally

SERIALS_OF_ONE: Final = 1 << 40
"""So many numbers a worker gives to its clients and connections before they could be those of the next one."""


@dataclass(frozen=True, slots=True)
class Post:
    """`number` from 0, `of` so many. `directory`: of the sockets by which workers talk with each other; None: there is
    only one. `tally`: counts what all of them have. `overseer`: the process that looks after them; 0: none."""

    number: int
    of: int
    directory: Path | None
    tally: Tally
    overseer: int = 0

    @property
    def serials(self) -> int:
        """What its numbers begin above, so that they are no other worker's."""
        return self.number * SERIALS_OF_ONE

    def part(self, limit: int) -> int:
        """Its share of a limit that workers do not count together; 0, no limit, stays 0, and nobody gets nothing."""
        if not limit:
            return 0
        return max(1, limit // self.of + (self.number < limit % self.of))

    def owner(self, serial: int) -> int:
        """The worker whose number that is; it may be the number of none."""
        return serial // SERIALS_OF_ONE


def alone() -> Post:
    """The one process of a router without workers."""
    return Post(0, 1, None, OwnTally())
