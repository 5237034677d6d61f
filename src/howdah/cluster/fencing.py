"""When must a server stop, whatever else is going on?"""

from howdah.cluster.actions import Clone, CloseGate, KillServer, Leaving, StopServer, Switchover, Wait
from howdah.cluster.decision import Proposal, Rule
from howdah.cluster.following import may_be_followed
from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.record import Record
from howdah.cluster.serverfacts import DirectoryState
from howdah.cluster.switchover import target_of

PRIMARY_FIRST_MS = 15_000
"""How long a standby that stops with its cluster lets the primary go first."""


def twin(o: Observation) -> Proposal | None:
    """Of two agents with one name only one takes part: it promises, votes, streams and leads for the member. The other
    one's server is killed, whatever it is, and the agent ends."""
    if not o.twin:
        return None
    return Proposal(o.twin, StopServer() if o.server.state is ServerState.GONE else KillServer())


def foreign_directory(o: Observation) -> Proposal | None:
    """A data directory that is not this node's is never started and never touched (IDENTITY)."""
    directory = o.server.directory
    if directory.state is DirectoryState.FOREIGN:
        if o.local.marker is Marker.INITIALISING and o.is_holder and o.server.state is ServerState.GONE:
            return None  # an adoption that was interrupted when the directory was in its place already: it goes on
        if o.gate_open:
            return None  # this agent lets clients into it: whatever the directory looks like now, fencing goes first
        return Proposal(directory.explanation or "the data directory is not this node's", Wait())
    record = o.store.record
    if directory.state is not DirectoryState.READY or o.local.marker.value != "none":
        return None
    if directory.identity != o.local.member_id:
        return Proposal(
            f"the data directory's identity is {directory.identity or 'missing'}, this node's state says "
            f"{o.local.member_id or 'none'}: it was put there from elsewhere",
            Wait() if o.server.state is ServerState.GONE else KillServer(),
        )
    if record is not None and overtaken(o, record):
        return Proposal(
            f"{record.holder.name} took the first start over that was begun here: this directory, which never served, "
            "is put aside",
            _put_aside(o) if o.server.state is ServerState.GONE else KillServer(),
        )
    if record and record.system_identifier and directory.system_identifier != record.system_identifier:
        return Proposal(
            f"the data directory is of another cluster (system identifier {directory.system_identifier}, "
            f"the record says {record.system_identifier})",
            Wait() if o.server.state is ServerState.GONE else KillServer(),
        )
    return None


def overtaken(o: Observation, record: Record) -> bool:
    """Whether the directory is what is left of a first start that never served, and another cluster's by now."""
    known = o.local.record
    other = record.system_identifier not in ("", o.server.directory.system_identifier)
    return o.never_served and known is not None and other and known.term < record.term and not o.is_holder


def _put_aside(o: Observation) -> Clone | Wait:
    source = may_be_followed(o)
    return Clone(source.published.member.name, None, keep_aside=True) if source else Wait()


def unexpected_primary(o: Observation) -> Proposal | None:
    """A server runs read-write only in a term it has won: a running primary that sees another holder, or a server
    promoted by somebody else, is killed first and thought about later."""
    if o.server.state is not ServerState.PRIMARY or o.store.record is None or o.is_holder:
        return None
    if o.went_back:
        return None  # an old copy of the record cannot depose anybody; the lease's deadline counts on
    record = o.store.record
    if o.named:
        why = f"this server is out of recovery, but another agent of {o.me.name}'s name and data holds the lease"
        return Proposal(why, KillServer())
    return Proposal(f"this server is out of recovery, but {record.holder.name} holds term {record.term}", KillServer())


def released_primary(o: Observation) -> Proposal | None:
    """Who gave the lease up may not run as a primary until it took it back in a new generation."""
    if o.server.state is ServerState.PRIMARY and o.is_holder and o.store.record and o.store.record.released:
        return Proposal("the lease was given up, so this server may not run as a primary", KillServer())
    return None


def lease_deadline(o: Observation) -> Proposal | None:
    """A primary that cannot renew closes its gate, then kills its server, before others may have expired its lease."""
    facts = o.server.facts
    silent_primary = o.server.state is ServerState.SILENT and (o.served_term or (facts and not facts.in_recovery))
    if o.server.state is not ServerState.PRIMARY and not silent_primary:
        return None
    if o.now_boot_ms >= o.deadlines.kill_ms:
        return Proposal("the lease could not be renewed in time", KillServer())
    if o.gate_open and o.now_boot_ms >= o.deadlines.gate_ms:
        return Proposal("the lease could not be renewed in time: clients are shut out first", CloseGate())
    return None


def deadman_gone(o: Observation) -> Proposal | None:
    """No live dead-man, no serving: nobody would stop the server if this agent died or hung."""
    if not o.deadman_alive and o.gate_open and o.server.state is ServerState.PRIMARY:
        return Proposal("the dead-man process does not answer", CloseGate())
    return None


def silent_server(o: Observation) -> Proposal | None:
    """A server whose new connections hang is worth nothing: killed, so that it can start again or another can lead."""
    return None if o.server.state is not ServerState.SILENT else _silent(o)


def _silent(o: Observation) -> Proposal | None:
    if o.server.probe_failures >= o.intents.policy.probe_failures_max:
        return Proposal(f"{o.server.probe_failures} new connections in a row were not answered", KillServer(crash=True))
    return None


def leaving(o: Observation) -> Proposal | None:
    """An agent that was told to stop hands over first (unless the whole cluster stops), then stops its server."""
    record = o.store.record
    if o.leaving is Leaving.NO:
        return None
    if o.leaving is Leaving.NODE and record is not None and o.is_holder and o.served_term == record.term:
        request = SwitchoverRequest("leaving")
        target = target_of(record, request, o)
        if not target.refusal and not o.intents.paused and not isinstance(o.failed, Switchover):
            return Proposal(
                f"this agent was told to stop: it hands over to {target.name}", Switchover(request, target.name)
            )
    if o.leaving is Leaving.CLUSTER and o.leaving_ms < PRIMARY_FIRST_MS and _primary_runs(o):
        return Proposal("the cluster was told to stop: the primary stops first", Wait())
    return Proposal("this agent was told to stop", StopServer())


def _primary_runs(o: Observation) -> bool:
    """Standbys stop after the primary, so that they have its last record and any of them can lead at the next start."""
    record = o.store.record
    if record is None or o.is_holder or o.server.state is not ServerState.RECOVERY:
        return False
    holder = o.peer(record.holder.name)
    return holder is not None and holder.connected and holder.published.primary


GUARD_RULES = (
    Rule("TWIN", twin),
    Rule("IDENTITY", foreign_directory),
    Rule("HIGHER TERM", unexpected_primary),
    Rule("RELEASED", released_primary),
    Rule("LEASE DEADLINE", lease_deadline),
    Rule("DEAD-MAN", deadman_gone),
    Rule("SILENT SERVER", silent_server),
    Rule("LEAVING", leaving),
)
