"""How does a cluster begin, and how is a lost record made again?"""

from collections.abc import Mapping
from dataclasses import replace

from howdah.agent.intentions import change_intents
from howdah.agent.procedures import server
from howdah.agent.procedures.campaign import other_speaker
from howdah.agent.procedures.revoke import revoke
from howdah.agent.tools import Failed, Tools
from howdah.cluster.actions import ForcePromotion, RebuildRecord
from howdah.cluster.beginnings import newest_record
from howdah.cluster.changes import CorrectEntry, Force, NotAllowed, TakeOverFirstStart
from howdah.cluster.intents import Intents
from howdah.cluster.localstate import Marker
from howdah.cluster.peerstate import PromiseRequest, Report
from howdah.cluster.record import Mode, Phase, Record, TimelineEntry
from howdah.cluster.serverfacts import DirectoryState
from howdah.ports.peers import PeerUnreachable
from howdah.values.lsn import Lsn


async def begin_first_start(tools: Tools) -> None:
    """Say in the store who initialises. Create-if-absent decides between two who try.

    In the first term, unless the store was emptied during a first start: a term is never anybody else's again."""
    situation = tools.situation
    heard = [view.published for view in tools.peers.views().values()]
    records = [record for record in (situation.local.record, *(each.record for each in heard)) if record is not None]
    terms = (situation.local.promise, *(each.promise for each in heard), *(record.term for record in records))
    if not situation.local.member_id:
        situation.remember(replace(situation.local, member_id=tools.clock.token()))
    record = Record(
        cluster=situation.cluster,
        system_identifier="",
        generation=1,
        term=max(terms) + 1,
        phase=Phase.INITIALISING,
        holder=situation.me,
        voters=(),
        k=0,
        mode=situation.intents.effective_mode,
        timelines=(),
        members=(situation.me,),
        lease=tools.policy.lease_times,
    )
    if not await tools.keeper.create(record):
        raise Failed("another node began the first start")


async def take_over_first_start(tools: Tools) -> None:
    """Nobody was ever served: begin anew in a higher term with a directory of one's own."""
    situation = tools.situation
    record = tools.keeper.record
    if record is None:
        raise Failed("the record is gone")
    if not tools.keeper.expired:
        raise Failed("the node that began the first start was heard of again")
    if not situation.local.member_id:
        situation.remember(replace(situation.local, member_id=tools.clock.token()))
    taken = await tools.keeper.swap(TakeOverFirstStart(situation.me, "", record.lease_counter))
    if isinstance(taken, NotAllowed):
        raise Failed(taken.reason)


async def initialise(tools: Tools) -> None:
    """initdb (or the adopted directory) under the marker; identity; map; then the record learns the system id.

    What an agent that died had made already is gone on from: with its identity it is complete."""
    situation = tools.situation
    record = tools.keeper.record
    if record is None or not situation.holds(record):
        raise Failed("this node does not hold the record")
    situation.remember(replace(situation.local, marker=Marker.INITIALISING, cluster=record.cluster))
    facts = tools.directory.inspect()
    if facts.identity not in ("", situation.local.member_id):
        raise Failed(f"the data directory is another member's ({facts.identity}): it was put there from elsewhere")
    if not facts.identity:
        carried = await tools.directory.initialise()
        if carried:
            await _carry_over(tools, carried, record.term)
        tools.directory.write_identity(situation.local.member_id)
        facts = tools.directory.inspect()
    if facts.state is not DirectoryState.READY:
        raise Failed(f"the first data directory is {facts.state.value}: {facts.explanation}")
    entry = TimelineEntry(facts.timeline, record.term, 0, Lsn(0))
    made = await tools.keeper.swap(CorrectEntry(situation.me, record.term, (entry,), facts.system_identifier))
    if isinstance(made, NotAllowed):
        raise Failed(made.reason)
    situation.remember(
        replace(
            situation.local,
            marker=Marker.NONE,
            entries=(entry,),
            won_term=record.term,
            promise=record.term,
            system_identifier=facts.system_identifier,
            record=made,
        )
    )
    situation.directory = facts


async def _carry_over(tools: Tools, carried: Mapping[str, str], term: int) -> None:
    """What an adopted directory had set becomes the cluster's, in the store before any server starts with it: a standby
    that had less (max_connections...) would not start. What the operator set for the cluster goes before it."""
    situation = tools.situation

    def with_them(intents: Intents) -> Intents:
        return replace(intents, parameters={**carried, **intents.parameters})

    changed = await change_intents(tools.store, with_them, situation.configured)
    situation.configured = replace(situation.configured, parameters=changed.parameters)
    situation.intents = replace(situation.intents, parameters=changed.parameters)
    taken = sorted(name for name, value in carried.items() if changed.parameters.get(name) == value)
    tools.journal.noted("ADOPT", f"the cluster goes on with the directory's own {', '.join(taken) or 'nothing'}", term)


async def recreate_record(tools: Tools) -> None:
    """Write the last settled record again, one generation up; nobody's if somebody was faster."""
    situation = tools.situation
    record = tools.keeper.settled or situation.local.record
    if record is None:
        raise Failed("this server knows no record")
    again = replace(record, generation=record.generation + 1, lease_counter=record.lease_counter + 1)
    if not await tools.keeper.write_again(again):
        raise Failed("the store has a record again")
    situation.remember(replace(situation.local, record=tools.keeper.record))


async def rebuild_record(tools: Tools, action: RebuildRecord) -> None:
    """Every server is here, but for those given up: each is revoked under the term, above all promises; the best (term,
    LSN) leads."""
    situation, term = tools.situation, action.term
    if await tools.keeper.refresh() is not None and not situation.store_went_back(tools.keeper):
        raise Failed("the store has a record again")
    record = newest_record(situation.observe(tools.keeper, tools.peers))
    if record is None:
        raise Failed("no server knows the record")
    mine = await revoke(tools, term, record)
    reports = [mine, *[await _report_of(tools, name, term, record) for name in _others(tools, record, action.given_up)]]
    _must_be_best(tools, reports, asked_for=bool(action.given_up) or situation.door is not None)
    facts = situation.facts
    timeline = facts.timeline if facts else 0
    made, end = await tools.standby.next_timeline(), mine.position
    entry = TimelineEntry(made, term, timeline, end.lsn, end.term)
    voters = tuple(sorted(r.member for r in reports if r.member != situation.me))
    rebuilt = replace(
        record,
        generation=record.generation + 1,
        term=term,
        holder=situation.me,
        voters=voters,
        k=min(record.k, len(voters)),
        forced_terms=(*record.forced_terms, term) if action.given_up else record.forced_terms,
        timelines=(*record.timelines, entry),
        spent=(),
        winner_position=mine.position,
        holder_position=mine.position,
        serving=False,
        released=False,
        handover=None,
        lease_counter=record.lease_counter + 1,
    )
    if not await tools.keeper.write_again(rebuilt):
        raise Failed("the store has a record again")
    situation.door = None


def _others(tools: Tools, record: Record, given_up: tuple[str, ...]) -> list[str]:
    names = {m.name for m in (*record.members, *record.voters, record.holder)} | set(tools.situation.intents.nodes)
    return sorted(names - {tools.situation.name, *given_up})


def _must_be_best(tools: Tools, reports: list[Report], asked_for: bool) -> None:
    """The best (term, LSN) leads, if it may; among equals the one that the operator asked, else the first name."""
    situation = tools.situation
    views = tools.peers.views()
    furthest = max(reports, key=lambda r: r.position)
    may = {name for name, view in views.items() if view.published.tags.may_be_primary}
    if situation.tags.may_be_primary:
        may.add(situation.name)
    mine = next(r for r in reports if r.member == situation.me)
    equals = sorted(r.member.name for r in reports if r.position == furthest.position and r.member.name in may)
    if mine.position == furthest.position and situation.name in (equals if asked_for else equals[:1]):
        return
    situation.door = None
    if not equals:
        name = furthest.member.name
        raise Failed(f"{name} has most ({furthest.position}) and may never lead: change its tags, or give it up")
    raise Failed(f"{equals[0]} has most ({furthest.position}) and is to lead: ask that one")


async def _report_of(tools: Tools, name: str, term: int, record: Record) -> Report:
    request = PromiseRequest(term, record, tools.situation.name)
    try:
        answer = await tools.peers.ask_promise(name, request, tools.policy.revocation_limit_ms * 5)
    except PeerUnreachable as unreachable:
        raise Failed(f"{name} did not report: {unreachable}") from unreachable
    if isinstance(answer, Report):
        if fault := other_speaker(tools, name, answer.incarnation):
            raise Failed(fault)
        return answer
    raise Failed(f"{name} did not report: {answer.reason}")


async def force_promotion(tools: Tools, action: ForcePromotion) -> None:
    """The door: revoke all that can be reached, raise the term, mark it forced, set V and k anew."""
    situation = tools.situation
    record = await tools.keeper.refresh()
    if record is None or record.basis != action.basis:
        raise Failed("the record moved on")
    if not record.released and not tools.keeper.expired:
        raise Failed("the holder renewed its lease: it is not off, and has to be before it is given up")
    views = tools.peers.views()
    term = 1 + max(record.term, situation.local.promise, *(v.published.promise for v in views.values()), 0)
    mine = await revoke(tools, term, record)
    reports = [mine]
    for name in sorted(views):
        if name not in action.given_up:
            reports.append(await _report_of(tools, name, term, record))
    _must_be_best(tools, reports, asked_for=True)
    facts = situation.facts
    timeline = facts.timeline if facts else 0
    made, end = await tools.standby.next_timeline(), mine.position
    entry = TimelineEntry(made, term, timeline, end.lsn, end.term)
    voters = tuple(sorted(r.member for r in reports if r.member != situation.me))
    k = min(record.k, len(voters)) if record.mode is Mode.QUORUM else 0
    forced = await tools.keeper.swap(Force(situation.me, term, record.basis, mine.position, entry, voters, k))
    if isinstance(forced, NotAllowed):
        raise Failed(forced.reason)
    situation.door = None
    server.took(tools, await tools.standby.observe())
