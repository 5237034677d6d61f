"""What must an agent find again after a crash, whatever happened to PostgreSQL's own directory?"""

from typing import Protocol

from howdah.cluster.localstate import LocalState


class DiskFailure(Exception):
    """The state could not be made durable (full or read-only disk). Nothing may be concluded from the attempt."""


class Disk(Protocol):
    """The agent's own small durable state, outside the data directory."""

    def load(self) -> LocalState:
        """What was last saved; a fresh state if there never was one. Raises DiskFailure if it is unreadable."""
        ...

    def save(self, state: LocalState) -> None:
        """Replace the state. Returns only when it is durable (fsync of file and directory). Raises DiskFailure."""
        ...
