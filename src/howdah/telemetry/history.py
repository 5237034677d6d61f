"""Which role changes were there, and how long were writes away at each? (`<node root>/log/history.jsonl`)

Every agent writes down the changes it made or saw; `merge` makes one table out of the histories of several nodes.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from howdah.telemetry.linefile import LineFile, read_lines
from howdah.values.lsn import NO_LSN, Lsn, format_lsn, parse_lsn

FILE_NAME = "history.jsonl"
BYTES_MAX = 4 * 1024 * 1024
KEPT = 1


@dataclass(frozen=True, slots=True)
class RoleChange:
    """`node` began to lead in `term`.

    `timeline` and `switch_lsn` are of its promotion (0: not known to who wrote this down). `cause` is one sentence.
    `away_ms`: from the last moment at which writes are known to have been served until they were again; None while
    that is not known. `at_wall_ms`: when it won, in wall milliseconds. `told_by`: whose file this is from.
    """

    term: int
    node: str
    cause: str
    at_wall_ms: int
    timeline: int = 0
    switch_lsn: Lsn = NO_LSN
    away_ms: int | None = None
    told_by: str = ""


def write_change(change: RoleChange) -> str:
    """The change as one line of JSON; the LSN in PostgreSQL's form."""
    return json.dumps(asdict(change) | {"switch_lsn": format_lsn(change.switch_lsn)}, separators=(",", ":"))


def read_change(line: str) -> RoleChange | None:
    """Read what `write_change` wrote; None for a line that is damaged or of another version."""
    try:
        document = json.loads(line)
        return RoleChange(**document | {"switch_lsn": parse_lsn(document["switch_lsn"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def merge(changes: Iterable[RoleChange]) -> tuple[RoleChange, ...]:
    """One row for each (term, node), in the order of terms.

    Who won knows best: its account comes first, the earlier lines of one file before the later, since a server that is
    restarted in its own term writes a line too, which is no change of the lead. What a line does not know is taken from
    the next: a change is written again once writes are back."""
    rows: dict[tuple[int, str], list[RoleChange]] = {}
    for change in changes:
        rows.setdefault((change.term, change.node), []).append(change)
    return tuple(_joined(rows[key]) for key in sorted(rows))


def _joined(accounts: list[RoleChange]) -> RoleChange:
    accounts = sorted(accounts, key=lambda account: account.told_by != account.node)
    best = accounts[0]
    return RoleChange(
        term=best.term,
        node=best.node,
        cause=next((account.cause for account in accounts if account.cause), ""),
        at_wall_ms=best.at_wall_ms,
        timeline=next((account.timeline for account in accounts if account.timeline), 0),
        switch_lsn=next((account.switch_lsn for account in accounts if account.switch_lsn), NO_LSN),
        away_ms=next((account.away_ms for account in accounts if account.away_ms is not None), None),
        told_by=best.told_by,
    )


class HistoryFile:
    """The history that one node wrote down."""

    def __init__(self, log_directory: Path, bytes_max: int = BYTES_MAX, kept: int = KEPT) -> None:
        self._changes = list(read_history(log_directory))
        self._file = LineFile(log_directory / FILE_NAME, bytes_max, kept)

    def append(self, change: RoleChange) -> None:
        """Never raises, never waits. The same change again, knowing more, is no second row."""
        self._changes.append(change)
        self._file.append(write_change(change))

    def rows(self) -> tuple[RoleChange, ...]:
        """Every change of the file, without reading it again."""
        return merge(self._changes)

    def close(self) -> None:
        """Write what is still queued."""
        self._file.close()


def read_history(log_directory: Path) -> tuple[RoleChange, ...]:
    """This node's changes, each once, in the order of terms."""
    found = (read_change(line) for line in read_lines(log_directory / FILE_NAME))
    return merge(change for change in found if change is not None)
