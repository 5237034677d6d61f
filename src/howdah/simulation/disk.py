"""What does a simulated node's agent find again after a crash?"""

from collections.abc import Callable

from howdah.cluster.localstate import LocalState
from howdah.ports.disk import DiskFailure
from howdah.simulation.loop import Owner
from howdah.simulation.ports import guard


class StatePlace:
    """The file, which outlives agents. `full`: nothing can be saved."""

    def __init__(self) -> None:
        self.state = LocalState()
        self.full = False
        self.on_save: list[Callable[[LocalState, LocalState], None]] = []


class SimDisk:
    """`ports.disk.Disk` for one agent's life."""

    def __init__(self, place: StatePlace, owner: Owner) -> None:
        self._place = place
        self._owner = owner

    def load(self) -> LocalState:
        """See the port."""
        return self._place.state

    def save(self, state: LocalState) -> None:
        """See the port."""
        guard(self._owner)
        if self._place.full:
            raise DiskFailure("no space left on the disk that holds the agent's state")
        before, self._place.state = self._place.state, state
        for listener in self._place.on_save:
            listener(before, state)
