"""How does a server come to stream from the primary: as it is, rewound, or cloned?"""

import contextlib
from dataclasses import replace

from howdah.agent.procedures import server
from howdah.agent.procedures.revoke import prove_cut
from howdah.agent.tools import Failed, Tools
from howdah.cluster.actions import Clone, Follow, Leaving, LetGo, Order, Rewind, StartFollowing
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import ServerState
from howdah.cluster.peerstate import Published
from howdah.cluster.record import Record
from howdah.cluster.returning import Stream, entries_to_follow, wants_floor, way_back
from howdah.cluster.revocation import may_follow
from howdah.ports.peers import PeerUnreachable
from howdah.ports.postgres import SqlFailed, Upstream
from howdah.ports.store import StoreUnavailable
from howdah.values.member import slot_name

STREAM_LIMIT_MS = 4000
STREAM_POLL_MS = 50
STORE_POLL_MS = 200
RELEASE_LIMIT_MS = 500
RELEASE_AFTER_MS = 200
"""A healthy stream begins within some 10 ms, and its own old walsender has ended by then."""


def source_of(tools: Tools, name: str) -> Published:
    """The published state of the server to stream, rewind or clone from. Raises Failed."""
    view = tools.peers.views().get(name)
    if view is None or not view.connected:
        raise Failed(f"{name} is not heard any more")
    return view.published


async def follow(tools: Tools, action: Follow) -> None:
    """Promise, map and record durable first; then the upstream; then wait until it streams."""
    situation = tools.situation
    source = source_of(tools, action.source)
    await _check_prefix(tools, action, source)
    await _promise(tools, action)
    situation.prefix_term = action.term
    upstream = Upstream(source.address, action.name, slot_name(situation.name))
    if action.source != action.holder.name:
        upstream = Upstream(source.address, action.name, "")
    server.configure(tools, server.blank_sync(tools), gate_open=True, upstream=upstream)
    await tools.process.reload()
    began = tools.clock.boot_ms()
    until = began + STREAM_LIMIT_MS
    released = not upstream.slot
    while True:
        await tools.clock.sleep_ms(STREAM_POLL_MS)  # first of all the stream needs the processor
        facts = await server.look(tools)
        if not facts.in_recovery:
            raise Failed("the server is out of recovery")
        if facts.receiving and facts.upstream == source.address and facts.upstream_name == action.name:
            if facts.slots:
                # Slots of a former primary would hold WAL and vacuum back for ever.
                with contextlib.suppress(SqlFailed):
                    await tools.primary.keep_slots((), drop_others=True)
            return
        if not released and tools.clock.boot_ms() > began + RELEASE_AFTER_MS:
            # A cut receiver's walsender holds the slot until wal_sender_timeout: the primary's agent ends it.
            released = True
            with contextlib.suppress(PeerUnreachable):
                await tools.peers.release_slot(action.source, situation.name, RELEASE_LIMIT_MS)
        if tools.clock.boot_ms() > until:
            return  # not a failure by itself: the receiver goes on trying, and is seen to stream or not


async def _check_prefix(tools: Tools, action: Follow, source: Published) -> None:
    """PREFIX, of what lies on disk when the old stream is provably over. What the decision was made on may be a second
    old, and a receiver that still runs could bring WAL from past the switch: the new primary would count its LSN."""
    situation, record = tools.situation, tools.situation.record_to_follow(tools.keeper)
    if record is None:
        raise Failed("the store has no record")
    looked = situation.facts if situation.cut_term == action.term else None
    facts = looked or await server.look(tools)
    if facts.upstream == source.address and situation.prefix_term == action.term:
        return  # it streams from this very primary of this term, and was checked before it began to
    if facts.upstream is not None:
        server.configure(tools, server.blank_sync(tools), situation.gate_open)
        await tools.process.reload()
        await prove_cut(tools, tools.policy.revocation_limit_ms)
        await server.look(tools)
    view = situation.server_view()
    way = way_back(view.chain, view.position, record)
    if not isinstance(way, Stream):
        raise Failed(f"its history is not a prefix of the primary's any more: {way}")


async def _promise(tools: Tools, action: Follow | StartFollowing) -> None:
    """What has to be durable before a server follows anybody."""
    situation, record = tools.situation, tools.situation.record_to_follow(tools.keeper)
    if record is None or record.holder != action.holder or record.term != action.term:
        raise Failed("another primary leads by now")
    async with situation.promise_lock:
        if not may_follow(situation.local, action.term):
            raise Failed(f"term {situation.local.promise} is promised (NEVER WITHDRAWN)")
        situation.asked = 0 if situation.asked <= action.term else situation.asked
        situation.report = None
        situation.outvoted = None
        situation.yielded_boot_ms = None
        known = {e.timeline: e for e in situation.local.entries}
        known.update({e.timeline: e for e in entries_to_follow(record)})
        situation.remember(replace(situation.local, promise=action.term, entries=tuple(known.values()), record=record))


async def let_go(tools: Tools, action: LetGo) -> None:
    """While the winner promotes, what following needs before it: promise, blank, and the proofs that nobody receives.

    The map is left as it is: the winner may still correct its entry."""
    situation, record = tools.situation, tools.keeper.record
    if record is None or record.holder != action.holder or record.term != action.term:
        raise Failed("another primary leads by now")
    async with situation.promise_lock:
        if not may_follow(situation.local, action.term):
            raise Failed(f"term {situation.local.promise} is promised (NEVER WITHDRAWN)")
        situation.remember(replace(situation.local, promise=action.term))
    server.configure(tools, server.blank_sync(tools), situation.gate_open)
    await tools.process.reload()
    await prove_cut(tools, tools.policy.revocation_limit_ms)
    await server.look(tools, new_connection=False)
    situation.cut_term = action.term


async def start_following(tools: Tools, action: StartFollowing) -> None:
    """As `follow`, for a server that does not run. PREFIX is checked once it runs: a bare name counts for nobody."""
    situation = tools.situation
    source = source_of(tools, action.holder.name)
    await _promise(tools, action)
    upstream = Upstream(source.address, situation.name, slot_name(situation.name))
    with contextlib.suppress(PeerUnreachable):
        await tools.peers.release_slot(action.holder.name, situation.name, RELEASE_LIMIT_MS)
    if not may_follow(situation.local, action.term):
        raise Failed(f"term {situation.local.promise} was promised meanwhile (NEVER WITHDRAWN)")
    server.configure(tools, server.blank_sync(tools), gate_open=False, upstream=upstream)
    await server.rest_deadman(tools)
    await server.start(tools, recovery=True)


async def rewind(tools: Tools, action: Rewind) -> None:
    """FLOOR and marker durable first; stop; rewind; files; identity last; marker away."""
    situation = tools.situation
    record, source = _to_return(tools, action.source)
    floor = wants_floor(situation.local.floor, action.floor)
    await server.stop(tools)
    situation.remember(replace(situation.local, floor=floor, marker=Marker.REWINDING))
    tools.journal.noted("REWIND", f"rewinding from {action.source}, floor {floor}", record.term)
    await tools.directory.rewind(source.address)
    situation.directory = tools.directory.inspect()
    _finish(tools, await _still_led(tools, record))
    situation.directory = tools.directory.inspect()


async def clone(tools: Tools, action: Clone) -> None:
    """FLOOR durable first; the clone is made beside the old directory, which stays until the new one is past it."""
    situation = tools.situation
    record, source = _to_return(tools, action.source)
    floor = wants_floor(situation.local.floor, action.floor)
    # Does the floor cover all that this directory acknowledged? Not if it streamed on, or died without our looking.
    blank = situation.state is ServerState.RECOVERY and situation.facts is not None and not situation.facts.upstream
    covered = blank or situation.local.marker is not Marker.NONE
    situation.remember(replace(situation.local, floor=floor))
    tools.journal.noted("CLONE", f"cloning from {action.source}", record.term)
    await tools.directory.clone(source.address)
    record = await _still_led(tools, record)
    if situation.state is ServerState.RECOVERY and floor is not None:
        await server.look(tools)
        end = situation.server_view().position
        floor, covered = wants_floor(floor, end), covered or end is not None
    if situation.state is not ServerState.GONE:
        await server.stop(tools)
    # Behind a floor it is as good as a rewind, and stays the voter it was; a new id could not be admitted while the old
    # one is needed for k. Without a floor nobody knows what it had acknowledged: another member (IDENTITY).
    kept_id = situation.local.member_id if floor is not None and covered else ""
    situation.remember(
        replace(situation.local, marker=Marker.CLONING, floor=floor, member_id=kept_id or tools.clock.token())
    )
    tools.directory.install_clone(action.keep_aside)
    found = tools.directory.inspect().system_identifier
    if record.system_identifier and found != record.system_identifier:
        raise Failed(f"{action.source} is of another cluster (system identifier {found}): the clone is not used")
    _finish(tools, record)
    situation.order = Order.NONE
    situation.clones_in_vain += 1 if situation.failed_starts else 0
    situation.failed_starts = 0
    aside = "; what was there is kept beside it for people to look at" if action.keep_aside else ""
    tools.journal.noted("CLONE", f"the clone is in place{aside}", record.term)
    situation.directory = tools.directory.inspect()


def _to_return(tools: Tools, name: str) -> tuple[Record, Published]:
    record = tools.keeper.record
    if record is None or record.holder == tools.situation.me:
        raise Failed("this server holds the record itself")
    return record, source_of(tools, name)


async def _still_led(tools: Tools, record: Record) -> Record:
    """The record now, by a fresh read. Only if the same promotion leads still, the copy is certainly of its history:
    else the source may have been a standby of another primary by then, on an equal timeline number. Raises Failed."""
    while True:
        try:
            now = await tools.keeper.refresh()
            break
        except StoreUnavailable as away:
            if tools.situation.leaving is not Leaving.NO:
                raise Failed(f"whose copy this is cannot be told: {away}") from away
            await tools.clock.sleep_ms(STORE_POLL_MS)
    if now is None or now.holder != record.holder or now.current_entry != record.current_entry:
        raise Failed("another primary leads by now: the copy is made anew")
    return now


def _finish(tools: Tools, record: Record) -> None:
    """A clone or a rewind copied the source's id, so this one's is written last; its map is the source's."""
    situation = tools.situation
    tools.directory.write_identity(situation.local.member_id)
    situation.remember(
        replace(
            situation.local,
            marker=Marker.NONE,
            entries=entries_to_follow(record),
            record=record,
            system_identifier=record.system_identifier,
            cluster=record.cluster,
        )
    )
    situation.prefix_term = 0


async def finish_floor(tools: Tools) -> None:
    """Past the floor again: this server may vote, and what a clone replaced may go."""
    tools.situation.remember(replace(tools.situation.local, floor=None))
    await tools.directory.discard_old()
