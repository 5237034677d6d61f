"""What does the store's one record say, and how is it written down?

The record names who leads, in which term, and who must flush a commit. It changes only by compare-and-swap, and
each kind of change is a function in `cluster/changes.py`.
"""

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from howdah.cluster.policy import LeaseTimes
from howdah.values.lsn import Lsn, format_lsn, parse_lsn
from howdah.values.member import Member
from howdah.values.position import Position

FORMAT = 1


class Mode(StrEnum):
    """Set by the operator; never follows the number of live servers."""

    QUORUM = "quorum"
    ASYNC = "async"


class Phase(StrEnum):
    """First start: until `established` no client was ever let in, and another node may take over."""

    INITIALISING = "initialising"
    ESTABLISHED = "established"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One promotion: which term made this timeline, out of which parent, and where (TERM OF THE WAL).

    `parent_term` tells two parents of one number apart: servers that were promoted without knowing of each other
    count the same number up. 0: not known, and then the newest parent of that number before this term is meant."""

    timeline: int
    term: int
    parent: int
    switch_lsn: Lsn
    parent_term: int = 0


@dataclass(frozen=True, slots=True)
class Handover:
    """A switchover's hand-over: the old primary is stopped for good at `position` and names who should lead."""

    to: str
    position: Position


@dataclass(frozen=True, slots=True)
class Basis:
    """What promises and reports are counted for (SAME RECORD): everything but the lease counter."""

    term: int
    generation: int
    holder: Member
    voters: tuple[Member, ...]
    k: int


@dataclass(frozen=True, slots=True)
class Record:
    """The cluster's record. `voters` never contains the holder, and is sorted by name.

    `spent`: voters that were dropped in this very term. A walsender of an old disk may still bear, or take up again,
    the name that this term gave it; so another disk is admitted under that name only with a higher term.
    `voteless`: nodes whose tags keep them from voting, as they last said; here or not, k does not count on them.
    `winner_position`: what the holder reported when it won. `holder_position`: its log's end at its last renewal, for
    the lag limit of async elections only; no vote is ever compared with it. `lease`: the times that its holder keeps
    and everybody judges it by; None in a record of before they were written down: the configured ones.
    `incarnation`: which process of the holder swapped last. It is no part of the basis: an agent that was started anew
    on its own seat is the holder that it was."""

    cluster: str
    system_identifier: str
    generation: int
    term: int
    phase: Phase
    holder: Member
    voters: tuple[Member, ...]
    k: int
    mode: Mode
    timelines: tuple[TimelineEntry, ...]
    lease_counter: int = 0
    serving: bool = False
    released: bool = False
    handover: Handover | None = None
    winner_position: Position | None = None
    holder_position: Position | None = None
    forced_terms: tuple[int, ...] = ()
    members: tuple[Member, ...] = ()
    spent: tuple[Member, ...] = ()
    voteless: tuple[str, ...] = ()
    write_id: str = ""
    lease: LeaseTimes | None = None
    incarnation: str = ""

    @property
    def basis(self) -> Basis:
        """The part that must be unchanged between asking for promises and winning."""
        return Basis(self.term, self.generation, self.holder, self.voters, self.k)

    @property
    def age(self) -> tuple[int, int, int]:
        """Grows with every change of a store that never goes back: each raises the counter or the generation.

        The term stands before the counter: an old copy that came back may be renewed until its counter is higher."""
        return (self.generation, self.term, self.lease_counter)

    def voter(self, member: Member) -> bool:
        """Whether this very data directory is a voter."""
        return member in self.voters

    def entry(self, timeline: int) -> TimelineEntry | None:
        """The newest map entry of a timeline number; None if no promotion of it is known."""
        found = [entry for entry in self.timelines if entry.timeline == timeline]
        return max(found, key=lambda entry: entry.term, default=None)

    @property
    def current_entry(self) -> TimelineEntry | None:
        """The entry of the newest promotion that the record knows. (A winner that died while it promoted and was
        promoted again made two timelines in one term.)"""
        return max(self.timelines, key=lambda entry: (entry.term, entry.timeline), default=None)


_NAMES = tuple(field.name for field in fields(Record))
RENEWED = frozenset(("lease_counter", "write_id", "holder_position"))
_agreed = attrgetter(*(field.name for field in fields(Record) if field.name not in RENEWED))


def only_renewed(before: Record, after: Record) -> bool:
    """Whether two records differ by renewals of the lease at most."""
    return bool(_agreed(before) == _agreed(after))


class RecordUnreadable(ValueError):
    """The text is not a record of a format this version knows."""


def write_record(record: Record) -> str:
    """The record as JSON text; `read_record` gives the same record back."""
    document = {name: getattr(record, name) for name in _NAMES}
    document["format"] = FORMAT
    return json.dumps(document, separators=(",", ":"), sort_keys=True, default=_plain)


def _plain(part: object) -> dict[str, object]:
    """A part of the record as a map; log positions as PostgreSQL writes them."""
    match part:
        case Member(name=name, id=identity):
            return {"name": name, "id": identity}
        case Position(term=term, lsn=lsn):
            return {"term": term, "lsn": format_lsn(lsn)}
        case Handover(to=to, position=position):
            return {"to": to, "position": position}
        case TimelineEntry() | LeaseTimes():
            found = {field.name: getattr(part, field.name) for field in fields(part)}
            return found | ({"switch_lsn": format_lsn(part.switch_lsn)} if isinstance(part, TimelineEntry) else {})
        case _:
            raise TypeError(f"no part of a record: {part!r}")


@lru_cache(maxsize=16)
def read_record(text: str) -> Record:
    """Read what `write_record` wrote. Raises RecordUnreadable."""
    try:
        document = json.loads(text)
        if document.pop("format") != FORMAT:
            raise RecordUnreadable("the record was written by another version of Howdah")
        document["phase"] = Phase(document["phase"])
        document["mode"] = Mode(document["mode"])
        document["holder"] = Member(**document["holder"])
        document["voters"] = tuple(Member(**voter) for voter in document["voters"])
        document["members"] = tuple(Member(**member) for member in document["members"])
        document["spent"] = tuple(Member(**voter) for voter in document.get("spent", ()))
        document["voteless"] = tuple(document.get("voteless", ()))
        document["forced_terms"] = tuple(document["forced_terms"])
        document["timelines"] = tuple(
            TimelineEntry(e["timeline"], e["term"], e["parent"], parse_lsn(e["switch_lsn"]), e.get("parent_term", 0))
            for e in document["timelines"]
        )
        document["winner_position"] = _read_position(document["winner_position"])
        document["holder_position"] = _read_position(document["holder_position"])
        if document["handover"] is not None:
            position = _read_position(document["handover"]["position"])
            document["handover"] = Handover(document["handover"]["to"], position or Position(0, Lsn(0)))
        if document.get("lease") is not None:
            document["lease"] = LeaseTimes(**document["lease"])
        return Record(**document)
    except RecordUnreadable:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordUnreadable(f"the record cannot be read: {error}") from error


def _read_position(document: dict[str, Any] | None) -> Position | None:
    return None if document is None else Position(document["term"], parse_lsn(document["lsn"]))
