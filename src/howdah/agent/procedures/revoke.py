"""How does this server make itself unable to acknowledge an older primary, and prove it?"""

from collections.abc import Callable
from dataclasses import replace

from howdah.agent.procedures import server
from howdah.agent.tools import Failed, Tools
from howdah.cluster.history import chain_of
from howdah.cluster.observation import ServerState
from howdah.cluster.peerstate import Report
from howdah.cluster.record import Record
from howdah.cluster.returning import below_floor
from howdah.cluster.revocation import (
    Missing,
    missing_receiver,
    missing_replay,
    missing_setting,
    missing_startup,
    promise_refusal,
)
from howdah.cluster.serverfacts import DirectoryState, ReplayView
from howdah.ports.postgres import SqlFailed
from howdah.values.lsn import NO_LSN
from howdah.values.position import Position

POLL_MS = 3
REPLAY_POLL_MS = 20


async def revoke(tools: Tools, term: int, record: Record) -> Report:
    """Promise `term` durably, stop receiving, prove it, and report for this record. Raises Failed."""
    situation = tools.situation
    async with situation.promise_lock:
        refusal = promise_refusal(term, situation.local, record)
        if refusal:
            raise Failed(refusal)
        situation.report = None
        situation.remember(replace(situation.local, promise=term))
    if await _into_recovery(tools):
        situation.started_anew_for = term
    try:
        view = await _prove(tools, fresh_start=situation.started_anew_for == term)
    except (_TooSlow, SqlFailed):
        if situation.started_anew_for == term:
            raise
        # Past the limit the server is killed and started with the settings blank, once a term; then it is waited for.
        situation.started_anew_for = term
        tools.journal.noted("REVOKE", "the proofs took too long: the server is started anew, blank", term)
        await server.kill(tools)
        await server.start_blank(tools)
        view = await _prove(tools, fresh_start=True)
    return await _report(tools, term, record, view)


async def _into_recovery(tools: Tools) -> bool:
    """A former primary is killed first; a server that does not run is started blank: True if it was started."""
    situation = tools.situation
    if situation.state in (ServerState.PRIMARY, ServerState.SILENT):
        await server.kill(tools)
    if situation.state is ServerState.GONE:
        if tools.directory.inspect().state is not DirectoryState.READY:
            raise Failed("there is no complete data directory")
        await server.start_blank(tools)
        return True
    await tools.standby.resume_replay()
    await tools.standby.end_conflicting_queries()
    server.configure(tools, server.blank_sync(tools), gate_open=situation.gate_open)
    await tools.process.reload()
    return False


class _TooSlow(Failed):
    """A proof that has a limit did not come within it, also not in a server that was just started blank."""


async def _prove(tools: Tools, fresh_start: bool) -> ReplayView:
    """Proofs 1 to 4 in their order. 1 to 3 have a limit (unless just started blank), 4 is waited for."""
    await prove_cut(tools, tools.policy.revocation_limit_ms * (10 if fresh_start else 1))
    return await _wait_for_replay(tools)


async def prove_cut(tools: Tools, limit_ms: int) -> None:
    """Proofs 1 to 3: no receiver of the settings before the last reload is there, or will come. Raises Failed."""
    until = tools.clock.boot_ms() + limit_ms
    view = await _wait_for(tools, missing_setting, until)
    if not view.pause_state.startswith("not"):
        await tools.standby.resume_replay()
    await tools.standby.pause_replay()
    try:
        await _wait_for(tools, missing_startup, until)
    finally:
        await tools.standby.resume_replay()
    await _wait_for(tools, missing_receiver, until)


async def _wait_for(tools: Tools, missing: Callable[[ReplayView], Missing | None], until_boot_ms: int) -> ReplayView:
    while True:
        view = await tools.standby.replay(new_connection=missing is missing_setting)
        what = missing(view)
        if what is None:
            return view
        if tools.clock.boot_ms() > until_boot_ms:
            raise _TooSlow(what.value)
        if what is Missing.STARTUP and await tools.standby.end_conflicting_queries():
            # A query that holds replay keeps the startup process from its settings; a reload wakes it.
            await tools.process.reload()
        await tools.clock.sleep_ms(POLL_MS)


async def _wait_for_replay(tools: Tools) -> ReplayView:
    """Replay is waited for while it advances: as long as it takes, since the vote must not understate the log. A new
    query may hold it meanwhile."""
    before = NO_LSN
    while True:
        view = await tools.standby.replay(new_connection=False)
        if missing_replay(view) is None:
            return view
        if view.replayed_lsn == before:
            await tools.standby.end_conflicting_queries()
        before = view.replayed_lsn
        await tools.clock.sleep_ms(REPLAY_POLL_MS)


async def _report(tools: Tools, term: int, record: Record, view: ReplayView) -> Report:
    """(term of the WAL, LSN) of a server that can no longer acknowledge anybody."""
    situation = tools.situation
    facts = await server.look(tools, new_connection=False)
    if not facts.in_recovery or facts.upstream is not None or facts.receiving:
        raise Failed("the server is no longer blank and in recovery")
    chain = chain_of(facts.timeline, facts.history, view.replayed_lsn, situation.local.entries)
    if chain is None:
        raise Failed(f"timeline {facts.timeline} of this server is in no map: its term is unknown")
    position = Position(chain[-1].term, view.replayed_lsn)
    if below_floor(position, situation.local.floor):
        raise Failed(f"this server is at {position}, below its floor {situation.local.floor}")
    report = Report(
        member=situation.me,
        term=term,
        position=position,
        basis=record.basis,
        holder_stopped=situation.holds(record),
        incarnation=situation.incarnation,
    )
    async with situation.promise_lock:
        if situation.local.promise != term:
            raise Failed(f"term {situation.local.promise} was promised meanwhile")
        situation.report = report
        situation.spoken.ring()
    return report
