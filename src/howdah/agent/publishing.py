"""What does this agent tell its peers, and what do people see as its state?"""

from dataclasses import dataclass

from howdah.cluster.actions import Clone, Rewind
from howdah.cluster.decision import Decision
from howdah.cluster.following import follows_holder
from howdah.cluster.hearsay import on_hearsay
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.peerstate import NodeState, Published
from howdah.cluster.returning import below_floor
from howdah.cluster.serverfacts import DirectoryState
from howdah.cluster.suspicion import suspects
from howdah.values.address import Address
from howdah.values.lsn import NO_LSN


def node_state(o: Observation) -> NodeState:
    """The word for a node in `howdah status`."""
    if isinstance(o.busy, Clone):
        return NodeState.CLONING
    if isinstance(o.busy, Rewind):
        return NodeState.REWINDING
    facts = o.server.facts
    match o.server.state:
        case ServerState.GONE | ServerState.SILENT:
            if o.busy is not None and o.server.directory.state is DirectoryState.READY:
                return NodeState.STARTING
            return NodeState.STOPPED
        case ServerState.PRIMARY:
            if not o.is_holder or (o.served_term and not o.gate_open):
                return NodeState.FENCED
            return NodeState.RUNNING if o.gate_open and o.served_term else NodeState.STARTING
        case ServerState.RECOVERY:
            if facts is not None and facts.receiving:
                return NodeState.STREAMING
            return NodeState.CATCHING_UP


@dataclass(frozen=True, slots=True)
class Extra:
    """What only the agent's own memory knows, beside the observation."""

    promoted_term: int
    rewind_ready: bool
    prefix_term: int
    lost_slots: tuple[str, ...]


def publish(o: Observation, decision: Decision, address: Address, api: Address, extra: Extra) -> Published:
    """This agent's state for its peers."""
    read = o.store.reachable and o.store.record is not None and not o.went_back
    o = on_hearsay(o) or o  # whom it follows, others see by the record that it follows on
    record, facts, server = o.store.record, o.server.facts, o.server
    running = server.state in (ServerState.RECOVERY, ServerState.PRIMARY) and facts is not None
    in_recovery = running and server.state is ServerState.RECOVERY
    complete = o.local.marker.value == "none" and bool(o.me.id)
    follows = ""
    if in_recovery and facts is not None and record is not None and facts.receiving:
        follows = record.holder.name if follows_holder(o, facts.upstream_name) else "other"
        if o.tags.replicate_from and follows == "other":
            follows = o.tags.replicate_from
    return Published(
        member=o.me,
        address=address,
        api=api,
        state=node_state(o),
        tags=o.tags,
        promise=o.local.promise,
        record=record or o.local.record,
        record_read=read,
        primary=server.state is ServerState.PRIMARY,
        promoted_term=extra.promoted_term if server.state is ServerState.PRIMARY else 0,
        rewind_ready=extra.rewind_ready,
        serving_term=o.served_term if o.gate_open else 0,
        timeline=facts.timeline if running and facts else 0,
        history=facts.history if running and facts else (),
        end_lsn=facts.end_lsn if running and facts else NO_LSN,
        replay_lag_ms=facts.replay_lag_ms if in_recovery and facts else 0,
        position=server.position if running else None,
        follows=follows,
        prefix_term=extra.prefix_term,
        may_vote_now=complete
        and not (o.twin or o.unclaimed)
        and bool(in_recovery)
        and not below_floor(server.position, o.local.floor),
        suspects_term=record.term if record and not o.is_holder and suspects(o.sight) else 0,
        system_identifier=server.directory.system_identifier,
        version=facts.version if facts else 0,
        collation=facts.collation if facts else "",
        sensitive=facts.sensitive if facts else (),
        pending_restart=facts.pending_restart if facts else (),
        lost_slots=extra.lost_slots,
        reason=decision.why,
        rule=decision.rule,
        uptime_ms=o.uptime_ms // 10_000 * 10_000,  # coarse, so that it is no change by itself
        incarnation=o.incarnation,
        incomplete=o.incomplete,
    )
