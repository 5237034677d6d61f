"""What happens at the very first start, and when the record itself is lost?"""

from howdah.cluster.actions import (
    BeginFirstStart,
    ForcePromotion,
    Initialise,
    KillServer,
    RebuildRecord,
    RecreateRecord,
    StartInRecovery,
    TakeOverFirstStart,
    Wait,
)
from howdah.cluster.decision import Proposal, Rule
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.record import Phase, Record
from howdah.cluster.serverfacts import DirectoryState

HEAR_OTHERS_MS = 3000
"""How long the first node waits to hear the others: its own empty disk and an empty store say nothing of theirs."""


def first_start(o: Observation) -> Proposal | None:
    """Only where the store never had a record and no server has data does a cluster begin; a store that lost its record
    must not look like a new one (A20)."""
    if not o.store.known or o.store.record is not None or has_past(o):
        return None
    if not o.initial:
        return Proposal("the first node has not begun the first start yet", Wait())
    unheard = [n for n in o.intents.nodes if n != o.me.name and o.peer(n) is None]
    if unheard and o.uptime_ms < HEAR_OTHERS_MS:
        return Proposal(f"it first hears whether {', '.join(unheard)} have data of a cluster", Wait())
    return Proposal("the store has no record and no server has data: this node begins", BeginFirstStart())


def has_past(o: Observation) -> bool:
    """Whether any server that was heard, this one too, ever belonged to an established cluster."""
    records = (o.local.record, *(p.published.record for p in o.peers))
    return any(record is not None and record.phase is Phase.ESTABLISHED for record in records)


def initialise(o: Observation) -> Proposal | None:
    """The record says `initialising by` this node: make (or adopt) the first data directory, or finish it. One that
    was made in an earlier term, and let nobody in, serves for the new one."""
    record = o.store.record
    if record is None or record.phase is not Phase.INITIALISING or record.holder.name != o.me.name:
        return None
    half = o.local.marker is Marker.INITIALISING or o.server.directory.state is DirectoryState.EMPTY
    earlier = o.held is not None and not record.timelines and o.never_served
    if earlier and o.server.state is not ServerState.GONE:
        return Proposal("what runs here is of an earlier first start: it begins anew", KillServer())
    if not (half or earlier) or o.server.state is not ServerState.GONE:
        return None
    if record.holder != o.me:
        return Proposal(f"another directory of {o.me.name} began the first start: it may be taken over later", Wait())
    return Proposal("this node makes the first data directory", Initialise())


def take_over_first_start(o: Observation) -> Proposal | None:
    """A first start that never let a client in may be taken over by another node after a whole lease."""
    record = o.store.record
    if record is None or record.phase is not Phase.INITIALISING or not o.store.expired or o.intents.paused:
        return None
    if o.is_holder or not o.tags.may_be_primary or not _may_begin(o):
        return None
    if o.went_back or has_past(o):
        return None  # the store was put back to a copy from the very beginning: clients were served since
    return Proposal(f"{record.holder.name} began the first start and went silent", TakeOverFirstStart())


def _may_begin(o: Observation) -> bool:
    """Whether no client was ever served from what lies here. After an interrupted first start it may be all there is:
    then the others have clones of it, or nothing."""
    if o.local.marker is not Marker.NONE:
        return o.local.marker is Marker.INITIALISING or o.server.directory.state is DirectoryState.EMPTY
    match o.server.directory.state:
        case DirectoryState.EMPTY:
            return True
        case DirectoryState.READY:
            return o.never_served
        case _:
            return False


def record_lost(o: Observation) -> Proposal | None:
    """The store answers and has no record, but there was one. A holder that still serves with k confirmations writes it
    again; otherwise copies on disks may all be older than the last voter change, so *every* server has to be here."""
    if not o.store.known or not o.store.reachable or not has_past(o):
        return None
    if o.store.record is not None and not o.went_back:
        return None
    record = o.local.record
    serving = record is not None and o.served_term == record.term and o.server.state is ServerState.PRIMARY
    if record is not None and serving and record.holder == o.me:
        if record.k >= 1 and o.confirmations >= record.k:
            lost = "lost the record" if o.store.record is None else "went back to an old copy of the record"
            return Proposal(f"the store {lost}; this server serves and its voters confirm it", RecreateRecord())
        if o.store.record is not None:
            return None
        return Proposal("the store lost the record, and too few voters confirm that this server still leads", Wait())
    if o.store.record is not None and o.door is None:
        return None
    if o.intents.paused and o.door is None:
        return Proposal("the store lost the record, and the cluster is paused", Wait())
    whole = o.local.marker is Marker.NONE and o.server.directory.state is DirectoryState.READY
    if o.server.state is ServerState.GONE and whole:
        return Proposal("the store lost the record: this server starts in recovery and waits", StartInRecovery())
    serves = next((p.published for p in o.peers if p.connected and p.published.serving_term), None)
    if serves is not None:
        return Proposal(f"the store lost the record; {serves.member.name} still serves and may write it again", Wait())
    missing = missing_for_rebuild(o, o.door or ())
    if missing:
        return Proposal(
            f"the store lost the record; it is rebuilt once every server is here, and {missing}. "
            "Or decide with `howdah failover --accept-data-loss`, which gives up what does not answer",
            Wait(),
        )
    term = _rebuild_term(o)
    if o.door is not None:
        why = f"the store lost the record and the operator decided: it is rebuilt in term {term}"
        return Proposal(why, RebuildRecord(term, o.door))
    why = f"the store lost the record and every server is here: it is rebuilt in term {term}"
    return Proposal(why, RebuildRecord(term))


def _rebuild_term(o: Observation) -> int:
    """Above every record and every term that anybody's WAL or map is of, and at least every promise: a promise names no
    candidate, so the attempt that failed is made again under the same term."""
    records = [r.term for r in (o.local.record, *(p.published.record for p in o.peers)) if r is not None]
    positions = [o.server.position, *(p.published.position for p in o.peers)]
    written = [position.term for position in positions if position is not None]
    mapped = [entry.term for entry in o.local.entries]
    return max(1 + max((*records, *written, *mapped)), o.local.promise, *(p.published.promise for p in o.peers))


def newest_record(o: Observation) -> Record | None:
    """The newest copy of the record that any server here keeps."""
    copies = [r for r in (o.local.record, *(p.published.record for p in o.peers)) if r is not None]
    return max(copies, key=lambda r: r.age, default=None)


def missing_for_rebuild(o: Observation, given_up: tuple[str, ...] = ()) -> str:
    """Which server is missing, or is here with another directory than the one last known, or with one that is
    incomplete and so promises nothing, now or later; "" if none is."""
    record = newest_record(o)
    if record is None:
        return "no server knows it"
    here = {o.me.name: o.me, **{p.published.member.name: p.published.member for p in o.peers if p.connected}}
    known = {m.name: m for m in (*record.members, *record.voters, record.holder)}
    unknowable = {o.me.name: o.incomplete, **{p.published.member.name: p.published.incomplete for p in o.peers}}
    for name in sorted({*known, *o.intents.nodes} - set(given_up)):
        if name not in here:
            return f"{name} is not"
        if name in known and here[name].id != known[name].id:
            return f"{name} has another data directory than the one that was a member"
        if word := unknowable.get(name):
            return f"the data directory of {name} is incomplete ({word}): nobody can tell what it had. Stop {name}"
    return ""


def open_door(o: Observation) -> Proposal | None:
    """The door: the operator named the servers that are given up and accepted what may be lost."""
    record = o.store.record
    if o.door is None or record is None or o.is_holder or o.server.state is not ServerState.RECOVERY:
        return None
    if record.holder.name not in o.door:
        return None  # somebody leads who was not given up: it was opened for a record that is no more
    if not o.store.expired and not record.released:
        return Proposal("the lease has to run out before the forced promotion", Wait())
    return Proposal("the operator accepted the loss of data", ForcePromotion(record.basis, o.door))


BEGINNING_RULES = (
    Rule("RECORD LOST", record_lost),
    Rule("FIRST START", first_start),
    Rule("TAKE OVER FIRST START", take_over_first_start),
    Rule("INITIALISE", initialise),
    Rule("THE DOOR", open_door),
)
