"""How does a server stand for election: revoke itself, ask, count, swap?"""

import asyncio
import contextlib
from dataclasses import replace

from howdah.agent.procedures import server
from howdah.agent.procedures.revoke import revoke
from howdah.agent.tools import Failed, Tools
from howdah.cluster.actions import Campaign, CatchUp
from howdah.cluster.changes import NotAllowed, Win
from howdah.cluster.election import CATCH_UP_LIMIT_MS, Elected, Incomplete, Judgement, Outvoted, judge, judge_async
from howdah.cluster.history import Prefix, chain_of, chain_of_entries, compare
from howdah.cluster.incarnation import differ
from howdah.cluster.peerstate import PromiseRequest, Published, Refusal, Report
from howdah.cluster.record import Mode, Record, TimelineEntry
from howdah.ports.peers import PeerUnreachable
from howdah.ports.postgres import SqlFailed, Upstream


async def campaign(tools: Tools, action: Campaign) -> None:
    """Ends with the swap won, or raises Failed with the reason. What comes after the swap is decided anew."""
    situation = tools.situation
    record = await tools.keeper.refresh()
    if record is None or record.term >= action.term:
        raise Failed("the record moved on before the election began")
    if record.mode is Mode.ASYNC and not record.released and not tools.keeper.expired:
        raise Failed("the holder renewed its lease before the election began")
    report = situation.report
    if report is None or report.term != action.term or report.basis != record.basis:
        report = await _revoke(tools, action.term, record)
    verdict = await _count(tools, action.term, record, report)
    match verdict:
        case Elected(position=position, why=why):
            tools.journal.noted("ELECTED", why, action.term)
            facts = situation.facts
            timeline = facts.timeline if facts else 0
            made = await tools.standby.next_timeline()
            entry = TimelineEntry(made, action.term, timeline, position.lsn, position.term)
            counter = record.lease_counter if record.mode is Mode.ASYNC else None
            won = await tools.keeper.swap(Win(situation.me, action.term, record.basis, position, entry, counter))
            if isinstance(won, NotAllowed):
                raise Failed(f"the election was not won: {won.reason}")
            situation.outvoted = None
            situation.lead_failures = 0
        case Outvoted(best=best, position=position):
            situation.outvoted = (best, position)
            situation.yielded_boot_ms = tools.clock.boot_ms()
            raise Failed(f"{best.name} is better, at {position}")
        case Incomplete(have=have, need=need, missing=missing):
            names = ", ".join(v.name for v in missing)
            raise Failed(f"{have} of {need} needed voters are revoked; {names or 'nobody'} did not report")


async def _revoke(tools: Tools, term: int, record: Record) -> Report:
    """Be revoked. Who was handed the lead makes its slots meanwhile: nobody else will be asked."""
    if record.handover is None or record.handover.to != tools.situation.name:
        return await revoke(tools, term, record)
    making = asyncio.create_task(_make_slots(tools, {v.name for v in record.voters} | {record.holder.name}))
    try:
        return await revoke(tools, term, record)
    finally:
        await making


async def _make_slots(tools: Tools, names: set[str]) -> None:
    """Slots cost several fsyncs, and the winner needs them before it promotes. A loser drops them."""
    names.discard(tools.situation.name)
    with contextlib.suppress(SqlFailed):
        await tools.primary.keep_slots(tuple(sorted(names)), drop_others=False)


async def _count(tools: Tools, term: int, record: Record, mine: Report) -> Judgement:
    """Ask everybody that may matter at once; judge after each report, so that the fastest quorum decides."""
    situation = tools.situation
    reports = [mine]
    verdict = _judge(tools, term, record, reports)
    if isinstance(verdict, Elected) and record.mode is Mode.QUORUM:
        return verdict
    names = {v.name for v in record.voters} | {record.holder.name}
    if record.mode is Mode.ASYNC:
        names |= {name for name, view in tools.peers.views().items() if view.published.tags.may_be_primary}
    names.discard(situation.name)
    limit_ms = tools.policy.revocation_limit_ms * 2
    request = PromiseRequest(term, record, situation.name)
    asks = [asyncio.create_task(_ask(tools, name, request, limit_ms)) for name in sorted(names)]
    try:
        await _make_slots(tools, set(names))
        for answer in asyncio.as_completed(asks):
            report = await answer
            if report is None:
                continue
            reports.append(report)
            verdict = _judge(tools, term, record, reports)
            if record.mode is Mode.QUORUM and not isinstance(verdict, Incomplete):
                return verdict
        return verdict
    finally:
        for ask in asks:
            ask.cancel()
        await asyncio.gather(*asks, return_exceptions=True)


async def _ask(tools: Tools, name: str, request: PromiseRequest, limit_ms: int) -> Report | None:
    try:
        answer = await tools.peers.ask_promise(name, request, limit_ms)
    except PeerUnreachable:
        return None
    if isinstance(answer, Refusal):
        tools.journal.noted("REFUSED", f"{name} does not promise: {answer.reason}", request.term)
        return None
    if fault := other_speaker(tools, name, answer.incarnation):
        tools.journal.noted("REFUSED", fault, request.term)
        return None
    return answer


def other_speaker(tools: Tools, name: str, incarnation: str) -> str:
    """Who answered under this name, if that is not whom this agent hears under it: a copy's word must not count for the
    other copy's disk. "" where nothing speaks against it."""
    view = tools.peers.views().get(name)
    if view is None or not view.connected or not differ(view.published.incarnation, incarnation):
        return ""
    return f"two agents speak as {name}: one is heard, and another one answered. Stop one of them"


def _judge(tools: Tools, term: int, record: Record, reports: list[Report]) -> Judgement:
    views = tools.peers.views()
    priorities = {name: view.published.tags.priority for name, view in views.items()}
    priorities[tools.situation.name] = tools.situation.tags.priority
    if record.mode is Mode.ASYNC:
        # A planned hand-over loses nothing while the old primary, which may take it back, can still be alive.
        lag_bytes_max = 0 if record.handover and not tools.keeper.expired else tools.policy.async_lag_bytes_max
        return judge_async(record, term, tools.situation.me, tuple(reports), priorities, lag_bytes_max)
    return judge(record, term, tools.situation.me, tuple(reports), priorities)


async def catch_up(tools: Tools, action: CatchUp) -> None:
    """Stream from the better server, under a name without a term, up to what it reported; then be revoked anew."""
    situation = tools.situation
    view = tools.peers.views().get(action.source.name)
    record = tools.keeper.record
    facts = situation.facts
    if view is None or record is None or facts is None:
        raise Failed(f"{action.source.name} is not heard any more")
    if view.published.primary or view.published.member != action.source:
        raise Failed(f"{action.source.name} is no revoked server any more: a promise keeps this one from following it")
    entries = situation.local.entries
    mine = chain_of(facts.timeline, facts.history, facts.end_lsn, entries)
    state = view.published
    made = _promotion_of(state, record)
    theirs = chain_of_entries(record.timelines, made) if made else None
    if mine is None or theirs is None or not isinstance(compare(mine, theirs), Prefix):
        raise Failed(f"the history of this server is not a prefix of {action.source.name}'s (PREFIX)")
    situation.report = None
    # The map of what is about to come, durable before it comes: else the next vote could not tell its term.
    known = {entry.timeline: entry for entry in entries}
    links = {(link.timeline, link.term) for link in theirs}
    known.update({e.timeline: e for e in record.timelines if (e.timeline, e.term) in links})
    situation.remember(replace(situation.local, entries=tuple(known.values())))
    upstream = Upstream(state.address, situation.name, "")
    server.configure(tools, server.blank_sync(tools), situation.gate_open, upstream)
    await tools.process.reload()
    until = tools.clock.boot_ms() + CATCH_UP_LIMIT_MS
    try:
        while True:
            view_now = await tools.standby.replay(new_connection=False)
            if view_now.replayed_lsn >= action.upto.lsn:
                break
            if tools.clock.boot_ms() > until:
                raise Failed(f"{action.source.name} did not send what is missing in time")
            await tools.clock.sleep_ms(20)
    finally:
        server.configure(tools, server.blank_sync(tools), situation.gate_open)
        await tools.process.reload()
    situation.outvoted = None
    situation.yielded_boot_ms = None


def _promotion_of(state: Published, record: Record) -> TimelineEntry | None:
    """The promotion that made the timeline a peer is on; its position tells two of one number apart."""
    term = state.position.term if state.position else 0
    return next((e for e in record.timelines if (e.timeline, e.term) == (state.timeline, term)), None)
