"""Who may become primary?

Only reports of revoked servers count, for one and the same record (SAME RECORD), compared as (term of the WAL, LSN).
"""

from dataclasses import dataclass, replace
from typing import assert_never

from howdah.cluster.history import Diverged, Foreign, Prefix, chain_of_entries, compare
from howdah.cluster.peerstate import Report
from howdah.cluster.quorum import votes_needed
from howdah.cluster.record import Mode, Record
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from howdah.values.position import Position

CATCH_UP_LIMIT_MS = 20_000
"""For so long a candidate streams what it misses from the best, in one try."""


@dataclass(frozen=True, slots=True)
class Elected:
    """This server may swap itself in, with the position that it reported."""

    position: Position
    why: str


@dataclass(frozen=True, slots=True)
class Outvoted:
    """Another server is better; it should win. `behind`: how far this server would have to stream first."""

    best: Member
    position: Position


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Not enough reports yet; `missing` are the voters that have not reported."""

    have: int
    need: int
    missing: tuple[Member, ...]


Judgement = Elected | Outvoted | Incomplete


def judge(record: Record, term: int, me: Member, reports: tuple[Report, ...], priorities: dict[str, int]) -> Judgement:
    """What the reports mean for this server as a candidate of `term` in quorum mode.

    `priorities` break ties, then the name does. Reports of another term or another record are not counted."""
    counted = {r.member: r for r in reports if r.term == term and r.basis == record.basis}
    mine = counted.get(me)
    votes = [report for member, report in counted.items() if record.voter(member)]
    need = votes_needed(len(record.voters), record.k)
    holder = _holder_position(record, counted)
    missing = tuple(v for v in record.voters if v not in counted)
    if mine is None:
        return Incomplete(len(votes), need, missing)
    if holder is not None:
        # HOLDER VOTES FOR ALL: stopped for good under the promise, it has every acknowledged commit.
        if mine.position >= holder:
            return Elected(mine.position, "the old primary is stopped and this server has all that it had")
        return Outvoted(record.holder, holder)
    if len(votes) < need or record.k < 1:
        return Incomplete(len(votes), need, missing)
    best = max(votes, key=lambda r: (r.position, priorities.get(r.member.name, 0), _reversed(r.member.name)))
    if best.member == me:
        return Elected(mine.position, f"best of {len(votes)} revoked voters, {need} needed")
    return Outvoted(best.member, best.position)


def judge_async(
    record: Record,
    term: int,
    me: Member,
    reports: tuple[Report, ...],
    priorities: dict[str, int],
    lag_bytes_max: int,
) -> Judgement:
    """Async mode: the best of every reachable server that may be primary wins, if it is within the lag limit of what
    the record last saw. The lease must have run out, or been given up, before this is asked."""
    counted = [r for r in reports if r.term == term and r.basis == record.basis]
    if not any(r.member == me for r in counted):
        return Incomplete(len(counted), 1, (me,))
    best = max(counted, key=lambda r: (r.position, priorities.get(r.member.name, 0), _reversed(r.member.name)))
    if best.member != me:
        return Outvoted(best.member, best.position)
    known = record.handover.position if record.handover else record.holder_position
    if known is not None:
        shared = shared_with_holder(record, best.position)
        if shared is None or known.lsn - shared > lag_bytes_max:
            return Incomplete(len(counted), len(counted) + 1, (record.holder,))
    return Elected(best.position, f"best of {len(counted)} reachable servers")


def shared_with_holder(record: Record, position: Position) -> Lsn | None:
    """Up to where a server at `position` has the log that the record's holder has (or would have, once promoted).

    None if that cannot be told from the map: then its lag has no bound. A server of an older term shares nothing past
    the place where the histories part, however long its log is."""
    of_term = (entry for entry in record.timelines if entry.term == position.term)
    made = max(of_term, key=lambda entry: entry.timeline, default=None)
    last = record.current_entry
    if made is None or last is None:
        return None
    *before, end = chain_of_entries(record.timelines, made)
    verdict = compare((*before, replace(end, end=position.lsn)), chain_of_entries(record.timelines, last))
    match verdict:
        case Prefix():
            return position.lsn
        case Diverged(fork=fork):
            return fork.lsn
        case Foreign():
            return None
        case _:
            assert_never(verdict)


def _holder_position(record: Record, counted: dict[Member, Report]) -> Position | None:
    """Where the record's holder ended for good: as handed over, or as reported in recovery under the promise."""
    if record.released and record.handover is not None:
        return record.handover.position
    report = counted.get(record.holder)
    if report is None or not report.holder_stopped or record.mode is not Mode.QUORUM:
        return None
    if record.winner_position is not None and report.position < record.winner_position:
        return None  # its disk lost what it won with: it no longer has every acknowledged commit
    return report.position


def _reversed(name: str) -> tuple[int, ...]:
    """So that the alphabetically first name is the largest."""
    return (*(-ord(letter) for letter in name), 1)


def term_to_ask(record: Record, promises: tuple[int, ...]) -> int:
    """The term of the next attempt: above the record's, and the highest that anybody has promised already, since a
    promise names no candidate and is as good for this one."""
    return max(record.term + 1, *promises) if promises else record.term + 1
