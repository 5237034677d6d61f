"""What stands in a guard's place while it is out: elections, voter changes, ways back, leases."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from howdah.agent.procedures import campaign, follow, promote, revoke, server, voters
from howdah.agent.tools import Failed, Tools
from howdah.cluster import changes, election, following
from howdah.cluster.changes import Change, Force, NotAllowed, Win
from howdah.cluster.election import Elected, Judgement
from howdah.cluster.peerstate import Report
from howdah.cluster.quorum import setting_of
from howdah.cluster.record import Record
from howdah.simulation import deadman
from howdah.values.lsn import NO_LSN
from howdah.values.member import Member
from howdah.values.position import Position

Place = ModuleType | type

_judge = election.judge


def _judges_by_lsn(
    record: Record, term: int, me: Member, reports: tuple[Report, ...], priorities: dict[str, int]
) -> Judgement:
    flat = tuple(replace(r, position=Position(0, r.position.lsn)) for r in reports)
    verdict = _judge(record, term, me, flat, priorities)
    mine = next(r for r in reports if r.member == me)
    return replace(verdict, position=mine.position) if isinstance(verdict, Elected) else verdict


_report = revoke._report


async def _reports_promise(tools: Tools, term: int, record: Record, view: Any) -> Report:
    """The report says the record's term, not the one of the WAL."""
    report = await _report(tools, term, record, view)
    told = replace(report, position=Position(record.term, report.position.lsn))
    tools.situation.report = told
    tools.situation.spoken.ring()
    return told


_win = changes._apply_win


def _any_record(change: Win | Force, record: Record) -> Record | NotAllowed:
    return _win(replace(change, basis=record.basis), record)


def _without_old_primary(change: Win | Force, record: Record) -> Record | NotAllowed:
    won = _win(change, record)
    rest = tuple(v for v in record.voters if v != change.winner)
    return won if isinstance(won, NotAllowed) or len(rest) < record.k else replace(won, voters=rest)


_holder = election._holder_position


def _holder_at_nothing(record: Record, counted: dict[Member, Report]) -> Position | None:
    return None if _holder(record, counted) is None else Position(0, NO_LSN)


async def setting_first(tools: Tools, change: Change) -> None:
    """Loosening in the order of tightening."""
    record = tools.keeper.record
    loosened = None if record is None else changes.apply(change, record, record.incarnation)
    if isinstance(loosened, Record) and record is not None and loosened.term == record.term:
        server.configure(tools, str(setting_of(loosened)), tools.situation.gate_open)
        await tools.process.reload()
    await voters._give(tools, await voters._swap(tools, change))


async def admits_setting_first(tools: Tools, _record: Record, change: Change) -> None:
    await setting_first(tools, change)


async def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _fails(*_: Any) -> None:
    raise Failed("taken out")


def _by_name(record: Record, member: Member) -> bool:
    return any(v.name == member.name for v in record.voters)


GUARDS: dict[str, tuple[tuple[Place, str, Any], ...]] = {
    "votes are compared by LSN alone": ((campaign, "judge", _judges_by_lsn),),
    "TERM OF THE WAL: the report says the record's term": ((revoke, "_report", _reports_promise),),
    "no SAME RECORD": ((changes, "_apply_win", _any_record),),
    "V after the swap lacks the old primary": ((changes, "_apply_win", _without_old_primary),),
    "HOLDER VOTES FOR ALL, whatever it has": ((election, "_holder_position", _holder_at_nothing),),
    "loosened in PostgreSQL first": (
        (voters, "_loosen", setting_first),
        (voters, "_admit", admits_setting_first),
    ),
    "not proved LIVE": ((voters, "_wait_live", _nothing), (voters, "_end_dropped", _nothing)),
    "no ONE CONNECTION": ((follow, "slot_name", lambda _: ""),),
    "no LAST COPY": ((following, "reason_to_stay", lambda *_: ""),),
    "IDENTITY: a voter is known by its name": ((Record, "voter", _by_name),),
    "async: no dead-man": ((deadman.DeadmanProcess, "_fire", lambda _: None),),
    "a failed election leaves the term as it is": ((voters, "raise_term", _fails),),
    "the holder does not resume": ((promote, "resume", _fails),),
}
