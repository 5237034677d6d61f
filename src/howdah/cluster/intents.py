"""What does the operator want of the cluster? (The store's second document, `config`.)"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from howdah.cluster.policy import Policy
from howdah.cluster.record import Mode


@dataclass(frozen=True, slots=True)
class SwitchoverRequest:
    """A planned hand-over: to whom ("": the best standby), not before `at_wall_ms` (0: now).

    `term`: the one in which it was to be done at once, and in no later one; 0 for one that was planned for a time."""

    id: str
    to: str = ""
    at_wall_ms: int = 0
    term: int = 0


@dataclass(frozen=True, slots=True)
class Intents:
    """The cluster configuration as the operator set it; every agent reads it from the store.

    `nodes` are the configured servers (name order), `parameters` PostgreSQL settings for all of them.
    `mode` None: by the number of configured nodes. `k_target` 0: half of those that may vote, rounded down.
    """

    nodes: tuple[str, ...] = ()
    mode: Mode | None = None
    k_target: int = 0
    paused: bool = False
    switchover: SwitchoverRequest | None = None
    policy: Policy = Policy()
    parameters: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    @property
    def effective_mode(self) -> Mode:
        """Quorum from three configured nodes, unless set."""
        return self.mode or (Mode.QUORUM if len(self.nodes) >= 3 else Mode.ASYNC)

    def effective_k(self, voteless: Collection[str]) -> int:
        """How many voters must flush a commit once enough are there; at least 1 in quorum mode.

        `voteless`: nodes that their tags keep from ever voting. All others count, here or not, whoever leads."""
        if self.effective_mode is Mode.ASYNC:
            return 0
        return self.k_target or max(1, len(set(self.nodes) - set(voteless)) // 2)
