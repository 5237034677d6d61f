"""How does the winner become the primary, and when does it let clients in?"""

import contextlib
from dataclasses import replace

from howdah.agent.procedures import server
from howdah.agent.tools import Failed, StillWaiting, Tools
from howdah.cluster.changes import CorrectEntry, Establish, NotAllowed, Renew
from howdah.cluster.history import chain_of, made_in_term
from howdah.cluster.observation import ServerState
from howdah.cluster.quorum import flushed
from howdah.cluster.record import Phase, Record, TimelineEntry
from howdah.cluster.revocation import may_follow
from howdah.cluster.serverfacts import ServerFacts
from howdah.ports.postgres import SqlFailed
from howdah.values.lsn import Lsn
from howdah.values.member import slot_name

BARRIER_POLL_MS = 4
BARRIER_POLL_MS_MAX = 50
BARRIER_LIMIT_MS = 2000
"""Then the decision is made anew, though what has to come first (a voter to be admitted) interrupts the wait too."""


async def promote(tools: Tools, term: int) -> None:
    """From the swap that was won to a promoted server that may be followed. Raises Failed."""
    situation = tools.situation
    record = _held(tools, term)
    entry = record.current_entry
    facts = await server.look(tools, new_connection=False)
    if entry is None or not facts.in_recovery:
        raise Failed("there is nothing to promote")
    _check_log(tools, record, facts)
    # The entry is durable before the promotion: the timeline it makes is known whatever happens next.
    known = tuple(e for e in situation.local.entries if e.timeline != entry.timeline)
    situation.remember(
        replace(situation.local, won_term=term, promise=term, entries=(*known, entry), record=record, floor=None)
    )
    names = tuple(v.name for v in record.voters)
    if not {slot_name(name) for name in names} <= set(facts.slots):
        await tools.primary.keep_slots(names, drop_others=False)
    wanted = server.record_sync(record)
    before = await tools.primary.loaded() if wanted == facts.sync_setting else ""
    server.configure(tools, wanted, gate_open=False)
    await tools.process.reload()
    # The setting and the closed gate are in force before there is anything to write to. A setting that was there
    # before (the mode is async) shows nothing: then the time of the reload does.
    if before:
        await server.wait_loaded(tools, before, tools.policy.revocation_limit_ms)
    else:
        await server.wait_shown(tools, "synchronous_standby_names", wanted, tools.policy.revocation_limit_ms)
    if wanted and not facts.sync_setting:
        # NEVER EMPTY was not kept here (the mode was async): the checkpointer has to switch waiting on.
        await tools.primary.checkpoint()
    await tools.primary.end_client_sessions()
    if tools.clock.boot_ms() >= situation.deadlines(tools.keeper).gate_ms:
        # An agent that was started after the swap has renewed nothing yet: its dead-man would kill the server at once.
        await _renew(tools, term)
    await arm(tools)
    if not await tools.standby.promote(tools.policy.promote_limit_ms):
        raise Failed("the promotion has not ended within its limit")
    await tools.primary.end_client_sessions()
    facts = await server.look(tools, new_connection=False)
    await _correct_entry(tools, record, entry, facts)
    situation.promoted_term = term
    situation.report = None
    situation.poke()


def _held(tools: Tools, term: int) -> Record:
    record = tools.keeper.record
    if record is None or not tools.situation.holds(record) or record.term != term or record.released:
        raise Failed(f"this server does not hold term {term} any more")
    return record


def _check_log(tools: Tools, record: Record, facts: ServerFacts) -> None:
    """The winner's log is what it reported: not less (a disk that lost it), on the same timeline."""
    chain = chain_of(facts.timeline, facts.history, facts.replay_lsn, tools.situation.local.entries)
    reported = record.winner_position
    if chain is None:
        raise Failed("a timeline of this server is in no map")
    if reported is not None and (chain[-1].term, chain[-1].end) < (reported.term, reported.lsn):
        raise Failed(f"this server won with {reported}, and has only term {chain[-1].term} now: its disk lost data")


def _timelines(
    tools: Tools, record: Record, entry: TimelineEntry, facts: ServerFacts
) -> tuple[tuple[TimelineEntry, ...], tuple[TimelineEntry, ...]]:
    """Of the entry's term: what the map has, and what PostgreSQL made of it. Raises Failed when it made nothing."""
    if not entry.parent:
        return (entry,), (entry,)  # the cluster's first timeline: nobody promoted it
    if facts.timeline <= entry.parent:
        raise Failed(f"this server is on timeline {facts.timeline}: it was not promoted in term {entry.term}")
    of_term = tuple(sorted((e for e in record.timelines if e.term == entry.term), key=lambda e: e.timeline))
    map_known = (*record.timelines, *tools.situation.local.entries)
    made = made_in_term(of_term[0], facts.timeline, facts.history, map_known)
    if not made:
        raise Failed(f"the history of timeline {facts.timeline} does not say where it left its parent")
    return of_term, made


async def _correct_entry(tools: Tools, record: Record, entry: TimelineEntry, facts: ServerFacts) -> None:
    """What PostgreSQL made of it is written into the map, and into the record before anybody follows."""
    of_term, made = _timelines(tools, record, entry, facts)
    if made == of_term:
        return
    numbers = {e.timeline for e in made}
    known = tuple(e for e in tools.situation.local.entries if e != entry and e.timeline not in numbers)
    tools.situation.remember(replace(tools.situation.local, entries=(*known, *made)))
    corrected = await tools.keeper.swap(CorrectEntry(tools.situation.me, record.term, made))
    if isinstance(corrected, NotAllowed):
        raise Failed(f"the map could not be corrected: {corrected.reason}")


def recognise(tools: Tools, record: Record) -> None:
    """A running primary of the record's term, which an earlier agent promoted: others may follow it and be cloned from
    it, as soon as the map says what its history says. Its barrier may be waiting for just them. Where the map has to
    be corrected first, the next `serve` does so."""
    situation, entry = tools.situation, record.current_entry
    if entry is None or situation.facts is None or situation.facts.in_recovery or record.released:
        return
    with contextlib.suppress(Failed):
        of_term, made = _timelines(tools, record, entry, situation.facts)
        if made == of_term:
            situation.promoted_term = record.term


async def _compare_entry(tools: Tools, record: Record) -> None:
    """The map says what the running primary's history says, or is corrected."""
    entry, facts = record.current_entry, tools.situation.facts
    if entry is None or facts is None or facts.in_recovery:
        raise Failed("there is no primary whose timeline could be compared with the map")
    await _correct_entry(tools, record, entry, facts)


async def resume(tools: Tools, term: int) -> None:
    """Start the holder's server as a primary in its own term, gate closed, the record's setting in its files."""
    _held(tools, term)
    if not may_follow(tools.situation.local, term):
        raise Failed(f"term {tools.situation.local.promise} is promised: the own term has to be raised first")
    # A fresh renewal proves that the term is still held, before anything of this server runs.
    renewed = await _renew(tools, term)
    if tools.situation.state is not ServerState.GONE:
        await server.stop(tools)
    # As the renewal found it: a swap of an agent that died here may have landed since the record was read.
    server.configure(tools, server.record_sync(renewed), gate_open=False, may_lower=True)
    await arm(tools)  # before it starts: no live dead-man, no primary
    await server.start(tools, recovery=False)
    await _compare_entry(tools, renewed)
    tools.situation.promoted_term = term
    tools.situation.poke()


async def _renew(tools: Tools, term: int) -> Record:
    renewed = await tools.keeper.swap(Renew(tools.situation.me, term, serving=False))
    if isinstance(renewed, NotAllowed):
        raise Failed(f"the lease could not be renewed: {renewed.reason}")
    return renewed


async def arm(tools: Tools) -> None:
    """Tell the dead-man the present deadline."""
    await tools.deadman.arm(tools.situation.deadlines(tools.keeper).deadman_ms)


async def serve(tools: Tools, term: int) -> None:
    """Barrier flushed by k, a renewal sent after it, then the gate. Raises StillWaiting if no barrier passes."""
    situation = tools.situation
    record = _held(tools, term)
    if situation.promoted_term != term:
        await server.look(tools)
        await _compare_entry(tools, record)  # an agent that died after the promotion did not come to it
        situation.promoted_term = term
    if not situation.gate_open:
        await tools.primary.end_client_sessions()  # a login that was under way at the promotion, too
    await flush_barrier(tools, record, BARRIER_LIMIT_MS)
    if not situation.gate_open:
        await tools.primary.end_client_sessions()
    if record.phase is Phase.INITIALISING:
        established = await tools.keeper.swap(Establish(situation.me, term))
        if isinstance(established, NotAllowed):
            raise Failed(established.reason)
    renewed = await tools.keeper.swap(Renew(situation.me, term, serving=True, proved=record.basis))
    if isinstance(renewed, NotAllowed):
        raise Failed(f"the lease could not be renewed after the barrier: {renewed.reason}")
    await arm(tools)
    if tools.clock.boot_ms() >= situation.deadlines(tools.keeper).gate_ms:
        raise Failed("the lease ran out before clients could be let in")
    if not situation.gate_open or situation.applied is None:
        # Of an adopted server it is believed, and not known, that its gate is open.
        server.configure(tools, server.record_sync(renewed), gate_open=True)
        await tools.process.reload()
    situation.served_term = term
    situation.lead_failures = situation.gave_up = 0
    situation.poke()


async def flush_barrier(tools: Tools, record: Record, limit_ms: int) -> Lsn:
    """Write the term row and wait until k named voters have flushed it. Raises StillWaiting at the limit."""
    lsn = await tools.primary.write_barrier(record.term, record.holder.name)
    names = tuple(v.name for v in record.voters)
    await wait_flushed(tools, record.term, names, record.k, lsn, limit_ms)
    return lsn


async def wait_flushed(tools: Tools, term: int, names: tuple[str, ...], k: int, lsn: Lsn, limit_ms: int) -> None:
    """Wait until k of the named voters have flushed `lsn`. Raises StillWaiting at the limit."""
    began = tools.clock.boot_ms()
    while not flushed(await tools.primary.walsenders(), term, names, k, lsn):
        waited = tools.clock.boot_ms() - began
        if waited > limit_ms:
            raise StillWaiting(f"{k} of the voters {', '.join(names) or '(none)'} have not flushed the barrier yet")
        await tools.clock.sleep_ms(BARRIER_POLL_MS + min(waited // 20, BARRIER_POLL_MS_MAX))


async def checkpoint_after_promotion(tools: Tools) -> None:
    """A checkpoint on the new timeline: only then it may be rewound from. Never on the barrier's path."""
    try:
        await tools.primary.checkpoint()
        facts = await server.look(tools)
    except SqlFailed:
        return
    if not facts.in_recovery and facts.checkpoint_timeline == facts.timeline:
        tools.situation.rewind_ready = True
        tools.situation.poke()
