"""Who kills PostgreSQL when the agent itself is dead, stopped or stuck?"""

from typing import Protocol


class DeadmanGone(Exception):
    """The dead-man process does not answer. Without it nobody may be served."""


class Deadman(Protocol):
    """The agent's line to its dead-man process. Times are CLOCK_BOOTTIME in milliseconds."""

    async def arm(self, deadline_boot_ms: int) -> None:
        """Set the moment at which the dead-man kills every process of the server. Returns when it has answered.

        Raises DeadmanGone."""
        ...

    async def disarm(self) -> None:
        """No deadline: only while the server is verified gone or in recovery. Raises DeadmanGone."""
        ...

    async def deadline(self) -> int:
        """The moment it holds, 0 if none: what an agent that died before us promised. Raises DeadmanGone."""
        ...

    async def alive(self) -> bool:
        """Whether the process answers; starts one if there is none."""
        ...
