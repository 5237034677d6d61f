"""What does a procedure work with?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from howdah.agent.keeper import Keeper
from howdah.agent.situation import Situation
from howdah.cluster.policy import Policy
from howdah.ports.clock import Clock
from howdah.ports.deadman import Deadman
from howdah.ports.disk import Disk
from howdah.ports.events import Journal
from howdah.ports.peers import Peers
from howdah.ports.postgres import DataDirectory, Primary, ServerProcess, ServerSettings, Standby
from howdah.ports.store import Store


class Failed(Exception):
    """A procedure could not reach its end; the sentence says why. It is decided anew from what is seen then."""


class StillWaiting(Failed):
    """What a procedure waits for has not come yet; nothing has failed, and it is tried again at once."""


def no_overrides(settings: ServerSettings) -> tuple[str, ...]:
    """For a server whose settings nobody but its agent writes."""
    del settings
    return ()


async def nobody_routes() -> bool:
    """For a cluster without routers."""
    return False


@dataclass(frozen=True, slots=True)
class Tools:
    """The ports of one agent and what it knows. Procedures reach the world through these only."""

    clock: Clock
    keeper: Keeper
    process: ServerProcess
    directory: DataDirectory
    standby: Standby
    primary: Primary
    peers: Peers
    disk: Disk
    deadman: Deadman
    journal: Journal
    situation: Situation
    store: Store
    overrides: Callable[[ServerSettings], tuple[str, ...]] = no_overrides
    """What somebody has set by ALTER SYSTEM and must not, as sentences; cheap, since it is asked at every probe."""
    let_routers_in: Callable[[], Awaitable[bool]] = nobody_routes
    """Make or mend, on a primary, what routers log in with and read; False if there was nothing to do. Raises
    SqlFailed."""

    @property
    def policy(self) -> Policy:
        """The cluster's timing."""
        return self.situation.intents.policy
