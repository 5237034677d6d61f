"""What does the record's holder do?"""

from dataclasses import replace

from howdah.cluster.actions import (
    ApplySetting,
    ChangeVoters,
    DropRequest,
    KeepHouse,
    KillServer,
    Promote,
    RaiseTerm,
    ResumeService,
    Serve,
    StartInRecovery,
    Switchover,
    TakeBack,
    TakeOverLease,
    Wait,
)
from howdah.cluster.decision import Proposal, Rule
from howdah.cluster.election import CATCH_UP_LIMIT_MS
from howdah.cluster.givingup import give_up_crashing, give_up_leading
from howdah.cluster.observation import Observation, PeerSight, ServerState, superseded
from howdah.cluster.record import Mode, Phase, Record, TimelineEntry
from howdah.cluster.serverfacts import DirectoryState
from howdah.cluster.switchover import target_of
from howdah.cluster.voters import Admit, Drop, LowerK, RaiseK, Replace, Standing, VoterChange, next_change
from howdah.values.member import Member, slot_name

SWITCHOVER_PATIENCE_MS = 60_000
"""A switchover that cannot begin so long after its time is dropped."""


def take_back(o: Observation) -> Proposal | None:
    """Nobody took what was released: the old primary returns by a swap that changes the generation, before its server
    starts, since the target might win meanwhile on a mere renewal."""
    record = o.held
    if record is None or not record.released:
        return None
    if o.asked > max(o.local.promise, record.term):
        return None  # an election is under way and wants this server's word
    if o.server.directory.state is not DirectoryState.READY:
        return None  # it could only release it again
    waited_ms = 2 * o.intents.policy.yield_ms
    if o.report is not None and o.server.facts is not None and o.server.facts.walsenders:
        waited_ms += CATCH_UP_LIMIT_MS  # it voted, and a candidate streams from it what it misses
    if o.store.unchanged_ms >= waited_ms and not o.intents.paused:
        return Proposal(f"nobody took the lead within {waited_ms} ms of its release", TakeBack())
    return None


def take_over_lease(o: Observation) -> Proposal | None:
    """The record names this member, but a process of it on another seat: before the machine's restart, or of a copy of
    the disk that lives. It is taken over only after a whole lease of silence and once the voters had their turn, with
    nobody following the other; and in a higher term, so that what still confirms the other no longer does."""
    record, policy = o.store.record, o.intents.policy
    if record is None or not o.named or o.is_holder or o.unclaimed or o.went_back or o.intents.paused:
        return None
    ready = o.local.marker.value == "none" and o.server.directory.state is DirectoryState.READY
    if not ready and record.phase is not Phase.INITIALISING:
        return None
    if any(p.connected and p.published.follows == o.me.name for p in o.peers):
        return None
    if not record.released:
        ttl_ms = (record.lease or policy.lease_times).ttl_ms
        if not o.store.expired or o.store.renewal_ago_ms < ttl_ms + 2 * policy.yield_ms:
            return None
    to_term = max(record.term + 1, o.local.promise, *(p.published.promise for p in o.peers if _configured(o, p)))
    why = f"{o.me.name} holds term {record.term} from before a restart of its machine, and its lease ran out"
    return Proposal(why, TakeOverLease(to_term))


def raise_term(o: Observation) -> Proposal | None:
    """A FAILED ELECTION leaves promises behind, and a server with promise q follows only a primary of term q or above:
    the holder raises its own term in place. It has every acknowledged commit, unless the store was put back to an old
    copy that names it: a peer that remembers a later holder keeps it from leading that peer astray."""
    record = o.held
    if record is None or record.released:
        return None
    promises = [o.local.promise, *(p.published.promise for p in o.peers if _configured(o, p))]
    highest = max(promises)
    if highest > record.term:
        wiser = (p.published for p in o.peers if p.published.record and superseded(record, p.published.record))
        if (peer := next(wiser, None)) is not None and peer.record is not None:
            known = f"{peer.record.holder.name} as holder of term {peer.record.term}"
            why = f"{peer.member.name} knows {known}: this server has not read that yet, or the store has an old copy"
            return Proposal(f"{why}; see `howdah doctor`", Wait())
        return Proposal(f"term {highest} was promised in an election that nobody won", RaiseTerm(highest))
    return None


def _configured(o: Observation, peer: PeerSight) -> bool:
    return peer.published.member.name in o.intents.nodes


def unpromoted_entry(o: Observation, record: Record) -> TimelineEntry | None:
    """The promotion that the holder won and has not made yet; None if its directory has it behind it."""
    entry = record.current_entry
    if entry is None:
        return None
    chain = o.server.chain
    if chain is not None:
        return None if any((link.timeline, link.term) == (entry.timeline, entry.term) for link in chain) else entry
    made = any((e.timeline, e.term) == (entry.timeline, entry.term) for e in o.local.entries)
    return None if made and o.server.directory.timeline >= entry.timeline else entry


def promote(o: Observation) -> Proposal | None:
    """The swap made this server the holder: it promotes, also after a crash between swap and promotion."""
    record = o.held
    if record is None or record.released:
        return None
    entry = unpromoted_entry(o, record)
    if entry is None:
        return None
    if o.server.state is ServerState.GONE:
        if o.server.directory.state is not DirectoryState.READY:
            return None
        return Proposal(f"term {record.term} was won, and the server is not running", StartInRecovery())
    if o.server.state is ServerState.RECOVERY and o.server.facts is not None:
        return Proposal(f"term {record.term} was won", Promote(record.term))
    return None


def resume(o: Observation) -> Proposal | None:
    """The holder resumes its own term, gate closed: it has every acknowledged commit. After a restart of the agent or
    of everything it waits for the store first."""
    record = o.held
    if record is None or record.released or not o.store.reachable:
        return None
    if o.server.state is ServerState.GONE and o.server.directory.state is DirectoryState.READY:
        first = record.phase is Phase.INITIALISING
        why = (
            "the cluster's first server begins" if first else f"this server holds term {record.term} and is not running"
        )
        return Proposal(why, ResumeService(record.term))
    if o.server.state is ServerState.RECOVERY and o.server.facts is not None:
        if o.server.directory.state is not DirectoryState.READY:
            return Proposal("the data directory is gone under the running server", KillServer())
        return Proposal(f"this server holds term {record.term} and is in recovery", ResumeService(record.term))
    return None


def standings(o: Observation, record: Record) -> tuple[Standing, ...]:
    """How the holder sees each configured server as a voter."""
    absent = dict(o.streaming_absent_ms)
    facts = o.server.facts
    found = []
    for peer in o.peers:
        state = peer.published
        if state.member.name not in o.intents.nodes or state.member == o.me:
            continue
        reason = _unfit(o, record, peer, dict(facts.sensitive) if facts else {})
        away = absent.get(state.member.name, 1 << 30)
        found.append(Standing(state.member, fit=not reason and away == 0, absent_ms=away, reason=reason))
    heard = {standing.member.name for standing in found}
    # An agent that was not heard yet says nothing about its server, which may well stream.
    unheard = (v for v in record.voters if v.name not in heard and v.name in absent)
    return (*found, *(Standing(v, fit=False, absent_ms=absent[v.name]) for v in unheard))


def _unfit(o: Observation, record: Record, peer: PeerSight, sensitive: dict[str, int]) -> str:
    """Why a server cannot be a voter (IDENTITY); "" if it can."""
    state = peer.published
    if not state.tags.may_vote:
        return "its tags keep it from ever being primary"
    if not state.may_vote_now:
        return "its data directory is incomplete or below its floor"
    facts = o.server.facts
    if facts is not None and state.version and state.version // 10_000 != facts.version // 10_000:
        return "its PostgreSQL is of another major version"
    if facts is not None and state.collation and state.collation != facts.collation:
        return (
            f"its collations differ from the primary's ({state.collation}, here {facts.collation}): indexes might break"
        )
    if any(value < sensitive.get(name, 0) for name, value in state.sensitive):
        return "a setting that hot standby checks is smaller than the primary's"
    if state.replay_lag_ms > o.intents.policy.voter_replay_lag_ms:
        return f"its replay lags by {state.replay_lag_ms / 1000:.0f} s"
    if state.prefix_term < record.term and not record.voter(state.member):
        return "its history has not been checked against this term's primary (PREFIX)"
    return ""


def _change(o: Observation, record: Record) -> VoterChange | None:
    seen, stall_ms = standings(o, record), o.intents.policy.voter_stall_ms
    change = next_change(replace(record, voteless=voteless(o, record)), seen, o.intents, stall_ms)
    if not isinstance(change, LowerK):
        return change
    if not o.config_known:
        return None  # an agent's own file is not the operator's word on what may be lost
    # Lowered by what the record says itself: what is heard now is written there first.
    written = next_change(record, seen, o.intents, stall_ms)
    return None if isinstance(written, RaiseK) else written


def voteless(o: Observation, record: Record) -> tuple[str, ...]:
    """Which configured nodes never vote, by the tags that each said last; who was not heard, as the record says."""
    said = {p.published.member.name: p.published.tags for p in o.peers} | {o.me.name: o.tags}
    silent = set(record.voteless) - set(said)
    return tuple(n for n in sorted(o.intents.nodes) if n in silent or (n in said and not said[n].may_vote))


def prepare_voters(o: Observation) -> Proposal | None:
    """The holder may loosen at any time, also before its barrier, which may be waiting for just that voter, or for a
    disk that is lost and whose place another takes; and in quorum mode clients are let in only at k >= 1."""
    record = o.held
    if record is None or o.server.state is not ServerState.PRIMARY or o.served_term == record.term:
        return None
    change = _change(o, record)
    if isinstance(change, Admit | Replace | LowerK) or (isinstance(change, RaiseK) and record.k == 0 and change.k > 0):
        return Proposal(_sentence(change), ChangeVoters(change))
    if o.intents.effective_mode is Mode.QUORUM and record.k < 1:
        return Proposal("clients are let in only once a standby flushes every commit", Wait())
    return None


def serve(o: Observation) -> Proposal | None:
    """Barrier, then a renewal sent after it, then clients: after a promotion and after every restart, since crash
    recovery makes unacknowledged commits visible."""
    record = o.held
    if record is None or record.released or o.server.state is not ServerState.PRIMARY:
        return None
    if o.served_term == record.term and o.gate_open and record.serving and record.phase is Phase.ESTABLISHED:
        return None
    if not o.store.reachable:
        return Proposal("the store has to confirm the lease first", Wait())
    if not o.deadman_alive:
        return Proposal("without its dead-man process no server lets clients in", Wait())
    return Proposal(f"the primary of term {record.term} is not serving yet", Serve(record.term))


def apply_setting(o: Observation) -> Proposal | None:
    """The server has what the record and the configuration say, whoever changed it (ALTER SYSTEM, a crash midway)."""
    if o.server.state is ServerState.PRIMARY and o.held and not o.server.settings_current:
        return Proposal("the server's settings are not those of the record and the configuration", ApplySetting())
    return None


def switchover(o: Observation) -> Proposal | None:
    """A planned hand-over that the operator asked for, when its time has come and its target can take it. One that was
    to be done at once was meant for the primary of that moment: nobody expects it after a failover."""
    record = o.held
    request = o.intents.switchover
    if record is None or request is None or o.served_term != record.term or request.at_wall_ms > o.now_wall_ms:
        return None
    if 0 < request.term < record.term:
        why = (
            f"it was asked for in term {request.term}, and this is term {record.term}: ask again if it is still wanted"
        )
        return Proposal(f"the switchover is not done: {why}", DropRequest(request))
    target = target_of(record, request, o)
    if not target.refusal:
        return Proposal(f"a switchover to {target.name} was asked for", Switchover(request, target.name))
    if o.now_wall_ms - request.at_wall_ms > SWITCHOVER_PATIENCE_MS or request.to == o.me.name:
        return Proposal(f"the switchover could not begin: {target.refusal}", DropRequest(request))
    return None


def switchover_waits(o: Observation) -> Proposal | None:
    """A switchover whose target cannot take over yet waits a while, and says why; other work goes on meanwhile."""
    record = o.held
    request = o.intents.switchover
    if record is None or request is None or o.served_term != record.term or request.at_wall_ms > o.now_wall_ms:
        return None
    return Proposal(f"the switchover cannot begin: {target_of(record, request, o).refusal}", Wait())


def change_voters(o: Observation) -> Proposal | None:
    """Dead voters are dropped while k allows, so that the next failure is survived too; returned ones are admitted."""
    record = o.held
    if record is None or o.served_term != record.term or o.server.state is not ServerState.PRIMARY:
        return None
    change = _change(o, record)
    return Proposal(_sentence(change), ChangeVoters(change)) if change else None


def _sentence(change: VoterChange) -> str:
    match change:
        case Admit(voter=voter):
            return f"{voter.name} streams and its history fits: it becomes a voter"
        case RaiseK(k=k, mode=mode):
            return f"enough voters stream: from now on {k} must flush a commit ({mode.value})"
        case Drop(voter=voter, reason=reason):
            return f"{voter.name} is dropped from the voters: {reason}"
        case Replace(new=new):
            return f"{new.name} has another data directory than the voter {new.name}: it is to take that one's place"
        case LowerK(k=k, mode=mode):
            return f"the operator asked for k = {k} ({mode.value})"


def make_slots(o: Observation) -> Proposal | None:
    """Without its slot a standby cannot stream, and a barrier might wait for just that one."""
    record = o.held
    facts = o.server.facts
    if record is None or o.server.state is not ServerState.PRIMARY or facts is None:
        return None
    others = _others(o)
    if {slot_name(name) for name in others} <= set(facts.slots):
        return None
    return Proposal("slots are missing", KeepHouse(others, record.members, record.voteless))


def _others(o: Observation) -> tuple[str, ...]:
    """Who needs a slot here: not a cascading standby while it streams from its peer, or it would hold WAL for ever."""
    elsewhere = {
        p.published.member.name for p in o.peers if p.published.follows and p.published.follows == _cascade(o, p)
    }
    return tuple(sorted(name for name in o.intents.nodes if name != o.me.name and name not in elsewhere))


def _cascade(o: Observation, peer: PeerSight) -> str:
    return "" if peer.published.tags.replicate_from == o.me.name else peer.published.tags.replicate_from


def keep_house(o: Observation) -> Proposal | None:
    """No slots for members that were removed; the record knows every server's last id, and who never votes."""
    record = o.held
    if record is None or o.served_term != record.term or o.server.state is not ServerState.PRIMARY:
        return None
    others = _others(o)
    known = {m.name: m for m in record.members if m.name in o.intents.nodes}
    known.update({p.published.member.name: p.published.member for p in o.peers if _configured(o, p) and _has_data(p)})
    known[o.me.name] = o.me
    members: tuple[Member, ...] = tuple(sorted(known.values()))
    facts = o.server.facts
    none_votes = voteless(o, record)
    kept = (members, none_votes) == (record.members, record.voteless)
    if facts is not None and (set(facts.slots) != {slot_name(n) for n in others} or not kept):
        return Proposal("slots and members are brought up to date", KeepHouse(others, members, none_votes))
    return None


def _has_data(peer: PeerSight) -> bool:
    return bool(peer.published.member.id)


def holder_rests(o: Observation) -> Proposal | None:
    """Nothing is left to do for the holder."""
    record = o.held
    if record is None:
        return None
    if record.released:
        return Proposal("the lease was given up; another server is to take it", Wait())
    if o.served_term == record.term:
        return Proposal(f"this server is the primary of term {record.term} and serves", Wait())
    return Proposal(f"this server holds term {record.term}", Wait())


LEADING_RULES = (
    Rule("TAKE OVER LEASE", take_over_lease),
    Rule("TAKE BACK", take_back),
    Rule("RAISE TERM", raise_term),
    Rule("GIVE UP", give_up_crashing),
    Rule("LEADS IN VAIN", give_up_leading),
    Rule("PROMOTE", promote),
    Rule("RESUME", resume),
    Rule("APPLY SETTING", apply_setting),
    Rule("MAKE SLOTS", make_slots),
    Rule("PREPARE VOTERS", prepare_voters),
    Rule("SERVE", serve),
    Rule("SWITCHOVER", switchover),
    Rule("CHANGE VOTERS", change_voters),
    Rule("KEEP HOUSE", keep_house),
    Rule("SWITCHOVER WAITS", switchover_waits),
    Rule("LEADING", holder_rests),
)
