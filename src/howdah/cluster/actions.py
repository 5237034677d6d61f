"""What can an agent decide to do? A closed union: the executor is exhaustive over it.

The ordering duties stand on each action; how it is carried out, step by step, is in `agent/procedures/`. Every action
is bounded in time or harmless to interrupt, and is decided anew from what is seen when it ended.
"""

from dataclasses import dataclass
from enum import StrEnum

from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.record import Basis
from howdah.cluster.suspicion import Ground
from howdah.cluster.voters import VoterChange
from howdah.values.member import Member
from howdah.values.position import Position


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do, or nothing that may be done."""


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Shut clients out and end their sessions; the server goes on for replication."""


@dataclass(frozen=True, slots=True)
class KillServer:
    """SIGKILL every process of the server and verify that none is left. `crash` counts it as one."""

    crash: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """Give the lease up; only with every process of the server verified gone."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Return from a release that nobody took: a new generation, before the server starts."""


@dataclass(frozen=True, slots=True)
class TakeOverLease:
    """This member's lease ran out on another seat: swap it to this one, in a higher term, before the server starts."""

    to_term: int


@dataclass(frozen=True, slots=True)
class BeginFirstStart:
    """Create the record `initialising by me`; create-if-absent decides between two who try."""


@dataclass(frozen=True, slots=True)
class TakeOverFirstStart:
    """Another node's first start never served and its lease ran out: begin anew in a higher term."""


@dataclass(frozen=True, slots=True)
class Initialise:
    """initdb (or the adopted directory) under the marker, then identity, then the record learns the system id."""


@dataclass(frozen=True, slots=True)
class StartInRecovery:
    """Start with standby.signal and everything blank: safe at any time, whatever role the disk remembers."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """Persist the promise first; blank; prove 1 to 4 in order; only then report."""

    term: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """Revoke oneself, ask the others, count, and swap. Ends with the swap, a lost vote, or too few reports."""

    term: int
    ground: Ground


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Stream what is missing from the best under a name without a term, up to `upto`; revoked anew afterwards."""

    source: Member
    upto: Position


@dataclass(frozen=True, slots=True)
class Promote:
    """Map entry fsynced; WAL checked against the record; slots; setting; sessions ended; promote; ended again; the
    record corrected before anybody follows."""

    term: int


@dataclass(frozen=True, slots=True)
class ResumeService:
    """Start the holder's server as primary in its own term: gate closed, the record's setting in its files."""

    term: int


@dataclass(frozen=True, slots=True)
class Serve:
    """Barrier flushed by k; a renewal *sent after it*; only then the gate opens."""

    term: int


@dataclass(frozen=True, slots=True)
class RaiseTerm:
    """A FAILED ELECTION: own term raised in place by a swap, then the new names, then a barrier under them."""

    to_term: int


@dataclass(frozen=True, slots=True)
class ApplySetting:
    """Bring the server's synchronous_standby_names, parameters and files back to what the record and intents say."""


@dataclass(frozen=True, slots=True)
class ChangeVoters:
    """One step of the voter set, in the order of `cluster/voters.py`."""

    change: VoterChange


@dataclass(frozen=True, slots=True)
class KeepHouse:
    """Slots for these nodes, none for removed ones; members, their ids and who never votes in the record."""

    nodes: tuple[str, ...]
    members: tuple[Member, ...]
    voteless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Follow:
    """Promise, map and record made durable, then stream from the holder under `name`."""

    holder: Member
    term: int
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class LetGo:
    """Promise the new holder's term, then cut the stream from the older primary and prove it cut, so that following
    needs only the promotion."""

    holder: Member
    term: int


@dataclass(frozen=True, slots=True)
class StartFollowing:
    """Promise, map and record made durable, then start in recovery streaming from the holder under the bare name: a
    rewound directory may become consistent only with log that the holder wrote during the rewind."""

    holder: Member
    term: int


@dataclass(frozen=True, slots=True)
class Rewind:
    """Floor and marker durable first; stop; rewind; identity last; marker away."""

    source: str
    floor: Position


@dataclass(frozen=True, slots=True)
class Clone:
    """Floor and marker durable first; the clone is made beside; the old directory goes only past the floor."""

    source: str
    floor: Position | None
    keep_aside: bool


@dataclass(frozen=True, slots=True)
class Switchover:
    """Checkpoint; gate; laggards' walsenders ended; fast stop with a limit; hand over at the shutdown checkpoint."""

    request: SwitchoverRequest
    to: str


@dataclass(frozen=True, slots=True)
class DropRequest:
    """Take a switchover request that could not begin out of the configuration."""

    request: SwitchoverRequest


@dataclass(frozen=True, slots=True)
class FinishFloor:
    """The server is past its floor: forget it, and discard the directory that a clone replaced."""


@dataclass(frozen=True, slots=True)
class RecreateRecord:
    """The record is lost, or an old copy came back: write the last settled one again, create-if-absent (or in the old
    copy's place), one generation up."""


@dataclass(frozen=True, slots=True)
class RebuildRecord:
    """The record is lost and every server is here: revoked under a term above all promises, the best leads. The
    operator may have given servers up: then the term is forced."""

    term: int
    given_up: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForcePromotion:
    """The door: the operator named the servers that are given up."""

    basis: Basis
    given_up: tuple[str, ...]


class Leaving(StrEnum):
    """The agent was told to stop: alone (hand over first) or with the whole cluster."""

    NO = "no"
    NODE = "node"
    CLUSTER = "cluster"


class Order(StrEnum):
    """What the operator asked of this one node."""

    NONE = "none"
    RESTART = "restart"
    REINIT = "reinit"


@dataclass(frozen=True, slots=True)
class RestartServer:
    """Fast stop; what follows a server that is gone brings it up again in its role."""


@dataclass(frozen=True, slots=True)
class StopServer:
    """Fast stop, then kill; the agent ends afterwards."""


Action = (
    Wait
    | CloseGate
    | KillServer
    | Release
    | TakeBack
    | TakeOverLease
    | BeginFirstStart
    | TakeOverFirstStart
    | Initialise
    | StartInRecovery
    | Revoke
    | Campaign
    | CatchUp
    | Promote
    | ResumeService
    | Serve
    | RaiseTerm
    | ApplySetting
    | ChangeVoters
    | KeepHouse
    | Follow
    | LetGo
    | StartFollowing
    | Rewind
    | Clone
    | Switchover
    | DropRequest
    | FinishFloor
    | RestartServer
    | RecreateRecord
    | RebuildRecord
    | ForcePromotion
    | StopServer
)


def preempts(new: Action, running: Action) -> bool:
    """May `new` interrupt `running`? Fencing interrupts all; a revocation what only follows or waits."""
    if new == running:
        return False
    match new:
        case KillServer():
            return not isinstance(running, KillServer | StopServer | Release)
        case CloseGate():
            return isinstance(
                running, Serve | ChangeVoters | ApplySetting | KeepHouse | Switchover | RaiseTerm | DropRequest
            )
        case Revoke():
            return isinstance(running, Follow | LetGo | CatchUp | FinishFloor | Clone)
        case RaiseTerm():
            return isinstance(running, Serve | ChangeVoters)
        case ChangeVoters() | KeepHouse():
            return isinstance(running, Serve)  # its barrier may be waiting for just that
        case StopServer():
            return not isinstance(running, KillServer | StopServer | Switchover | Rewind)
        case StartFollowing():
            return isinstance(running, StartInRecovery | StartFollowing)
        case Clone() | Rewind() | Follow():
            # A clone or catch-up from a server that no longer leads is started again from the one that does.
            return isinstance(running, Clone | CatchUp)
        case _:
            return False
