"""Is one server's history a prefix of another's, and in which term was its last WAL record's timeline promoted?

An LSN alone never proves possession (PREFIX): PostgreSQL accepts a standby whose history left the primary's
earlier, and counts its old LSN as a flush. So histories are compared as chains of (timeline, term).
"""

from dataclasses import dataclass

from howdah.cluster.record import TimelineEntry
from howdah.cluster.serverfacts import HistoryStep
from howdah.values.lsn import Lsn
from howdah.values.position import Position


@dataclass(frozen=True, slots=True)
class Link:
    """One timeline of a history: who promoted it, and where it ends (the last link: where the log ends)."""

    timeline: int
    term: int
    end: Lsn


Chain = tuple[Link, ...]
"""Oldest timeline first."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The server may stream from the other as it is."""


@dataclass(frozen=True, slots=True)
class Diverged:
    """The server has WAL that the other does not: it left at `fork` on `timeline`. Rewind or clone."""

    timeline: int
    fork: Position


@dataclass(frozen=True, slots=True)
class Foreign:
    """No rewind can mend it: clone, never stream, never rewind."""

    reason: str


Comparison = Prefix | Diverged | Foreign


def chain_of(
    timeline: int, history: tuple[HistoryStep, ...], end_lsn: Lsn, entries: tuple[TimelineEntry, ...]
) -> Chain | None:
    """A server's chain from its own history file and its own map; None if a timeline has no entry.

    TERM OF THE WAL: without an entry a timeline's term is unknown, so there is no vote and no service. Timelines that
    an adopted directory had before the cluster's first (the entry without a parent) are everybody's, and left out."""
    terms = {entry.timeline: entry.term for entry in entries}
    root = min((entry.timeline for entry in entries if not entry.parent), default=0)
    steps = (*((step.timeline, step.end_lsn) for step in history if step.timeline >= root), (timeline, end_lsn))
    if any(number not in terms for number, _ in steps):
        return None
    return tuple(Link(number, terms[number], end) for number, end in steps)


def mapped_end(history: tuple[HistoryStep, ...], entries: tuple[TimelineEntry, ...]) -> Position | None:
    """Where the ancestors end whose terms are known, for a server whose last timelines are in no map; None if none is.

    What it acknowledged as a voter lies before: it takes a voter's name only once the map of that primary is durable.
    (The server that it streams from can be promoted again before this one's agent hears of it.)"""
    for count in range(len(history), 0, -1):
        last = history[count - 1]
        known = chain_of(last.timeline, history[: count - 1], last.end_lsn, entries)
        if known is not None:
            return position_of(known)
    return None


def chain_of_entries(entries: tuple[TimelineEntry, ...], last: TimelineEntry) -> Chain:
    """The chain of the server that was promoted by `last`, from the record's map; its end is not bounded here."""
    links = [Link(last.timeline, last.term, UNBOUNDED)]
    child = last
    while child.parent:
        parents = [
            e
            for e in entries
            if e.timeline == child.parent and e.term <= child.term and child.parent_term in (0, e.term)
        ]
        parent = max(parents, key=lambda entry: entry.term, default=None)
        if parent is None:
            break
        links.append(Link(parent.timeline, parent.term, child.switch_lsn))
        child = parent
    return tuple(reversed(links))


def made_in_term(
    won: TimelineEntry, timeline: int, history: tuple[HistoryStep, ...], known: tuple[TimelineEntry, ...]
) -> tuple[TimelineEntry, ...]:
    """What PostgreSQL made of the promotion that was won: the entries of its term, by the promoted server's history.

    More than one where the winner died while it promoted: its startup process had begun a timeline, and found it again.
    Only one in between that is not the planned one can be an earlier term's: the server was further than was known."""
    steps = [(step.timeline, step.end_lsn) for step in history]
    numbers = [*(number for number, _ in steps), timeline]
    earlier = {(e.timeline, e.parent, e.switch_lsn): e.term for e in known if e.term < won.term}
    first = numbers.index(won.parent) + 1 if won.parent in numbers[:-1] else max(1, len(steps))
    made: list[TimelineEntry] = []
    parent_term = won.parent_term
    for number, (parent, switch) in zip(numbers[first:], steps[first - 1 :], strict=True):
        planned = (number, parent) == (won.timeline, won.parent) or number == timeline
        term = won.term if planned else earlier.get((number, parent, switch), won.term)
        if term == won.term:
            made.append(TimelineEntry(number, term, parent, switch, parent_term))
        parent_term = term
    return tuple(made)


UNBOUNDED = Lsn(2**64 - 1)


def position_of(chain: Chain) -> Position:
    """(term of the WAL, end): what elections compare."""
    return Position(chain[-1].term, chain[-1].end)


def compare(mine: Chain, theirs: Chain) -> Comparison:
    """May a server with chain `mine` stream from one with chain `theirs`?

    PREFIX: the same chain of (timeline, term), and its end at or before the switch LSN where it leaves."""
    common = 0
    for ours, other in zip(mine, theirs, strict=False):
        if (ours.timeline, ours.term) != (other.timeline, other.term):
            break
        common += 1
    if common == 0:
        return Foreign("the histories have no timeline in common")
    terms = {link.timeline: link.term for link in theirs[common:]}
    for link in mine[common:]:
        if terms.get(link.timeline, link.term) != link.term:
            return Foreign(
                f"timeline {link.timeline} was promoted twice: in term {link.term} here, "
                f"in term {terms[link.timeline]} there"
            )
    ours, other = mine[common - 1], theirs[common - 1]
    fork = min(ours.end, other.end)
    if common == len(mine) and ours.end <= other.end:
        return Prefix()
    return Diverged(ours.timeline, Position(ours.term, fork))
