"""When does the record's holder give the lease up, because it cannot lead itself?

Only when another server is here that could. PostgreSQL is verified gone before; then the holder, started in recovery,
counts as all votes, and takes the lead back if nobody wants it.
"""

from howdah.cluster.actions import Release
from howdah.cluster.decision import Proposal
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.record import Mode, Record
from howdah.cluster.serverfacts import DirectoryState

CRASHES_MAX = 2
"""The second crash within the window gives the lease up (F2)."""

FAILURES_MAX = 3
"""So often may promotion or service fail in a row. With the rests between, some 2 s: what passes by itself (a slow
reload, a login in the way) is over by then, and an election takes less than a fourth try with its rest."""

DEADMAN_PATIENCE_MS = 5000
"""A new dead-man is started within a second; one that has not come by now is kept from it by the machine."""

DOUBLINGS_MAX = 6
"""Each time in vain doubles the patience, up to some minutes: two servers that both cannot lead must not hand the
lease to and fro, a term and an entry of the map each time."""


def another_could_lead(o: Observation, record: Record, holder_votes: bool) -> bool:
    """Whether a server is here that could win. `holder_votes`: this one can be started in recovery, so that it counts
    as all votes, and a server that is no voter may win too."""
    for peer in o.peers:
        state = peer.published
        if not peer.connected or not state.tags.may_be_primary or state.member.name not in o.intents.nodes:
            continue
        if record.voter(state.member) or (state.may_vote_now and (holder_votes or record.mode is Mode.ASYNC)):
            return True
    return False


def give_up_crashing(o: Observation) -> Proposal | None:
    """A server that crashes twice in short time, or cannot be started, gives the lease up for others. Only once: when
    nobody has served since, what happens counts as leading in vain."""
    record = o.held
    if record is None or record.released or o.server.state is not ServerState.GONE or o.intents.paused:
        return None
    if not o.gave_up and o.server.crashes >= CRASHES_MAX and another_could_lead(o, record, holder_votes=True):
        return Proposal(f"the server crashed {o.server.crashes} times in short time", Release())
    if not another_could_lead(o, record, holder_votes=False):
        return None
    if not o.gave_up and o.server.failed_starts:
        return Proposal("the server cannot be started here", Release())
    if o.server.directory.state is not DirectoryState.READY:
        return Proposal(f"the data directory is {o.server.directory.state.value}", Release())
    return None


def give_up_leading(o: Observation) -> Proposal | None:
    """A holder that cannot promote or serve, for a reason of its own, gives the lease up. A barrier that waits for
    voters is no such reason: another server would wait for the same."""
    record = o.held
    if record is None or record.released or o.served_term == record.term or o.intents.paused or not o.store.reachable:
        return None
    if not another_could_lead(o, record, holder_votes=True):
        return None
    times = 1 << min(o.gave_up, DOUBLINGS_MAX)
    if o.lead_failures >= FAILURES_MAX * times:
        return Proposal(f"this server failed {o.lead_failures} times to become a primary that serves", Release())
    if o.deadman_gone_ms >= DEADMAN_PATIENCE_MS * times:
        return Proposal(f"its dead-man process has been missing for {o.deadman_gone_ms // 1000} s", Release())
    return None
