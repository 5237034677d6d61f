"""Which voter change comes next?

Loosen (add a voter, lower k): store first, then PostgreSQL. Tighten (drop a voter, raise k): PostgreSQL first, prove
it live, a barrier flushed by k of the new V, then the store. Replace (a voter's disk is another one now): PostgreSQL
without the old one, a barrier flushed by the new one, then the store, and PostgreSQL names it again. One change at a
time; each leads to a safe state.
"""

from dataclasses import dataclass

from howdah.cluster.intents import Intents
from howdah.cluster.quorum import SyncSetting, setting_for, setting_without
from howdah.cluster.record import Mode, Record
from howdah.values.member import Member


@dataclass(frozen=True, slots=True)
class Admit:
    """Loosen by a voter that streams and has passed PREFIX."""

    voter: Member


@dataclass(frozen=True, slots=True)
class Drop:
    """Tighten by a voter that is dead, gone or no longer fit, so that the next failure is survived too."""

    voter: Member
    reason: str


@dataclass(frozen=True, slots=True)
class Replace:
    """The new disk under a voter's name takes the old one's place, which may be needed for k and never returns."""

    old: Member
    new: Member


@dataclass(frozen=True, slots=True)
class LowerK:
    """Loosen: the operator's k or mode."""

    k: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class RaiseK:
    """Tighten towards the target k as voters come."""

    k: int
    mode: Mode


VoterChange = Admit | Drop | Replace | LowerK | RaiseK


@dataclass(frozen=True, slots=True)
class Standing:
    """How the holder sees one server: `fit` to be a voter (streams, PREFIX passed for this term, tags and settings
    allow it, replay close); `absent_ms` since when it has not streamed (0 while it does)."""

    member: Member
    fit: bool
    absent_ms: int
    reason: str = ""


def next_change(
    record: Record, standings: tuple[Standing, ...], intents: Intents, voter_stall_ms: int
) -> VoterChange | None:
    """The next step from the record towards what the operator asked for; None when there is nothing to do."""
    mode, target = intents.effective_mode, intents.effective_k(record.voteless)
    if record.k > target or (mode is Mode.ASYNC and record.mode is not mode):
        return LowerK(min(record.k, target), mode)
    by_name = {standing.member.name: standing for standing in standings}
    for standing in standings:
        if not standing.fit or record.voter(standing.member):
            continue
        old = next((v for v in record.voters if v.name == standing.member.name), None)
        if old is None:
            return Admit(standing.member)
        if record.k >= 1 and _enough_with_new_disks(record, standings):
            return Replace(old, standing.member)
    if record.k < target or record.mode is not mode:
        present = sum(1 for v in record.voters if _streams(by_name.get(v.name), v))
        if min(present, target) > record.k or (record.mode is not mode and present >= 1):
            return RaiseK(max(min(present, target), record.k, 1), mode)
    return _next_drop(record, by_name, intents, voter_stall_ms)


def _streams(standing: Standing | None, voter: Member) -> bool:
    return standing is not None and standing.member == voter and standing.absent_ms == 0


def _enough_with_new_disks(record: Record, standings: tuple[Standing, ...]) -> bool:
    """Whether k can flush a commit once the new disks that stream now have their places: fewer would only change the
    term, and keep clients out until its barrier has passed."""
    there = {s.member.name for s in standings if s.fit or (record.voter(s.member) and s.absent_ms == 0)}
    return sum(voter.name in there for voter in record.voters) >= record.k


def _next_drop(
    record: Record, by_name: dict[str, Standing], intents: Intents, voter_stall_ms: int
) -> VoterChange | None:
    """Dead voters go while |V| - 1 >= k, and only while k of the rest are there to flush the barrier."""
    if len(record.voters) - 1 < record.k:
        return None
    for voter in record.voters:
        standing = by_name.get(voter.name)
        rest = [v for v in record.voters if v != voter and _streams(by_name.get(v.name), v)]
        if len(rest) < record.k:
            continue
        if voter.name not in intents.nodes:
            return Drop(voter, "it is no longer configured")
        if standing is None or standing.member != voter:
            return Drop(voter, "its data directory is another one now, or it was never heard of")
        if standing.absent_ms >= voter_stall_ms:
            return Drop(voter, f"it has not streamed for {standing.absent_ms / 1000:.0f} s")
        if standing.absent_ms == 0 and not standing.fit and standing.reason:
            return Drop(voter, standing.reason)
    return None


def tightened_setting(record: Record, change: Drop | Replace | RaiseK) -> SyncSetting:
    """What PostgreSQL must enforce before the store may say so."""
    names = [voter.name for voter in record.voters]
    match change:
        case Drop(voter=voter):
            return setting_for(record.term, tuple(n for n in names if n != voter.name), record.k, record.mode)
        case Replace(old=old):
            return setting_without(record, old.name)
        case RaiseK(k=k, mode=mode):
            return setting_for(record.term, tuple(names), k, mode)
