"""In which order is a voter set changed?

Loosen: store first. Tighten: PostgreSQL first, proved live, a barrier, then the store. Replace: PostgreSQL without the
old disk, proved live, a barrier flushed by the new one, the store, PostgreSQL with the new one.
"""

from howdah.agent.procedures import server
from howdah.agent.procedures.promote import BARRIER_LIMIT_MS, flush_barrier, wait_flushed
from howdah.agent.tools import Failed, StillWaiting, Tools
from howdah.cluster.changes import AdmitVoter, Change, DropVoter, NotAllowed, RaiseTerm, Renew, ReplaceVoter, SetK
from howdah.cluster.live import missing_proof
from howdah.cluster.observation import ServerState
from howdah.cluster.quorum import SyncSetting, setting_of, wait_name
from howdah.cluster.record import Record
from howdah.cluster.voters import Admit, Drop, LowerK, RaiseK, Replace, VoterChange, tightened_setting
from howdah.ports.peers import PeerView
from howdah.ports.postgres import Upstream
from howdah.values.member import Member, slot_name
from howdah.values.position import Position

LIVE_LIMIT_MS = 5000


async def change_voters(tools: Tools, change: VoterChange) -> None:
    """One step. An interruption anywhere leaves a safe state; the next decision goes on from what is seen."""
    record = tools.keeper.record
    me = tools.situation.me
    if record is None or not tools.situation.holds(record):
        raise Failed("this server does not hold the record any more")
    match change:
        case Admit(voter=voter):
            await _admit(tools, record, AdmitVoter(me, record.term, voter))
        case LowerK(k=k, mode=mode):
            await _loosen(tools, SetK(me, record.term, k, mode))
        case Drop(voter=voter):
            await _tighten(tools, record, change, DropVoter(me, record.term, voter, record.basis))
        case Replace():
            await _replace(tools, record, change)
        case RaiseK(k=k, mode=mode):
            await _tighten(tools, record, change, SetK(me, record.term, k, mode, record.basis))


async def _admit(tools: Tools, record: Record, change: AdmitVoter) -> None:
    """Store first; with a higher term where this one's name may still be borne by another disk's walsender."""
    served = tools.situation.served_term == record.term
    swapped = await _swap(tools, change)
    if swapped.term == record.term:
        await _give(tools, swapped)
    else:
        await _take_up_term(tools, swapped, served)


async def _loosen(tools: Tools, change: Change) -> None:
    """Store first: a commit may be acknowledged by the new voter only once every election would ask it."""
    await _give(tools, await _swap(tools, change))


async def _swap(tools: Tools, change: Change) -> Record:
    swapped = await tools.keeper.swap(change)
    if isinstance(swapped, NotAllowed):
        raise Failed(swapped.reason)
    return swapped


async def apply_record(tools: Tools) -> None:
    """Give the server what the record and the intents say, and see that a new connection shows it.

    A primary renews first: a swap of an agent that died here may still land on the record that was read, and drop a
    voter whom the setting would name (SETTLE)."""
    record, situation = tools.keeper.record, tools.situation
    if situation.state is ServerState.RECOVERY:
        await _apply_in_recovery(tools)
        return
    if record is None or not situation.holds(record):
        raise Failed("this server does not hold the record any more")
    await _give(tools, await _swap(tools, Renew(situation.me, record.term)))


async def _give(tools: Tools, record: Record) -> None:
    """The setting of a record that one of our own swaps has just written."""
    wanted = server.record_sync(record)
    server.configure(tools, wanted, tools.situation.gate_open)
    await tools.process.reload()
    await server.wait_shown(tools, "synchronous_standby_names", wanted, LIVE_LIMIT_MS)
    tools.situation.settings_current = True


async def _apply_in_recovery(tools: Tools) -> None:
    """The upstream stays. Where the setting was empty, the checkpointer is seen to have read the new one, so that a
    promotion need not wait for it."""
    situation, sync = tools.situation, server.blank_sync(tools)
    applied, facts = situation.applied, situation.facts
    upstream = applied.upstream if applied else None
    if applied is None and facts is not None and facts.upstream is not None:
        upstream = Upstream(facts.upstream, facts.upstream_name, slot_name(situation.name))
    server.configure(tools, sync, situation.gate_open, upstream)
    await tools.process.reload()
    if sync and facts is not None and not facts.sync_setting:
        await server.wait_shown(tools, "synchronous_standby_names", sync, LIVE_LIMIT_MS)
        await tools.primary.checkpoint()
    situation.settings_current = True


async def _tighten(tools: Tools, record: Record, change: Drop | RaiseK, swap: Change) -> None:
    """PostgreSQL first; LIVE; a barrier flushed by k of the new V; then the store."""
    await _enforce(tools, record, change)
    names = tuple(v.name for v in record.voters if not (isinstance(change, Drop) and v == change.voter))
    k = change.k if isinstance(change, RaiseK) else record.k
    lsn = await tools.primary.write_barrier(record.term, record.holder.name)
    try:
        await wait_flushed(tools, record.term, names, k, lsn, LIVE_LIMIT_MS)
    except StillWaiting as late:
        raise Failed(str(late)) from late  # begun anew at once it would end the walsenders again and again
    await _swap(tools, swap)


async def _replace(tools: Tools, record: Record, change: Replace) -> None:
    """PostgreSQL counts the old disk no more; LIVE; a barrier after that, flushed by the new one, which so has every
    commit that the old one's flush may have helped to acknowledge; then the store, and only then the name again."""
    entry, served = record.current_entry, tools.situation.served_term == record.term
    if entry is None:
        raise Failed("the record knows no timeline of this primary")
    await _enforce(tools, record, change)
    lsn = await tools.primary.write_barrier(record.term, record.holder.name)
    await _wait_held(tools, change.new, Position(entry.term, lsn))
    swap = ReplaceVoter(record.holder, record.term, change.old, change.new, record.basis)
    await _take_up_term(tools, await _swap(tools, swap), served)


async def _wait_held(tools: Tools, new: Member, upto: Position) -> None:
    """A flush is proved by the walsender's row; but a bare name may be anybody's, so the very directory says it too."""
    until = tools.clock.boot_ms() + LIVE_LIMIT_MS
    while True:
        walsenders = await tools.primary.walsenders()
        flushes = any(w.application_name == new.name and w.flush_lsn >= upto.lsn for w in walsenders)
        view = tools.peers.views().get(new.name)
        if flushes and view is not None and holds(view, new, upto):
            return
        if tools.clock.boot_ms() > until:
            raise Failed(f"the new data directory of {new.name} has not been seen to have the barrier yet")
        await tools.clock.sleep_ms(10)


def holds(view: PeerView, member: Member, upto: Position) -> bool:
    """Whether this very data directory said that it has the log up to there."""
    said = view.published
    return said.member == member and said.position is not None and said.position >= upto


async def _enforce(tools: Tools, record: Record, change: Drop | Replace | RaiseK) -> None:
    """The tightened setting in PostgreSQL, and LIVE."""
    wanted = tightened_setting(record, change)
    # An earlier attempt may have set it, and not have come to the checkpoint: the record tells as well.
    was_empty = "" in (server.record_sync(record), await server.shown(tools, "synchronous_standby_names"))
    server.configure(tools, str(wanted), tools.situation.gate_open)
    await tools.process.reload()
    dropped = _dropped_name(record, change)
    raised = isinstance(change, RaiseK)
    await server.wait_shown(tools, "synchronous_standby_names", str(wanted), LIVE_LIMIT_MS)
    # Only now: one that began just before the reload is older than it too. Bare names were never in a setting.
    older = frozenset(w.pid for w in await tools.primary.walsenders() if w.application_name.partition(".t")[1])
    if raised:
        await tools.primary.end_walsenders(tuple(sorted(older)))
    elif dropped:
        await _end_dropped(tools, dropped)
    if was_empty:
        await tools.primary.checkpoint()
    await _wait_live(tools, wanted, dropped, raised, older, was_empty)


def _dropped_name(record: Record, change: Drop | Replace | RaiseK) -> str:
    match change:
        case Drop(voter=gone) | Replace(old=gone):
            return wait_name(gone.name, record.term)
        case RaiseK():
            return ""


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
    if record is None or not tools.situation.holds(record):
        raise Failed("this server does not hold the record any more")
    served = tools.situation.served_term == record.term
    await _take_up_term(tools, await _swap(tools, RaiseTerm(me, record.term, to_term)), served)


async def _take_up_term(tools: Tools, raised: Record, served: bool) -> None:
    """What follows a swap that raised the own term: new names, a barrier under them, a renewal."""
    situation, to_term = tools.situation, raised.term
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
    await _swap(tools, Renew(situation.me, to_term, serving=served))
    if served:
        situation.served_term = to_term
