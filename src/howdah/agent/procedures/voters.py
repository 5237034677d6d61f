"""In which order is a voter set changed?

Loosen: store first. Tighten: PostgreSQL first, proved live, a barrier, then the store.
"""

from howdah.agent.procedures import server
from howdah.agent.procedures.promote import BARRIER_LIMIT_MS, flush_barrier, wait_flushed
from howdah.agent.tools import Failed, Tools
from howdah.cluster.changes import AdmitVoter, Change, DropVoter, NotAllowed, RaiseTerm, Renew, SetK
from howdah.cluster.live import missing_proof
from howdah.cluster.observation import ServerState
from howdah.cluster.quorum import SyncSetting, setting_of, wait_name
from howdah.cluster.record import Record
from howdah.cluster.voters import Admit, Drop, LowerK, RaiseK, VoterChange, tightened_setting

LIVE_LIMIT_MS = 5000


async def change_voters(tools: Tools, change: VoterChange) -> None:
    """One step. An interruption anywhere leaves a safe state; the next decision goes on from what is seen."""
    record = tools.keeper.record
    me = tools.situation.me
    if record is None or record.holder != me:
        raise Failed("this server does not hold the record any more")
    match change:
        case Admit(voter=voter):
            await _loosen(tools, AdmitVoter(me, record.term, voter))
        case LowerK(k=k, mode=mode):
            await _loosen(tools, SetK(me, record.term, k, mode))
        case Drop(voter=voter):
            await _tighten(tools, record, change, DropVoter(me, record.term, voter))
        case RaiseK(k=k, mode=mode):
            await _tighten(tools, record, change, SetK(me, record.term, k, mode))


async def _loosen(tools: Tools, change: Change) -> None:
    """Store first: a commit may be acknowledged by the new voter only once every election would ask it."""
    await _swap(tools, change)
    await apply_record(tools)


async def _swap(tools: Tools, change: Change) -> Record:
    swapped = await tools.keeper.swap(change)
    if isinstance(swapped, NotAllowed):
        raise Failed(swapped.reason)
    return swapped


async def apply_record(tools: Tools) -> None:
    """Give the server what the record and the intents say, and see that a new connection shows it."""
    record, situation = tools.keeper.record, tools.situation
    if situation.state is ServerState.RECOVERY:
        applied = situation.applied
        upstream = applied.upstream if applied else None
        server.configure(tools, server.blank_sync(tools), situation.gate_open, upstream)
        await tools.process.reload()
        situation.settings_current = True
        return
    if record is None or record.holder != situation.me:
        raise Failed("this server does not hold the record any more")
    wanted = server.record_sync(record)
    server.configure(tools, wanted, situation.gate_open)
    await tools.process.reload()
    await server.wait_shown(tools, "synchronous_standby_names", wanted, LIVE_LIMIT_MS)
    situation.settings_current = True


async def _tighten(tools: Tools, record: Record, change: Drop | RaiseK, swap: Change) -> None:
    """PostgreSQL first; LIVE; a barrier flushed by k of the new V; then the store."""
    wanted = tightened_setting(record, change)
    before = await server.shown(tools, "synchronous_standby_names")
    older = frozenset(w.pid for w in await tools.primary.walsenders())
    server.configure(tools, str(wanted), tools.situation.gate_open)
    await tools.process.reload()
    dropped = wait_name(change.voter.name, record.term) if isinstance(change, Drop) else ""
    raised = isinstance(change, RaiseK)
    await server.wait_shown(tools, "synchronous_standby_names", str(wanted), LIVE_LIMIT_MS)
    if raised:
        await tools.primary.end_walsenders(tuple(sorted(older)))
    elif dropped:
        await _end_dropped(tools, dropped)
    was_empty = before == ""
    if was_empty:
        await tools.primary.checkpoint()
    await _wait_live(tools, wanted, dropped, raised, older, was_empty)
    names = tuple(v.name for v in record.voters if not (isinstance(change, Drop) and v == change.voter))
    k = change.k if isinstance(change, RaiseK) else record.k
    lsn = await tools.primary.write_barrier(record.term, record.holder.name)
    await wait_flushed(tools, record.term, names, k, lsn, LIVE_LIMIT_MS)
    await _swap(tools, swap)


async def _end_dropped(tools: Tools, dropped: str) -> None:
    """The dropped voter's walsender would otherwise have to be waited for, and it may be stopped."""
    pids = tuple(w.pid for w in await tools.primary.walsenders() if w.application_name == dropped)
    if pids:
        await tools.primary.end_walsenders(pids)


async def _wait_live(
    tools: Tools, wanted: SyncSetting, dropped: str, raised: bool, older: frozenset[int], was_empty: bool
) -> None:
    until = tools.clock.boot_ms() + LIVE_LIMIT_MS
    while True:
        shown = await server.shown(tools, "synchronous_standby_names")
        walsenders = await tools.primary.walsenders()
        missing = missing_proof(shown, wanted, walsenders, dropped, raised, older, was_empty, checkpointed=True)
        if not missing:
            return
        if tools.clock.boot_ms() > until:
            raise Failed(f"the setting is not proved live: {missing}")
        await tools.clock.sleep_ms(10)


async def raise_term(tools: Tools, to_term: int) -> None:
    """A FAILED ELECTION: the own term raised in place, new names, a barrier under them, a renewal after it."""
    record = tools.keeper.record
    me = tools.situation.me
    if record is None or record.holder != me:
        raise Failed("this server does not hold the record any more")
    served = tools.situation.served_term == record.term
    raised = await _swap(tools, RaiseTerm(me, record.term, to_term))
    situation = tools.situation
    situation.report = None
    running = situation.state.value == "primary"
    if not running:
        return
    server.configure(tools, str(setting_of(raised)), situation.gate_open)
    await tools.process.reload()
    situation.promoted_term = to_term
    situation.poke()
    await server.wait_shown(tools, "synchronous_standby_names", str(setting_of(raised)), LIVE_LIMIT_MS)
    await flush_barrier(tools, raised, BARRIER_LIMIT_MS)
    await _swap(tools, Renew(me, to_term, serving=served))
    if served:
        situation.served_term = to_term
