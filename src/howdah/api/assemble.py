"""How does the cluster look from one agent: its own state and what its peers published?"""

from collections.abc import Mapping, Sequence
from typing import Any

from howdah.api.status import ClusterStatus, NodeStatus, Role
from howdah.cluster.intents import Intents
from howdah.cluster.peerstate import NodeState, Published
from howdah.cluster.record import Record
from howdah.ports.peers import PeerView


def cluster_status(
    cluster: str,
    me: Published,
    peers: Mapping[str, PeerView],
    intents: Intents,
    routers: Sequence[Mapping[str, Any]] = (),
) -> ClusterStatus:
    """Every configured node and everybody heard, by name. The newest record that anybody knows counts: an agent that
    cannot reach the store shows what its peers say."""
    states = {name: view.published for name, view in peers.items() if view.connected} | {me.member.name: me}
    record = newest_record(me, peers)
    holder = states.get(record.holder.name) if record else None
    leads = holder is not None and record is not None and holder.member == record.holder and holder.primary
    leader = holder if leads else None
    names = sorted({*intents.nodes, *peers, me.member.name} - set(intents.removed))
    return ClusterStatus(
        cluster=cluster,
        system_identifier=record.system_identifier if record else me.system_identifier,
        term=record.term if record else 0,
        primary=leader.member.name if leader else "",
        serving=leader is not None and record is not None and leader.serving_term == record.term,
        paused=intents.paused,
        mode=record.mode if record else intents.effective_mode,
        num_sync=record.k if record else 0,
        voters=tuple(voter.name for voter in record.voters) if record else (),
        nodes=tuple(_node(name, states.get(name), peers.get(name), record, leader) for name in names),
        routers=tuple(routers),
    )


def newest_record(me: Published, peers: Mapping[str, PeerView]) -> Record | None:
    """Of all that are known, the one of the highest (generation, term); this agent's own among equals."""
    known = [state.record for state in (me, *(view.published for view in peers.values())) if state.record]
    return max(known, key=lambda record: (record.generation, record.term), default=None)


def _node(
    name: str, state: Published | None, view: PeerView | None, record: Record | None, leader: Published | None
) -> NodeStatus:
    if state is None:
        last = view.published if view else None
        return NodeStatus(
            name,
            Role.NONE,
            NodeState.UNREACHABLE,
            sync=bool(last and record and record.voter(last.member)),
            priority=last.tags.priority if last else 100,
            address=last.address if last else None,
            api=last.api if last else None,
        )
    role = Role.NONE if not state.timeline else Role.PRIMARY if state.primary else Role.STANDBY
    lag = max(0, leader.end_lsn - state.end_lsn) if leader and role is Role.STANDBY else None
    return NodeStatus(
        name=name,
        role=role,
        state=state.state,
        timeline=state.timeline or None,
        lsn=state.end_lsn if state.timeline else None,
        lag_bytes=0 if state is leader else lag,
        lag_seconds=state.replay_lag_ms / 1000 if role is Role.STANDBY else 0.0 if state is leader else None,
        sync=record is not None and record.voter(state.member),
        priority=state.tags.priority,
        address=state.address,
        api=state.api,
    )
