"""Which changes of the record are there, and when is each allowed?

A change is applied to the record that was read; the result goes out by compare-and-swap. Applying it again after a
conflict re-checks everything, so a change never lands on a record it was not meant for.
"""

from dataclasses import dataclass, replace

from howdah.cluster.incarnation import same_seat
from howdah.cluster.policy import LeaseTimes
from howdah.cluster.quorum import votes_needed
from howdah.cluster.record import Basis, Handover, Mode, Phase, Record, TimelineEntry
from howdah.values.member import Member
from howdah.values.position import Position


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The record is no longer one that this change may be made to."""

    reason: str


@dataclass(frozen=True, slots=True)
class Renew:
    """The holder proves its ownership. `serving` None leaves it as it is; True only after the barrier.

    `proved`: what the barrier was flushed for. A swap of an agent that died may land late and change the voters.
    `lease`: times that the holder has bound itself to, to be in force from now on; None: those of the record stay."""

    holder: Member
    term: int
    serving: bool | None = None
    position: Position | None = None
    proved: Basis | None = None
    lease: LeaseTimes | None = None


@dataclass(frozen=True, slots=True)
class Win:
    """An election was won. `counter` is set in async mode: there the lease counter must be unchanged as well."""

    winner: Member
    term: int
    basis: Basis
    position: Position
    entry: TimelineEntry
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class RaiseTerm:
    """A FAILED ELECTION left promises behind: the holder raises its own term in place. No promotion, no votes."""

    holder: Member
    term: int
    to_term: int


@dataclass(frozen=True, slots=True)
class AdmitVoter:
    """Loosen: store first. Where this term knew another disk as a voter under the name, the term is raised with it."""

    holder: Member
    term: int
    voter: Member


@dataclass(frozen=True, slots=True)
class DropVoter:
    """Tighten: PostgreSQL first, proved live, then a barrier; only then this.

    `proved`: the record that setting and barrier were made for. On any other they prove nothing: with two voters
    dropped by two changes, the second one's setting may name the first one's voter."""

    holder: Member
    term: int
    voter: Member
    proved: Basis | None = None


@dataclass(frozen=True, slots=True)
class ReplaceVoter:
    """A voter's place passes to the new disk under its name: PostgreSQL counts the old one no more, proved live, and
    the new one has flushed a barrier written after that; only then this. Neither |V| nor k changes. The term is raised
    with it: names carry name and term, and this term's name belongs to the old disk.

    `proved`: as in `DropVoter`."""

    holder: Member
    term: int
    old: Member
    new: Member
    proved: Basis | None = None


@dataclass(frozen=True, slots=True)
class SetK:
    """Lowered (loosen, store first; by the operator only) or raised (tighten, store last). The mode goes with it.

    `proved`: as in `DropVoter`, where k is raised."""

    holder: Member
    term: int
    k: int
    mode: Mode
    proved: Basis | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The lease is given up: every process of the server was verified gone first."""

    holder: Member
    term: int
    handover: Handover | None = None


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The old primary returns from a hand-over that nobody took: a new generation, before its server starts again,
    since a mere renewal would let the target win meanwhile."""

    holder: Member
    term: int


@dataclass(frozen=True, slots=True)
class CorrectEntry:
    """After the promotion the holder compares, and corrects the record before anybody follows. At the first start it
    says the system identifier too. `entries`: every timeline that was made in this term, oldest first: a winner that
    died while it promoted, and was promoted again, made two."""

    holder: Member
    term: int
    entries: tuple[TimelineEntry, ...]
    system_identifier: str = ""


@dataclass(frozen=True, slots=True)
class Establish:
    """Just before the first client is let in."""

    holder: Member
    term: int


@dataclass(frozen=True, slots=True)
class KeepMembers:
    """Which servers are or were members, with their last known ids, and which of them never vote."""

    holder: Member
    term: int
    members: tuple[Member, ...]
    voteless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeOverFirstStart:
    """Another node takes over an initialisation that never let a client in, after a whole lease."""

    winner: Member
    system_identifier: str
    counter: int


@dataclass(frozen=True, slots=True)
class TakeOverLease:
    """The holder's own data on another seat: its machine was restarted, or it is a copy of the disk. Only after a whole
    lease of silence of `incarnation`, and in a higher term: what confirmed or acknowledged the other no longer does."""

    holder: Member
    term: int
    to_term: int
    incarnation: str
    counter: int


@dataclass(frozen=True, slots=True)
class Force:
    """The door: the operator gave servers up. The term is marked forced; V and k are set anew."""

    winner: Member
    term: int
    basis: Basis
    position: Position
    entry: TimelineEntry
    voters: tuple[Member, ...]
    k: int


Change = (
    Renew
    | Win
    | RaiseTerm
    | AdmitVoter
    | DropVoter
    | ReplaceVoter
    | SetK
    | Release
    | TakeBack
    | CorrectEntry
    | Establish
    | KeepMembers
    | TakeOverFirstStart
    | TakeOverLease
    | Force
)


def apply(change: Change, record: Record, by: str = "") -> Record | NotAllowed:
    """The record after the change (with the lease counter raised), or why it may not be made.

    `by`: the incarnation that makes it."""
    match change:
        case Win() | Force():
            return _apply_win(change, record)
        case TakeOverFirstStart():
            return _apply_take_over(change, record)
        case _:
            if record.holder != change.holder:
                return NotAllowed(f"{record.holder.name} holds the record, in term {record.term}")
            if record.term != change.term:
                return NotAllowed(f"the term is {record.term} now, not {change.term}")
            if not isinstance(change, TakeOverLease) and not same_seat(record.incarnation, by):
                return NotAllowed(f"another agent of {record.holder.name}'s name and data holds the lease")
            if isinstance(change, _PROVED) and change.proved not in (None, record.basis):
                return NotAllowed("the voters are others now than those that the proof was made for")
            changed = _apply_own(change, record)
            if isinstance(changed, NotAllowed):
                return changed
            return replace(changed, lease_counter=record.lease_counter + 1)


_PROVED = Renew | DropVoter | ReplaceVoter | SetK
_Voters = AdmitVoter | DropVoter | ReplaceVoter | SetK
_Own = Renew | RaiseTerm | _Voters | Release | TakeBack | TakeOverLease | CorrectEntry | Establish | KeepMembers


def _apply_own(change: _Own, record: Record) -> Record | NotAllowed:
    """Changes that only the holder makes, in its own term."""
    match change:
        case Renew(serving=serving, position=position, lease=lease):
            if record.released:
                return NotAllowed("the lease was given up; only a new generation takes it back")
            return replace(
                record,
                serving=record.serving if serving is None else serving,
                holder_position=position or record.holder_position,
                lease=lease or record.lease,
            )
        case RaiseTerm(to_term=to_term):
            if to_term <= record.term or record.released:
                return NotAllowed("only a higher term can be raised to, and only while the lease is held")
            return replace(record, term=to_term, spent=())
        case AdmitVoter() | DropVoter() | ReplaceVoter() | SetK():
            return _apply_voters(change, record)
        case Release(handover=handover):
            return replace(record, released=True, serving=False, handover=handover)
        case TakeBack():
            return replace(record, released=False, serving=False, handover=None, generation=record.generation + 1)
        case TakeOverLease():
            return _apply_take_over_lease(change, record)
        case CorrectEntry(entries=entries, system_identifier=system_identifier):
            if record.system_identifier and system_identifier not in ("", record.system_identifier):
                return NotAllowed("the cluster has another system identifier already")
            kept = tuple(e for e in record.timelines if e.term != entries[-1].term)
            return replace(
                record,
                timelines=(*kept, *entries),
                system_identifier=record.system_identifier or system_identifier,
            )
        case Establish():
            return replace(record, phase=Phase.ESTABLISHED)
        case KeepMembers(members=members, voteless=voteless):
            return replace(record, members=tuple(sorted(members)), voteless=tuple(sorted(voteless)))


def _apply_voters(change: _Voters, record: Record) -> Record | NotAllowed:
    """Who must flush a commit, and how many."""
    match change:
        case AdmitVoter(voter=voter):
            # V never contains the primary; a new disk under an old name replaces the old id.
            if voter.name == record.holder.name:
                return NotAllowed("the primary is never a voter")
            if any(v.name == voter.name and v.id != voter.id for v in record.voters):
                return NotAllowed(
                    f"{voter.name} is a voter with another data directory: it has to take that one's place"
                )
            voters = tuple(sorted({*record.voters, voter}))
            if any(v.name == voter.name and v.id != voter.id for v in record.spent):
                return _in_a_new_term(record, voters)
            return replace(record, voters=voters)
        case DropVoter(voter=voter):
            rest = tuple(v for v in record.voters if v != voter)
            if len(rest) < record.k:
                return NotAllowed(f"{len(rest)} voters would be left, and k is {record.k}")
            return replace(record, voters=rest, spent=tuple(sorted({*record.spent, voter})))
        case ReplaceVoter(old=old, new=new):
            if not record.voter(old) or old.name != new.name or old == new:
                return NotAllowed(f"{old.name}'s place cannot pass to another data directory: it is not a voter's")
            return _in_a_new_term(record, tuple(sorted({*record.voters, new} - {old})))
        case SetK(k=k, mode=mode):
            if k > len(record.voters):
                return NotAllowed(f"k cannot be {k} with {len(record.voters)} voters")
            return replace(record, k=k, mode=mode)


def _in_a_new_term(record: Record, voters: tuple[Member, ...]) -> Record | NotAllowed:
    """These voters under names that no walsender can have yet: the term raised in place, as `RaiseTerm` does."""
    if record.released:
        return NotAllowed("only while the lease is held the term can be raised in place")
    return replace(record, voters=voters, term=record.term + 1, spent=())


def _apply_win(change: Win | Force, record: Record) -> Record | NotAllowed:
    """SAME RECORD: what was counted must be what is replaced. V := V - winner + old primary, dead or not; k stays."""
    if record.basis != change.basis:
        return NotAllowed("the record changed since the promises were asked for")
    if change.term <= record.term:
        return NotAllowed(f"term {change.term} is not above the record's term {record.term}")
    if isinstance(change, Win):
        if change.counter is not None and record.lease_counter != change.counter:
            return NotAllowed("the holder renewed meanwhile")
        voters = tuple(sorted({*record.voters, record.holder} - {change.winner}))
        voters = tuple(v for v in voters if v.name != change.winner.name)
        k, forced = record.k, record.forced_terms
        if k and votes_needed(len(voters), k) < 1:
            return NotAllowed("there would be fewer voters than k")
    else:
        voters, k, forced = change.voters, change.k, (*record.forced_terms, change.term)
    return replace(
        record,
        term=change.term,
        holder=change.winner,
        voters=voters,
        k=k,
        forced_terms=forced,
        generation=record.generation + (1 if isinstance(change, Force) else 0),
        timelines=(*record.timelines, change.entry),
        spent=(),
        winner_position=change.position,
        holder_position=change.position,
        serving=False,
        released=False,
        handover=None,
        lease_counter=record.lease_counter + 1,
    )


def _apply_take_over_lease(change: TakeOverLease, record: Record) -> Record | NotAllowed:
    """A lease that was given up has nobody behind it: it is taken as it is, and no hand-over is disturbed."""
    if (record.incarnation, record.lease_counter) != (change.incarnation, change.counter):
        return NotAllowed("the other agent of this name and data renewed meanwhile")
    if not record.released and change.to_term <= record.term:
        return NotAllowed("the lease of another agent of this name and data is taken over only in a higher term")
    if record.released:
        return record
    return replace(record, term=change.to_term, serving=False, spent=())


def _apply_take_over(change: TakeOverFirstStart, record: Record) -> Record | NotAllowed:
    """Nobody was ever served, so nothing can be lost: the new node begins in a higher term with its own directory."""
    if record.phase is not Phase.INITIALISING:
        return NotAllowed("the cluster is established: a first start cannot be taken over")
    if record.lease_counter != change.counter:
        return NotAllowed("the initialising node renewed meanwhile")
    return replace(
        record,
        term=record.term + 1,
        generation=record.generation + 1,
        holder=change.winner,
        system_identifier=change.system_identifier,
        voters=(),
        k=0,
        timelines=(),
        spent=(),
        serving=False,
        released=False,
        lease_counter=record.lease_counter + 1,
    )
