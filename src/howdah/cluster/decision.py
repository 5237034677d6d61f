"""What is a decision made of?"""

from collections.abc import Callable
from dataclasses import dataclass

from howdah.cluster.actions import Action
from howdah.cluster.observation import Observation


@dataclass(frozen=True, slots=True)
class Proposal:
    """One plain sentence why, and what to do."""

    why: str
    action: Action


@dataclass(frozen=True, slots=True)
class Decision:
    """A proposal with the name of the rule that made it: a journal line, a metric, `howdah explain`."""

    rule: str
    why: str
    action: Action


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule; its reason is the function's docstring."""

    name: str
    propose: Callable[[Observation], Proposal | None]

    @property
    def reason(self) -> str:
        """Why the rule is there, in the first sentence of its docstring."""
        return (self.propose.__doc__ or "").split("\n\n")[0].strip()
