"""How does a server that is not the primary come to follow it: as it is, by rewinding, or by a new clone?"""

from dataclasses import dataclass

from howdah.cluster.history import Chain, Diverged, Foreign, Prefix, chain_of_entries, compare, position_of
from howdah.cluster.record import Record, TimelineEntry
from howdah.values.member import Member
from howdah.values.position import Position


@dataclass(frozen=True, slots=True)
class Stream:
    """Its history is a prefix of the primary's: it may stream, under the voter's name if the record has it in V."""


@dataclass(frozen=True, slots=True)
class NeedsRewind:
    """It left the primary's history at `floor`: no vote below that afterwards (FLOOR)."""

    floor: Position


@dataclass(frozen=True, slots=True)
class NeedsClone:
    """No rewind can mend it. `floor`: the end it had, or where it left. `keep_aside`: never delete the directory."""

    reason: str
    floor: Position | None
    keep_aside: bool = False


Way = Stream | NeedsRewind | NeedsClone


def way_back(chain: Chain | None, end: Position | None, record: Record) -> Way:
    """What a server with this chain has to do to follow the record's holder.

    `chain` None: some timeline of it has no entry in its map. `end` is its own (term, LSN) where it is known."""
    entry = record.current_entry
    if entry is None:
        return NeedsClone("the record knows no timeline of the primary", end)
    if chain is None:
        reason = "a timeline of this server is in no map: its term is unknown"
        return NeedsClone(reason, end, keep_aside=True)
    theirs = chain_of_entries(record.timelines, entry)
    verdict = compare(chain, theirs)
    forced = [t for t in record.forced_terms if t > position_of(chain).term]
    match verdict:
        case Prefix():
            return Stream()
        case Diverged(fork=fork):
            if forced:
                return NeedsClone(f"term {forced[-1]} was forced: this directory is kept aside", fork, keep_aside=True)
            return NeedsRewind(fork)
        case Foreign(reason=reason):
            return NeedsClone(reason, position_of(chain), keep_aside=bool(forced))


def entries_to_follow(record: Record) -> tuple[TimelineEntry, ...]:
    """The map that a standby makes durable before it first follows: the primary's chain, one entry a timeline."""
    entry = record.current_entry
    if entry is None:
        return ()
    chain = {(link.timeline, link.term) for link in chain_of_entries(record.timelines, entry)}
    return tuple(e for e in record.timelines if (e.timeline, e.term) in chain)


def last_copy_reason(
    me: Member,
    end: Position | None,
    record: Record,
    others: tuple[tuple[Member, Position], ...],
    other_voter_lives: bool,
) -> str:
    """LAST COPY: why this directory may not be rewound or replaced now; "" if it may.

    `others` are servers that were heard now, with the (term, LSN) that they durably hold. While another live voter can
    flush the barrier, a rewind or clone waits until it has (`serving` says so); and another durable copy must hold at
    least this (term, LSN), where a higher term's winner holds all that was acknowledged below it."""
    if record.serving and record.holder != me:
        return ""
    if other_voter_lives:
        return "another voter is there to flush the new primary's barrier, and has not yet"
    if end is None:
        return "where this server's log ends is not known, and no primary serves yet"
    if any(member != me and position >= end for member, position in others):
        return ""
    return "no other server is known to hold as much as this one, and no primary serves yet"


def wants_floor(current: Position | None, new: Position | None) -> Position | None:
    """FLOOR only grows: the higher of the persisted floor and the new one."""
    if current is None or new is None:
        return current or new
    return max(current, new)


def below_floor(end: Position | None, floor: Position | None) -> bool:
    """No vote below the floor, compared as (term, LSN)."""
    return floor is not None and (end is None or end < floor)
