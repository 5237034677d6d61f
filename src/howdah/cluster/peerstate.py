"""What do agents tell each other?"""

from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter

from howdah.cluster.record import Basis, Record, only_renewed
from howdah.cluster.serverfacts import HistoryStep
from howdah.values.address import Address
from howdah.values.lsn import NO_LSN, Lsn
from howdah.values.member import Member
from howdah.values.position import Position


class NodeState(StrEnum):
    """A node's state as `howdah status` shows it."""

    RUNNING = "running"
    STREAMING = "streaming"
    CATCHING_UP = "catching up"
    STARTING = "starting"
    CLONING = "cloning"
    REWINDING = "rewinding"
    STOPPED = "stopped"
    FENCED = "fenced"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Tags:
    """What the operator says of a node. `priority` 0 means never primary; larger is preferred."""

    priority: int = 100
    nosync: bool = False
    nofailover: bool = False
    replicate_from: str = ""
    delay_ms: int = 0

    @property
    def may_be_primary(self) -> bool:
        """Servers that may never be primary are no voters either (IDENTITY)."""
        return self.priority > 0 and not self.nofailover and not self.delay_ms and not self.replicate_from

    @property
    def may_vote(self) -> bool:
        """Whether it may stand among those who must flush a commit."""
        return self.may_be_primary and not self.nosync


@dataclass(frozen=True, slots=True)
class Report:
    """A revoked server's word: for term `term` I can no longer acknowledge anybody, and I end at `position`.

    `holder_stopped` marks the record's holder itself, started in recovery under the promise."""

    member: Member
    term: int
    position: Position
    basis: Basis
    holder_stopped: bool = False
    incarnation: str = ""


@dataclass(frozen=True, slots=True)
class PromiseRequest:
    """Asks a server to revoke itself for `term`. `record` is the settled record the asker counts by."""

    term: int
    record: Record
    asker: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """No report, and why; `promise` is what the server has promised already."""

    reason: str
    promise: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Not revoked above `term` when this was read under the lock that promises take, and pointed at `upstream`.

    The name's term alone does not say whom a voter follows: where the store was put back to an old copy, another may
    have won the very term to which the asker had raised its own."""

    member: Member
    term: int
    incarnation: str = ""
    upstream: Address | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """One agent's state as its peers see it, pushed when it changes and once a second."""

    member: Member
    address: Address
    api: Address
    state: NodeState
    tags: Tags = Tags()
    promise: int = 0
    record: Record | None = None
    record_read: bool = False  # the store says so to this agent now: others may follow on it
    primary: bool = False  # its server is out of recovery
    promoted_term: int = 0  # the term in which it is the promoted (not necessarily serving) primary
    rewind_ready: bool = False  # and has checkpointed on its timeline
    serving_term: int = 0
    timeline: int = 0
    history: tuple[HistoryStep, ...] = ()
    end_lsn: Lsn = NO_LSN
    replay_lag_ms: int = 0
    position: Position | None = None  # of a server in recovery, (term of the WAL, end)
    follows: str = ""  # the peer it streams from, "" for nobody
    prefix_term: int = 0  # PREFIX was checked against the primary of this term
    may_vote_now: bool = False  # complete directory, at or past its floor, tags and settings allow it
    suspects_term: int = 0  # sees the primary of this term gone (stream broken, connections refused)
    system_identifier: str = ""
    version: int = 0
    collation: str = ""
    sensitive: tuple[tuple[str, int], ...] = ()
    pending_restart: tuple[str, ...] = ()
    lost_slots: tuple[str, ...] = ()  # of a primary: members whose WAL is gone from it, who must clone
    reason: str = ""  # the sentence of its present decision
    rule: str = ""
    uptime_ms: int = 0
    incarnation: str = ""  # which process says all this
    incomplete: str = ""  # why nobody can tell what its data directory had, such as "rewinding"; "" if it is whole


PROGRESS = frozenset(("record", "end_lsn", "position", "uptime_ms", "reason", "rule"))
_standing = attrgetter(*(field.name for field in fields(Published) if field.name not in PROGRESS))


def only_progress(before: Published, after: Published) -> bool:
    """Whether nothing differs but how far the server is on the same timeline and term, the lease's renewals, the
    words for what it does and the time that went by: nobody has to decide anew at once for that."""
    if (before.position is None) != (after.position is None) or _standing(before) != _standing(after):
        return False
    if before.position is not None and after.position is not None and before.position.term != after.position.term:
        return False
    if before.record is None or after.record is None:
        return before.record is after.record
    return only_renewed(before.record, after.record)
