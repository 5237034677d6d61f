"""What does an agent know when it decides? One frozen value; nothing else is looked at."""

from dataclasses import dataclass, field
from enum import StrEnum

from howdah.cluster.actions import Action, Leaving, Order
from howdah.cluster.history import Chain, position_of
from howdah.cluster.incarnation import same_seat
from howdah.cluster.intents import Intents
from howdah.cluster.lease import Deadlines
from howdah.cluster.localstate import LocalState, Marker
from howdah.cluster.peerstate import Published, Report, Tags
from howdah.cluster.record import Phase, Record
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState, ServerFacts
from howdah.cluster.suspicion import Sight
from howdah.values.member import Member
from howdah.values.position import Position


class ServerState(StrEnum):
    """GONE: no process of it is left. SILENT: processes, but new connections are not answered."""

    GONE = "gone"
    SILENT = "silent"
    RECOVERY = "recovery"
    PRIMARY = "primary"


@dataclass(frozen=True, slots=True)
class ServerView:
    """The local server. `facts` are of the last observation; `chain` is None where a timeline has no entry."""

    state: ServerState
    directory: DirectoryFacts
    facts: ServerFacts | None = None
    chain: Chain | None = None
    probe_failures: int = 0
    crashes: int = 0  # within the crash window
    failed_starts: int = 0  # in a row
    clones_in_vain: int = 0  # new clones since the last start that succeeded, made because it would not start
    settings_current: bool = True  # what the record and intents ask is what the server has

    @property
    def position(self) -> Position | None:
        """(term of the WAL, end) of a running server."""
        return position_of(self.chain) if self.chain else None


@dataclass(frozen=True, slots=True)
class StoreView:
    """The store as last heard. `known` is False until the first answer; then `record` None means: there is none.

    `expired`: two linearizable reads a lease apart showed the same counter. `unchanged_ms`: since when the record has
    looked as it does. `unsettled`: a swap of ours has an unknown outcome (SETTLE)."""

    known: bool = False
    reachable: bool = False
    record: Record | None = None
    expired: bool = False
    unchanged_ms: int = 0
    renewal_ago_ms: int = 0  # since this agent saw the lease counter change
    unsettled: bool = False
    trouble: str = ""  # why it is not reachable, as a clause
    heard: Record | None = None  # the newest that a peer has read there; for `hearsay` alone


@dataclass(frozen=True, slots=True)
class PeerSight:
    """A peer's published state; `connected`: its stream is open now; `absent_ms`: since when it is not."""

    published: Published
    connected: bool
    absent_ms: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything. Times on this node's CLOCK_BOOTTIME unless named otherwise."""

    me: Member
    tags: Tags
    local: LocalState
    store: StoreView
    server: ServerView
    intents: Intents
    peers: tuple[PeerSight, ...] = ()
    deadlines: Deadlines = Deadlines(0, 0, 0)
    now_boot_ms: int = 0
    now_wall_ms: int = 0
    uptime_ms: int = 0
    asked: int = 0  # the highest term that a peer asked this server to promise
    report: Report | None = None  # own revocation, still true
    prefix_term: int = 0  # this agent checked PREFIX against the primary of this term and had the server follow it
    sight: Sight = Sight(False, False, False)  # of the record's primary
    streaming_absent_ms: tuple[tuple[str, int], ...] = ()  # primary: by node name, since when it does not stream
    gate_open: bool = False
    served_term: int = 0  # the term that this very start of the server serves in; 0: not yet
    deadman_alive: bool = True
    deadman_gone_ms: int = 0  # since when it is not
    lead_failures: int = 0  # to promote or to serve, in a row, for reasons of its own
    gave_up: int = 0  # how often it gave the lease up for that, with nobody serving since
    leaving: Leaving = Leaving.NO
    leaving_ms: int = 0
    order: Order = Order.NONE
    initial: bool = False  # may begin the first start
    yielded_ms: int = 1 << 30  # since when another was found better in the present election
    outvoted: tuple[Member, Position] | None = None  # who was better in the last vote, and how far
    backoff_ms: int = 0  # how long the action that failed last should still rest
    failed: Action | None = None
    busy: Action | None = None
    confirmations: int = 0  # fresh ones, for the record that was last settled
    config_known: bool = True  # the cluster's settings were read from the store; else they are this agent's own file's
    config_fault: str = ""  # why the cluster's settings in the store are not used
    door: tuple[str, ...] | None = None  # servers that the operator gave up, with the data loss accepted
    incarnation: str = ""  # of this agent's process
    twin: str = ""  # another agent has this one's name: who, and the mend
    unclaimed: str = ""  # this agent's name is not surely its own yet: why

    named: bool = field(init=False)
    """The record names this member: itself, an earlier process of it, or a copy of its data."""
    is_holder: bool = field(init=False)
    """The record names this very data directory, and no process of it that may live elsewhere."""
    went_back: bool = field(init=False)
    """The store says less than it once did: it was restored from an old copy."""

    def __post_init__(self) -> None:
        record = self.store.record
        named = record is not None and record.holder == self.me
        mine = record is not None and same_seat(record.incarnation, self.incarnation)
        object.__setattr__(self, "named", named)
        object.__setattr__(self, "is_holder", named and mine)
        object.__setattr__(self, "went_back", went_back(record, self.local))

    def peer(self, name: str) -> PeerSight | None:
        """The peer with this name, if it was ever heard."""
        for sight in self.peers:
            if sight.published.member.name == name:
                return sight
        return None

    @property
    def held(self) -> Record | None:
        """The record, if this very directory holds it and there is a complete directory behind."""
        return self.store.record if self.is_holder and self.local.marker is Marker.NONE else None

    @property
    def incomplete(self) -> str:
        """Why the data directory promises and reports nothing, in a word; "" if it is whole."""
        if self.local.marker is not Marker.NONE:
            return self.local.marker.value
        return "" if self.server.directory.state is DirectoryState.READY else self.server.directory.state.value

    @property
    def never_served(self) -> bool:
        """The data directory is of a first start that has let no client in: that is the last that was heard of it."""
        record = self.local.record
        return record is not None and record.phase is Phase.INITIALISING


def went_back(record: Record | None, local: LocalState) -> bool:
    """Whether the store's record is older than what a server remembers of it, or descends from an older one."""
    known = local.record
    if record is None or known is None:
        return False
    return superseded(record, known) or known.age > record.age or local.won_term > record.term


def superseded(record: Record, known: Record) -> bool:
    """Whether a server that knows the one can say that the other is, or descends from, an old copy that came back.

    A term is won once, and every term that was won has its promotions in all later records. So a record of a higher
    term that lacks them was made from a copy of before, whose holder raised its term not knowing of the copy."""
    if record.generation != known.generation or record.term < known.term:
        return (known.generation, known.term) > (record.generation, record.term)
    if record.term == known.term and known.holder != record.holder:
        return True
    won = {entry.term for entry in known.timelines} if known.phase is Phase.ESTABLISHED else set()
    return not won <= {entry.term for entry in record.timelines}
