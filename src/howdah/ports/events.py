"""Who is told what an agent decided and did?"""

from typing import Protocol

from howdah.cluster.decision import Decision
from howdah.cluster.observation import Observation


class Journal(Protocol):
    """The decision journal and the counters. Implementations never raise and never wait."""

    def decided(self, decision: Decision, observation: Observation) -> None:
        """A decision that differs from the one before."""
        ...

    def did(self, what: str, outcome: str, term: int, duration_ms: int) -> None:
        """An action ended; `outcome` is "done" or the reason of its failure."""
        ...

    def noted(self, rule: str, sentence: str, term: int) -> None:
        """A step within an action that people want to find again (a promotion, a proof, a fence)."""
        ...
