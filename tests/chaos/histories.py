"""What did clients do to lists, and what did they hear back?

A list is a row; appending to it keeps the order of all appends, and every value is appended by one transaction only.
So a read tells not just what was there, but in which order it came: that is what lets a checker find cycles.
"""

from dataclasses import dataclass

from tests.realcluster.checker import Outcome


@dataclass(frozen=True, slots=True)
class Append:
    """A value that nobody else ever appends, to the list of this key."""

    key: int
    value: int


@dataclass(frozen=True, slots=True)
class Read:
    """The whole list of this key as it was shown."""

    key: int
    values: tuple[int, ...]


Step = Append | Read


@dataclass(frozen=True, slots=True)
class Transaction:
    """One attempt. `session` is its connection. Reads count only where the outcome is `ok`.

    `unknown`: sent, and no answer that says what became of it; it may be done at any later time, or never.
    """

    session: int
    steps: tuple[Step, ...]
    outcome: Outcome = Outcome.OK

    @property
    def appends(self) -> tuple[Append, ...]:
        """In their order."""
        return tuple(step for step in self.steps if isinstance(step, Append))

    @property
    def reads(self) -> tuple[tuple[Read, tuple[int, ...]], ...]:
        """Each read with what this transaction itself had appended to that list before it."""
        found: list[tuple[Read, tuple[int, ...]]] = []
        own: dict[int, tuple[int, ...]] = {}
        for step in self.steps:
            match step:
                case Append():
                    own[step.key] = (*own.get(step.key, ()), step.value)
                case Read():
                    found.append((step, own.get(step.key, ())))
        return tuple(found)

    def __str__(self) -> str:
        told = " ".join(_told(step) for step in self.steps)
        return f"[{told}]" + ("" if self.outcome is Outcome.OK else f" ({self.outcome})")


SHOWN = 4


def _told(step: Step) -> str:
    match step:
        case Append():
            return f"append {step.value} to {step.key}"
        case Read():
            shortened = "..., " if len(step.values) > SHOWN else ""
            return f"read {step.key}: {shortened}{', '.join(map(str, step.values[-SHOWN:])) or 'nothing'}"
