"""What does a timeline history file say?"""

from howdah.cluster.serverfacts import HistoryStep
from howdah.values.lsn import parse_lsn


def parse_history(text: str) -> tuple[HistoryStep, ...]:
    """The ancestors a `0000000N.history` file lists, oldest first.

    Each line is: timeline, the LSN where it was left, and a reason for people; `#` starts a comment. Raises
    ValueError when a line is not of that form or the timelines do not rise, as PostgreSQL itself would refuse.
    """
    steps: list[HistoryStep] = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split(None, 2)
        if not words:
            continue
        if len(words) < 2 or not words[0].isdecimal():
            raise ValueError(f"not a line of a timeline history file: {line!r}")
        step = HistoryStep(int(words[0]), parse_lsn(words[1]))
        if steps and step.timeline <= steps[-1].timeline:
            raise ValueError(f"timeline {step.timeline} follows timeline {steps[-1].timeline} in a history file")
        steps.append(step)
    return tuple(steps)


def history_file(timeline: int) -> str:
    """The file's name inside pg_wal; timeline 1 has none."""
    return f"{timeline:08X}.history"
