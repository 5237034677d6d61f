"""What does a check say?"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `sentence` names the thing and, unless all is well, the mend."""

    level: Level
    subject: str
    sentence: str


def ok(subject: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, subject, sentence)


def warn(subject: str, sentence: str) -> Finding:
    """It works, but somebody should look at it."""
    return Finding(Level.WARN, subject, sentence)


def fail(subject: str, sentence: str) -> Finding:
    """It does not work, or endangers data."""
    return Finding(Level.FAIL, subject, sentence)
