"""Why is the cluster as it is, and why does it not do what one might expect?"""

import datetime

from howdah.cluster.actions import Switchover
from howdah.cluster.decision import Decision
from howdah.cluster.following import reason_not_to_stand
from howdah.cluster.leading import standings
from howdah.cluster.observation import Observation, PeerSight, ServerState
from howdah.cluster.peerstate import NodeState
from howdah.cluster.quorum import votes_needed
from howdah.cluster.record import Mode, Record
from howdah.values.member import Member

DAY_MS = 86_400_000
"""A time within it needs no date."""


def explain(o: Observation, decision: Decision) -> tuple[str, ...]:
    """Plain sentences, the most important first."""
    record = o.store.record
    if record is None:
        return (f"{o.me.name}: {decision.why} (rule {decision.rule}).", _store(o))
    return (
        _leader(o, record),
        *_acknowledgement(record),
        *_survival(record),
        *_pause(o),
        *_switchover(o),
        _store(o),
        *(_standby(o, record, peer) for peer in o.peers if peer.published.member != record.holder),
        *_own_standing(o, record),
        *_silent(o),
        f"{o.me.name} decides: {decision.why} (rule {decision.rule}).",
    )


def problems(o: Observation) -> tuple[str, ...]:
    """What is wrong, one sentence each; empty when all is well."""
    record = o.store.record
    found = []
    if not o.store.reachable:
        found.append("the store does not answer" + (f": {o.store.trouble}" if o.store.trouble else ""))
    if o.config_fault:
        found.append(o.config_fault)
    if o.went_back:
        found.append("the store was put back to an old copy: nobody is promoted by what it says")
    if record is None:
        return (*found, "no record of the cluster is known yet")
    if not record.serving:
        found.append(f"nobody serves writes; {record.holder.name} holds term {record.term}")
    streaming = _streaming_voters(o, record)
    if record.mode is Mode.QUORUM and streaming < record.k:
        names = ", ".join(v.name for v in record.voters) or "none"
        stream = "streams" if record.k == 1 else "stream"
        do = "none does" if streaming == 0 else "1 does" if streaming == 1 else f"{streaming} do"
        found.append(f"writes wait until {record.k} of the voters ({names}) {stream}, and {do}: {_mend(o, record)}")
    asked = o.intents.effective_k(record.voteless)
    if record.mode is not o.intents.effective_mode or record.k != asked:
        found.append(
            f"voters that must flush a commit: {record.k} ({record.mode.value}); "
            f"asked for: {asked} ({o.intents.effective_mode.value})"
        )
    for name in o.intents.nodes:
        peer = o.peer(name)
        if name != o.me.name and (peer is None or not peer.connected):
            found.append(f"{name}: its agent is not reachable")
        elif peer is not None and peer.published.state not in (NodeState.RUNNING, NodeState.STREAMING):
            found.append(f"{name} is {peer.published.state.value}: {peer.published.reason}")
    found += [f"{p.published.member.name} is pending a restart for {', '.join(p.published.pending_restart)}"
              for p in o.peers if p.published.pending_restart]  # fmt: skip
    if o.server.facts and o.server.facts.pending_restart:
        found.append(f"{o.me.name} is pending a restart for {', '.join(o.server.facts.pending_restart)}")
    found += _other_collations(o)
    if o.intents.paused:
        found.append("the cluster is paused: no role changes by itself")
    return tuple(found)


def _mend(o: Observation, record: Record) -> str:
    """What brings enough voters back. A lost disk's place passes to the new one by itself."""
    new = [v.name for v in record.voters if _has_new_disk(o, v)]
    if not new:
        return "start what is stopped"
    names = " and ".join(new)
    silent = [v.name for v in record.voters if (p := o.peer(v.name)) is None or not p.connected]
    also = f"; start {' and '.join(n for n in silent if n != o.me.name)}" if set(silent) - {o.me.name} else ""
    return (
        f"{names} came back without the data directory that was a voter, and the new one takes its place by itself "
        f"once it is cloned and has all that {record.holder.name} has{also}"
    )


def _has_new_disk(o: Observation, voter: Member) -> bool:
    """Whether the node of this voter is there with another data directory, or with none."""
    if voter.name == o.me.name:
        return voter != o.me
    peer = o.peer(voter.name)
    return peer is not None and peer.connected and peer.published.member != voter


def _other_collations(o: Observation) -> list[str]:
    """An index on text that one C library or ICU sorted is wrong for another."""
    mine = o.server.facts.collation if o.server.facts else ""
    return [
        f"{p.published.member.name} sorts text by {p.published.collation}, {o.me.name} by {mine}: use the same version "
        "of the C library or ICU on all nodes, or REINDEX after a switchover"
        for p in o.peers
        if mine and p.connected and p.published.collation not in ("", mine)
    ]


def switchover_sentence(o: Observation) -> str:
    """The switchover that is planned or under way, as a clause; "" if there is none. Its time is in UTC."""
    if isinstance(o.busy, Switchover):
        return f"a switchover to {o.busy.to} is under way"
    request = o.intents.switchover
    if request is None:
        return ""
    to = request.to or "the best standby"
    if request.at_wall_ms <= o.now_wall_ms:
        return f"a switchover to {to} was asked for, and has not begun"
    at = datetime.datetime.fromtimestamp(request.at_wall_ms / 1000, datetime.UTC)
    pattern = "%H:%M:%S UTC" if request.at_wall_ms - o.now_wall_ms < DAY_MS else "%Y-%m-%d %H:%M:%S UTC"
    return f"a switchover to {to} is planned for {at.strftime(pattern)}"


def _switchover(o: Observation) -> tuple[str, ...]:
    sentence = switchover_sentence(o)
    return (f"{sentence[0].upper()}{sentence[1:]}.",) if sentence else ()


def _leader(o: Observation, record: Record) -> str:
    peer = o.peer(record.holder.name)
    if record.serving and not o.is_holder and (peer is None or not peer.connected):
        return f"{record.holder.name} holds term {record.term}, and its agent is not reachable."
    if record.serving:
        return f"{record.holder.name} is the primary of term {record.term} and serves."
    if record.released:
        to = f", for {record.handover.to}" if record.handover and record.handover.to else ""
        return f"{record.holder.name} gave the lead of term {record.term} up{to}; another server is to take it."
    own = o.is_holder
    doing = "" if own or peer is None else f" It says: {peer.published.reason}."
    return f"{record.holder.name} holds term {record.term}, and does not serve yet.{doing}"


def _acknowledgement(record: Record) -> tuple[str, ...]:
    names = ", ".join(v.name for v in record.voters) or "nobody"
    if record.mode is Mode.ASYNC:
        return ("Commits are acknowledged without waiting for a standby (async): a failover may lose the last ones.",)
    if record.k == 0:
        return ("No standby flushes commits yet, so no client is let in.",)
    have = "has" if record.k == 1 else "have"
    return (f"A commit is acknowledged once {record.k} of the voters ({names}) {have} flushed it.",)


def _survival(record: Record) -> tuple[str, ...]:
    if record.mode is Mode.ASYNC or record.k == 0:
        return ()
    need = votes_needed(len(record.voters), record.k)
    voters = "voter" if need == 1 else "voters"
    return (f"If {record.holder.name} dies, {need} {voters} of these must be there to elect the next primary.",)


def _pause(o: Observation) -> tuple[str, ...]:
    return ("The cluster is paused: roles change only when you say so (howdah resume).",) if o.intents.paused else ()


def _store(o: Observation) -> str:
    if o.store.unsettled:
        return "The outcome of a write to the store is unknown yet."
    if o.store.reachable:
        return "The store answers."
    return f"The store does not answer: no election can be decided ({o.store.trouble or 'nothing was heard yet'})."


def _standby(o: Observation, record: Record, peer: PeerSight) -> str:
    state = peer.published
    name = state.member.name
    if not peer.connected:
        return f"{name} cannot become primary: its agent is not reachable."
    if not state.tags.may_be_primary:
        return f"{name} cannot become primary: its tags forbid it (priority 0, nofailover, delayed or cascading)."
    if record.mode is Mode.QUORUM and not record.voter(state.member):
        why = next((s.reason for s in standings(o, record) if s.member == state.member and s.reason), "")
        if not why and any(v.name == name for v in record.voters):
            why = "its data directory is another one than the voter's"
        tail = f", because {why}" if why else ""
        return f"{name} cannot become primary: it is not a voter of term {record.term}{tail}."
    return f"{name} may become primary; it is {state.state.value}."


def _own_standing(o: Observation, record: Record) -> tuple[str, ...]:
    if o.is_holder:
        return ()
    why = reason_not_to_stand(o, record)
    if o.server.state is not ServerState.RECOVERY and not why:
        why = "its server is not running in recovery"
    verdict = f"cannot become primary now: {why}" if why else "may become primary"
    return (f"{o.me.name} {verdict}.",)


def _silent(o: Observation) -> tuple[str, ...]:
    heard = {p.published.member.name for p in o.peers} | {o.me.name}
    missing = [name for name in o.intents.nodes if name not in heard]
    return tuple(f"{name} has not been heard of since {o.me.name}'s agent started." for name in missing)


def _streaming_voters(o: Observation, record: Record) -> int:
    if o.is_holder:
        absent = dict(o.streaming_absent_ms)
        return sum(1 for v in record.voters if absent.get(v.name, 1) == 0 and not _has_new_disk(o, v))
    mine = 1 if record.voter(o.me) and o.server.facts is not None and o.server.facts.receiving else 0
    return mine + sum(1 for p in o.peers if record.voter(p.published.member) and p.published.follows)
