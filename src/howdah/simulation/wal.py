"""What is a write-ahead log, as far as safety is concerned?

A list of records, shared between servers by identity: a server has a record if that stands at its place in
the server's list. Whether two logs agree is then a matter of one comparison.
"""

from dataclasses import dataclass, field

from howdah.cluster.serverfacts import HistoryStep
from howdah.values.lsn import Lsn

FIRST_LSN = 0x1000000


class Record:
    """One record. `end`: the LSN after it; `place`: its index in every log that has it. `kind`: "commit", "barrier",
    "checkpoint", "shutdown", "promotion" or "noise"."""

    __slots__ = ("end", "kind", "place", "start", "timeline", "value")

    def __init__(self, place: int, start: int, size: int, timeline: int, kind: str, value: str) -> None:
        self.place = place
        self.start = start
        self.end = start + size
        self.timeline = timeline
        self.kind = kind
        self.value = value

    def __repr__(self) -> str:
        return f"{self.kind} {self.value} at {self.timeline}/{self.end:X}"


@dataclass(slots=True)
class Log:
    """The records of one server in order; the first `flushed` of them survive a crash of the machine."""

    records: list[Record] = field(default_factory=list)
    flushed: int = 0

    @property
    def end(self) -> int:
        """The LSN after the last record."""
        return self.records[-1].end if self.records else FIRST_LSN

    @property
    def timeline(self) -> int:
        """That of the last record."""
        return self.records[-1].timeline if self.records else 1

    def end_at(self, count: int) -> int:
        """The LSN after the first `count` records."""
        return self.records[count - 1].end if count else FIRST_LSN

    @property
    def flushed_end(self) -> int:
        """The LSN up to which the log is durable."""
        return self.end_at(self.flushed)

    def has(self, record: Record) -> bool:
        """Whether this very record is in the log."""
        return record.place < len(self.records) and self.records[record.place] is record

    def append(self, timeline: int, size: int, kind: str, value: str = "") -> Record:
        """Write a record, not yet flushed."""
        record = Record(len(self.records), self.end, size, timeline, kind, value)
        self.records.append(record)
        return record

    def cut(self, count: int) -> None:
        """Forget everything after the first `count` records."""
        del self.records[count:]
        self.flushed = min(self.flushed, count)

    def common(self, other: "Log") -> int:
        """How many records, from the first on, both logs have."""
        low, high = 0, min(len(self.records), len(other.records))
        while low < high:
            middle = (low + high + 1) // 2
            if self.records[middle - 1] is other.records[middle - 1]:
                low = middle
            else:
                high = middle - 1
        return low

    def last_of(self, kinds: frozenset[str], before: int) -> int:
        """How many records there are up to and with the last one of these kinds among the first `before`."""
        for count in range(before, 0, -1):
            if self.records[count - 1].kind in kinds:
                return count
        return 1

    def copy(self, count: int) -> "Log":
        """The first `count` records, durable."""
        return Log(self.records[:count], count)


History = tuple[HistoryStep, ...]


def next_timeline(own: int, files: dict[int, History]) -> int:
    """PostgreSQL's choice at a promotion: the first number above its own without a history file."""
    number = own + 1
    while number in files:
        number += 1
    return number


def step(timeline: int, end: int) -> HistoryStep:
    """A line of a history file."""
    return HistoryStep(timeline, Lsn(end))
