"""What does a server do that does not hold the record?"""

from howdah.cluster.actions import (
    ApplySetting,
    Campaign,
    CatchUp,
    Clone,
    FinishFloor,
    Follow,
    Initialise,
    KillServer,
    LetGo,
    Order,
    RestartServer,
    Revoke,
    Rewind,
    StartFollowing,
    StartInRecovery,
    Wait,
)
from howdah.cluster.belowfloor import has_no_vote_yet, reach_floor
from howdah.cluster.decision import Proposal, Rule
from howdah.cluster.election import term_to_ask
from howdah.cluster.history import mapped_end
from howdah.cluster.lastcopy import reason_to_stay
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, PeerSight, ServerState
from howdah.cluster.peerstate import Published
from howdah.cluster.quorum import wait_name
from howdah.cluster.record import Mode, Phase, Record
from howdah.cluster.returning import (
    NeedsClone,
    NeedsRewind,
    Stream,
    below_floor,
    entries_to_follow,
    way_back,
)
from howdah.cluster.revocation import may_follow, must_report_again, promise_refusal
from howdah.cluster.serverfacts import DirectoryState
from howdah.cluster.suspicion import Ground, ground_for_election, suspects

FAILED_STARTS_MAX = 2
"""After more starts that failed in a row a server is cloned anew; a rewound one, which starts only with what its source
sends, after the first."""


def holder_peer(o: Observation) -> PeerSight | None:
    """The record's holder as a peer, if that very directory's agent was heard."""
    record = o.store.record
    if record is None:
        return None
    peer = o.peer(record.holder.name)
    return peer if peer and peer.published.member == record.holder else None


def may_be_followed(o: Observation) -> PeerSight | None:
    """The holder once it is promoted (it need not serve), if this server's promise allows its term."""
    record, peer = o.store.record, holder_peer(o)
    if record is None or peer is None or not peer.connected or record.released:
        return None
    if not may_follow(o.local, record.term) or peer.published.promoted_term != record.term:
        return None
    return peer if map_fits(record, peer.published) else None


def map_fits(record: Record, primary: Published) -> bool:
    """Whether the map says of the primary's timeline what the primary says itself. It corrects the record before it is
    followed; but this agent may still have the record from before, and would judge PREFIX by a wrong switch."""
    entry = record.current_entry
    if entry is None or not primary.timeline:
        return True
    if primary.timeline != entry.timeline:
        return False
    switch = [(step.timeline, step.end_lsn) for step in primary.history[-1:]]
    return not entry.parent or switch == [(entry.parent, entry.switch_lsn)]


def follows_holder(o: Observation, name: str) -> bool:
    """Whether the server's upstream is the holder, under this name."""
    peer, facts = holder_peer(o), o.server.facts
    return bool(peer and facts and facts.upstream == peer.published.address and facts.upstream_name == name)


def name_to_stream_under(o: Observation, record: Record) -> str:
    """A voter's name carries the term (names), taken only after PREFIX was checked; any other server uses its bare
    name, which stands in no setting."""
    return wait_name(o.me.name, record.term) if record.voter(o.me) and not o.unclaimed else o.me.name


def revoke(o: Observation) -> Proposal | None:
    """A voter that is asked for a term revokes itself, whatever it is doing, and only then reports."""
    record = o.store.record
    if o.asked == 0 or record is None:
        return None
    if o.is_holder and not record.released:
        return None  # the holder raises its term in place, or is killed first
    if promise_refusal(o.asked, o.local, record):
        return None
    if isinstance(o.busy, Clone) and o.server.state is not ServerState.RECOVERY:
        return None  # there is nothing to vote with until the clone is in place
    if o.report is not None and o.report.term == o.asked and o.report.basis == record.basis:
        return None
    if o.asked == o.local.promise and has_no_vote_yet(o):
        return None
    if o.asked > o.local.promise or must_report_again(o.asked, o.local, _followed_term(o, record)):
        return Proposal(f"term {o.asked} is asked for", Revoke(o.asked))
    return None


def _followed_term(o: Observation, record: Record) -> int:
    return record.term if follows_holder(o, name_to_stream_under(o, record)) else 0


def carry_out_order(o: Observation) -> Proposal | None:
    """The operator asked this node to restart its server, or to clone it anew (never the holder's, and only from a
    primary that serves: LAST COPY).

    Until one serves this server goes on as any other: it may be the very one whose vote or flush is waited for."""
    record = o.store.record
    if o.order is Order.RESTART and o.server.state in (ServerState.RECOVERY, ServerState.PRIMARY):
        return Proposal("the operator asked for a restart", RestartServer())
    if o.order is not Order.REINIT or record is None or o.is_holder:
        return None
    source = may_be_followed(o)
    if source is None or not record.serving:
        return None
    name = source.published.member.name
    return Proposal("the operator asked for a new clone", Clone(name, o.server.position, keep_aside=False))


def work_under_way(o: Observation) -> Proposal | None:
    """A clone or rewind goes on as long as the server it copies from leads."""
    record = o.store.record
    if isinstance(o.busy, Initialise):
        return Proposal("the first data directory is being made", o.busy)
    if not isinstance(o.busy, Clone | Rewind) or record is None:
        return None
    if isinstance(o.busy, Clone) and record.holder.name != o.busy.source:
        return None
    verb = "cloned" if isinstance(o.busy, Clone) else "rewound"
    return Proposal(f"this server is being {verb} from {o.busy.source}", o.busy)


def _initialises(o: Observation) -> bool:
    """INITIALISE mends the half-made first directory, as long as no client was ever let in."""
    record = o.store.record
    first = record is not None and record.phase is Phase.INITIALISING
    return first and o.is_holder and o.local.marker is Marker.INITIALISING


def incomplete_directory(o: Observation) -> Proposal | None:
    """A half-cloned or half-rewound directory never votes and never serves: only a new clone mends it."""
    if o.local.marker is Marker.NONE and o.server.directory.state in (DirectoryState.READY, DirectoryState.FOREIGN):
        return None
    if _initialises(o):
        return None
    if o.server.state is not ServerState.GONE:
        if o.local.marker is Marker.NONE and o.server.state is ServerState.RECOVERY:
            return Proposal("the data directory is gone under the running server", KillServer())
        return Proposal("the data directory is incomplete", KillServer())
    source = may_be_followed(o)
    if source is None:
        return Proposal("the data directory has to be cloned, and there is no primary to clone from yet", Wait())
    name = source.published.member.name
    broken = o.server.directory.state is DirectoryState.BROKEN
    what = "empty" if o.server.directory.state is DirectoryState.EMPTY else "incomplete"
    # No copy of anything, and the barrier may be waiting for it.
    half = o.local.marker in (Marker.REWINDING, Marker.INITIALISING)
    if broken and not half and not (o.store.record and o.store.record.serving):
        return Proposal("the data directory is broken; it waits until the primary serves (LAST COPY)", Wait())
    return Proposal(
        f"the data directory is {'broken' if broken else what}: it is cloned from {name}",
        # An install that was interrupted may have been to keep what lies there; only the agent that died knew. A first
        # directory that another's first start overtook may have been adopted.
        Clone(name, o.local.floor, keep_aside=broken or o.local.marker in (Marker.CLONING, Marker.INITIALISING)),
    )


STORE_FIRST_MS = 3000
"""How long an agent that starts waits for the store's first answer. A standby can serve reads without it later."""


def start_in_recovery(o: Observation) -> Proposal | None:
    """Whatever role the disk remembers, a server that is not the holder starts in recovery with everything blank."""
    if o.server.state is not ServerState.GONE or o.server.directory.state is not DirectoryState.READY:
        return None
    if not o.store.known and o.uptime_ms < STORE_FIRST_MS:
        return Proposal("the store is asked first who leads: a holder would be started twice", Wait())
    record, tries = o.store.record, 0 if o.local.floor else FAILED_STARTS_MAX
    if o.server.failed_starts and o.server.directory.full:
        # A clone beside it would need more space still, and there may be some again soon.
        return Proposal("the server does not start, and its disk is full: make room there", StartInRecovery())
    if o.server.clones_in_vain:
        # What keeps a fresh clone from starting is not in the data, and more clones would only fill the disk.
        why = "the server does not start, not even as a new clone: the end of its log/postgresql.log says why"
        return Proposal(why, StartInRecovery())
    if o.server.failed_starts > tries and may_be_followed(o) and record and record.serving:
        source = record.holder.name
        return Proposal("the server does not start: it is cloned anew", Clone(source, o.local.floor, keep_aside=True))
    if record and o.local.floor and may_be_followed(o) and set(o.local.entries) <= set(entries_to_follow(record)):
        why = f"this server was rewound or cloned: it starts by streaming from {record.holder.name} up to its floor"
        return Proposal(why, StartFollowing(record.holder, record.term))
    return Proposal("this server is not the primary: it starts in recovery", StartInRecovery())


def come_back(o: Observation) -> Proposal | None:
    """A server whose history is not a prefix of the primary's rewinds, or clones where no rewind can mend it; one that
    is a prefix follows. Never below its promise, and never while it might be the last copy."""
    record, source = o.store.record, may_be_followed(o)
    if record is None or source is None or o.server.state is not ServerState.RECOVERY or o.server.facts is None:
        return None
    name = source.published.member.name
    end = o.server.position or mapped_end(o.server.facts.history, o.local.entries)
    way = way_back(o.server.chain, end, record)
    lost = o.me.name in source.published.lost_slots
    match way:
        case Stream() if not lost:
            return _follow(o, record, name)
        case Stream():
            way = NeedsClone("the primary no longer has the WAL that this server needs", o.server.position)
        case _:
            pass
    reason = reason_to_stay(o, record, end, way.floor)
    if reason and not (isinstance(way, NeedsClone) and way.keep_aside):  # what is kept aside is not lost
        return Proposal(f"this server has to be {_verb(way)}, but waits: {reason}", Wait())
    if isinstance(way, NeedsRewind):
        if not source.published.rewind_ready:
            return Proposal(f"this server rewinds once {name} has checkpointed", Wait())
        if isinstance(o.failed, Rewind):
            return Proposal("the rewind failed: it is cloned anew", Clone(name, way.floor, keep_aside=False))
        return Proposal(f"this server left the primary's history at {way.floor}", Rewind(name, way.floor))
    return Proposal(way.reason, Clone(name, way.floor, way.keep_aside))


def let_go(o: Observation) -> Proposal | None:
    """Another holder won: the stream from the older primary ends now, so that following needs only the promotion."""
    record, peer, facts = o.store.record, holder_peer(o), o.server.facts
    if record is None or peer is None or o.is_holder or record.released or o.tags.replicate_from:
        return None
    if o.server.state is not ServerState.RECOVERY or facts is None or facts.upstream is None:
        return None
    if peer.published.promoted_term == record.term or facts.upstream == peer.published.address:
        return None
    if not may_follow(o.local, record.term) or o.local.marker is not Marker.NONE:
        return None
    return Proposal(f"{peer.published.member.name} won term {record.term}", LetGo(record.holder, record.term))


def _verb(way: NeedsRewind | NeedsClone) -> str:
    return "rewound" if isinstance(way, NeedsRewind) else "cloned anew"


def _follow(o: Observation, record: Record, holder: str) -> Proposal | None:
    """Under the right name, from the right server (a cascading standby: from its peer)."""
    name = name_to_stream_under(o, record)
    cascade = o.tags.replicate_from
    if cascade and cascade != holder:
        peer = o.peer(cascade)
        if peer and peer.connected and peer.published.follows:
            if o.server.facts and o.server.facts.upstream == peer.published.address:
                return None
            return Proposal(f"it streams from {cascade}", Follow(record.holder, record.term, o.me.name, cascade))
    # A bare name is the same in every term: only what was promised and checked tells for which one it follows, and
    # without that check the holder never admits it as a voter.
    checked = o.local.promise == record.term and (o.prefix_term == record.term or record.voter(o.me))
    if follows_holder(o, name) and checked and o.report is None:
        return None
    return Proposal(f"{holder} is the primary of term {record.term}", Follow(record.holder, record.term, name, holder))


def finish_floor(o: Observation) -> Proposal | None:
    """A server that is past its floor again may vote; only now the directory that a clone replaced goes."""
    if o.local.floor is None or o.server.state is not ServerState.RECOVERY or o.local.marker is not Marker.NONE:
        return None
    if below_floor(o.server.position, o.local.floor):
        return None
    return Proposal(f"it is past {o.local.floor} again", FinishFloor())


def elect(o: Observation) -> Proposal | None:
    """An election begins when the lease is given up or out, or when the primary is seen gone by enough voters."""
    record = o.store.record
    if record is None or o.server.state is not ServerState.RECOVERY or o.is_holder:
        return None
    ground = ground_of(o, record)
    if ground is None:
        return None
    why_not = reason_not_to_stand(o, record)
    if why_not:
        return Proposal(f"{ground.value}; this server does not stand: {why_not}", Wait())
    if o.yielded_ms < o.intents.policy.yield_ms:
        return Proposal("another server was found better and is to win", Wait())
    term = term_to_ask(record, (*(p.published.promise for p in o.peers), o.local.promise))
    handed = record.handover is not None and record.released
    why = f"{record.holder.name} handed the lead over, as planned" if handed else ground.value
    return Proposal(why, Campaign(term, ground))


def ground_of(o: Observation, record: Record) -> Ground | None:
    """Why an election may begin, as this server sees it."""
    suspecting = {p.published.member.name for p in o.peers if p.connected and p.published.suspects_term == record.term}
    if suspects(o.sight):
        suspecting.add(o.me.name)
    revoked_for = o.report.term if o.report else 0
    return ground_for_election(record, o.store.expired, revoked_for, frozenset(suspecting), o.me.name)


def reason_not_to_stand(o: Observation, record: Record) -> str:
    """Why this server cannot become primary now; "" if it can. `howdah explain` shows it."""
    if o.unclaimed:
        return o.unclaimed
    if not o.tags.may_be_primary:
        return "its tags forbid it (priority 0, nofailover, delayed or cascading)"
    if o.intents.paused:
        return "the cluster is paused"
    if o.uptime_ms < o.intents.policy.start_delay_ms:
        return "its agent has just started (start_delay)"
    if o.local.marker is not Marker.NONE:
        return "its data directory is incomplete"
    if o.server.chain is None:
        return "a timeline of its history is in no map"
    if below_floor(o.server.position, o.local.floor):
        return f"it is still below {o.local.floor}, which it once acknowledged (FLOOR)"
    if record.phase is Phase.INITIALISING:
        return "the cluster was never established"
    if record.released and record.handover and record.handover.to not in ("", o.me.name):
        if o.store.unchanged_ms < o.intents.policy.yield_ms:
            return f"the lead is handed over to {record.handover.to}"
    elif record.mode is Mode.QUORUM and not record.voter(o.me) and not _holder_may_vote_for_all(o, record):
        return f"it was not a voter of term {record.term}"
    return ""


def _holder_may_vote_for_all(o: Observation, record: Record) -> bool:
    """HOLDER VOTES FOR ALL: the holder gave the lease up and its agent is here, so that it can be started in recovery
    under the promise; then also a server that is no voter may win. It leaves that to a voter that is here."""
    holder = holder_peer(o)
    if not record.released or holder is None or not holder.connected:
        return False
    here = (p.published for p in o.peers if p.connected and p.published.tags.may_be_primary)
    return not any(record.voter(state.member) and state.may_vote_now for state in here)


def catch_up(o: Observation) -> Proposal | None:
    """When the best may not or cannot be primary, a candidate streams the missing WAL from it under a name without a
    term, up to the reported LSN, and is then revoked again in full."""
    record = o.store.record
    if record is None or o.outvoted is None or o.report is None or o.is_holder:
        return None
    best, position = o.outvoted
    if o.report.term <= record.term or o.report.basis != record.basis or o.report.position >= position:
        return None
    peer = o.peer(best.name)
    if peer is None or not peer.connected or peer.published.member != best or reason_not_to_stand(o, record):
        return None
    stopped_holder = best == record.holder
    if stopped_holder or not peer.published.tags.may_be_primary or o.yielded_ms >= o.intents.policy.yield_ms:
        return Proposal(f"{best.name} is ahead and does not take the lead itself", CatchUp(best, position))
    return None


def unexplained_promise(o: Observation) -> Proposal | None:
    """A local promise or term that the store cannot explain (it went back) freezes promotion and is reported."""
    record, kept = o.store.record, o.local.record
    if record is None or kept is None:
        return None
    if o.went_back:
        return Proposal(
            f"the store's record went back: this server knows {kept.holder.name} as holder of term "
            f"{max(kept.term, o.local.won_term)} (change {kept.lease_counter}), the store says {record.holder.name} of "
            f"term {record.term} (change {record.lease_counter}). "
            "Nobody is promoted; see `howdah doctor`",
            StartInRecovery() if _ready_to_start(o) else Wait(),  # harmless, and every way out needs it
        )
    return None


def _ready_to_start(o: Observation) -> bool:
    return (
        o.server.state is ServerState.GONE
        and o.server.directory.state is DirectoryState.READY
        and o.local.marker is Marker.NONE
        and o.busy is None
    )


def apply_setting(o: Observation) -> Proposal | None:
    """A change of the operator's settings reaches standbys too."""
    if o.server.state is ServerState.RECOVERY and not o.server.settings_current:
        return Proposal("the configuration changed", ApplySetting())
    return None


def standing_by(o: Observation) -> Proposal | None:
    """Nothing is left to do for a standby."""
    record = o.store.record
    if record is None:
        return Proposal("the store has not answered yet", Wait())
    if o.named:
        why = "holds the lease from before a restart of its machine, or from a copy of its disk, until it runs out"
        return Proposal(f"{o.me.name} {why}", Wait())
    if o.server.facts and o.server.facts.receiving:
        return Proposal(f"this server streams from {record.holder.name}, the primary of term {record.term}", Wait())
    return Proposal(f"this server waits for {record.holder.name}, which holds term {record.term}", Wait())


ANSWERING_RULES = (
    Rule("RECORD WENT BACK", unexplained_promise),
    Rule("REVOKE", revoke),
    Rule("UNDER WAY", work_under_way),
    Rule("ORDER", carry_out_order),
)

FOLLOWING_RULES = (
    Rule("INCOMPLETE DIRECTORY", incomplete_directory),
    Rule("START IN RECOVERY", start_in_recovery),
    Rule("FINISH FLOOR", finish_floor),
    Rule("REACH FLOOR", reach_floor),
    Rule("CATCH UP", catch_up),
    Rule("ELECT", elect),
    Rule("COME BACK", come_back),
    Rule("LET GO", let_go),
    Rule("RECONFIGURE", apply_setting),
    Rule("STANDING BY", standing_by),
)
