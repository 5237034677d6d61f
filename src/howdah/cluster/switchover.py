"""Who may take over in a planned switchover?"""

from dataclasses import dataclass

from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.observation import Observation, PeerSight
from howdah.cluster.record import Mode, Record


@dataclass(frozen=True, slots=True)
class Target:
    """The node to hand over to, or why none can take it."""

    name: str = ""
    refusal: str = ""


def target_of(record: Record, request: SwitchoverRequest, o: Observation) -> Target:
    """The named server, or the best: a voter that streams, by priority, then position, then name."""
    if request.to and request.to not in o.intents.nodes:
        return Target(refusal=f"there is no node {request.to}; the nodes are {', '.join(o.intents.nodes)}")
    if request.to == o.me.name:
        return Target(refusal=f"{request.to} is the primary already")
    absent = dict(o.streaming_absent_ms)
    refusals = {p.published.member.name: refusal(record, p, absent) for p in o.peers}
    if request.to:
        if request.to not in refusals:
            return Target(refusal=f"{request.to} has not been heard of")
        return Target(request.to, refusals[request.to])
    fit = [p.published for p in o.peers if not refusals[p.published.member.name]]
    if not fit:
        reasons = "; ".join(f"{name}: {why}" for name, why in sorted(refusals.items()))
        return Target(refusal=f"no standby can take over ({reasons or 'there is none'})")
    best = min(fit, key=lambda p: (-p.tags.priority, -p.end_lsn, p.member.name))
    return Target(best.member.name)


def refusal(record: Record, peer: PeerSight, absent_ms: dict[str, int]) -> str:
    """Why this server cannot be the target of a switchover; "" if it can."""
    state = peer.published
    if not peer.connected:
        return "its agent is not connected"
    if not state.tags.may_be_primary:
        return "its tags forbid it (priority 0, nofailover, delayed or cascading)"
    if record.mode is Mode.QUORUM and not record.voter(state.member):
        return f"it is not a voter of term {record.term}"
    if absent_ms.get(state.member.name, 1) > 0:
        return "it does not stream from the primary"
    return ""
