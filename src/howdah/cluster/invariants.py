"""What do we promise? Stated once, as functions over what was seen; "" means that the promise was kept.

Numbers are those of the list of invariants (S1-S27). Used by the simulator and by the checks on real servers.
"""

from collections.abc import Callable

from howdah.cluster.localstate import LocalState
from howdah.cluster.quorum import NAMES_NOBODY, SyncSetting, is_covered, setting_of, votes_needed, wait_name
from howdah.cluster.record import Mode, Phase, Record
from howdah.values.member import Member


def single_winner_per_term(before: Record | None, after: Record) -> str:
    """S1: a term belongs to one data directory."""
    if before is not None and after.term == before.term and after.holder != before.holder:
        return f"term {after.term} passed from {before.holder} to {after.holder} without a new term"
    return ""


def term_never_falls(before: Record | None, after: Record) -> str:
    """S2: the record's generation and term never go back."""
    if before is not None and (after.generation, after.term) < (before.generation, before.term):
        return f"the record went from term {before.term} back to {after.term}"
    return ""


def primary_is_no_voter(record: Record) -> str:
    """S5: the voters never include the holder, nor one name twice (S26), and are enough for k."""
    names = [voter.name for voter in record.voters]
    if record.holder.name in names:
        return f"the holder {record.holder} is among the voters"
    if len(set(names)) != len(names):
        return f"a name is twice among the voters: {names}"
    if record.k > len(names):
        return f"k = {record.k} with {len(names)} voters"
    return ""


def setting_covers_record(record: Record, setting: SyncSetting) -> str:
    """S5, S20: commits acknowledged under the setting in force are found by every election of the record."""
    if record.mode is Mode.ASYNC or record.k == 0:
        return ""
    if not setting.names:
        return "synchronous_standby_names is empty in quorum mode"
    if setting == NAMES_NOBODY:
        return ""  # nobody can acknowledge anything
    voters = tuple(v.name for v in record.voters)
    if not is_covered(setting, record.term, voters, record.k):
        return f"the setting {setting} does not cover k = {record.k} of {voters} in term {record.term}"
    return ""


def tightened_after_proof(before: Record | None, after: Record, in_force: SyncSetting | None) -> str:
    """S21: when the store is tightened, the holder's server already enforces what the tightened record asks."""
    if before is None or before.holder != after.holder or in_force is None:
        return ""
    if before.term != after.term:
        gone = {wait_name(v.name, before.term) for v in before.voters if not after.voter(v)} & set(in_force.names)
        return f"a voter's place was given away while PostgreSQL still counts {min(gone)}" if gone else ""
    if after.k <= before.k and set(before.voters) <= set(after.voters):
        return ""
    fault = setting_covers_record(after, in_force)
    return f"the store was tightened too early: {fault}" if fault else ""


def promise_only_grows(before: LocalState, after: LocalState) -> str:
    """S2, S6: NEVER WITHDRAWN."""
    if after.promise < before.promise:
        return f"the promise of term {before.promise} was withdrawn, to {after.promise}"
    return ""


def writable_was_won(holders: dict[int, Member], member: Member) -> str:
    """S9: who runs read-write has won a term before. `holders`: by term, as the store said."""
    return "" if member in holders.values() else f"{member.name} runs read-write and never held a term"


def acknowledged_commits_survive(has_all: Callable[[], str], who: str) -> str:
    """S3, S8: whoever leads has every acknowledged commit. `has_all` names one that is missing."""
    missing = has_all()
    return f"{who} leads without the acknowledged {missing}" if missing else ""


def acknowledged_is_flushed_by_k(commit: object, flushed_on: tuple[str, ...], k: int) -> str:
    """S5: an acknowledged commit is durable on k servers beside the primary: by possession, not by number (PREFIX)."""
    if len(flushed_on) >= k:
        return ""
    return f"{commit} was acknowledged with k = {k}, and is durable only on {', '.join(flushed_on) or 'the primary'}"


def every_election_finds(commit: object, holder_has: bool, voters_without: tuple[str, ...], record: Record) -> str:
    """S3 before anybody dies: any |V| - k + 1 voters that may vote have one among them who has it; and the holder has.

    `voters_without`: who lacks the commit, and is neither below its floor nor incomplete: those never vote."""
    if not holder_has:
        return f"{record.holder.name}, which holds the record, leads without the acknowledged {commit}"
    if len(voters_without) < votes_needed(len(record.voters), record.k):
        return ""
    return f"{', '.join(voters_without)} may elect one of them with k = {record.k}, without the acknowledged {commit}"


def barrier_before_clients(barrier_flushed: bool, who: str) -> str:
    """S12: no client is acknowledged before a barrier of this start was flushed by a quorum."""
    return "" if barrier_flushed else f"{who} acknowledged a client before its barrier"


def served_only_with_a_quorum(record: Record) -> str:
    """Part 3: in quorum mode clients are let in only at k >= 1, and only in an established cluster."""
    if record.serving and record.mode is Mode.QUORUM and record.k < 1:
        return "it serves with k = 0 in quorum mode"
    if record.serving and record.phase is not Phase.ESTABLISHED:
        return "it serves before the cluster is established"
    return ""


def whole(record: Record, nodes: tuple[str, ...], k: int) -> str:
    """L29: V is every other healthy node, k is the target, and the holder serves."""
    others = {name for name in nodes if name != record.holder.name}
    if {v.name for v in record.voters} != others:
        return f"the voters are {sorted(v.name for v in record.voters)}, the others {sorted(others)}"
    if record.k != k:
        return f"k is {record.k} and should be {k}"
    wanted = setting_of(record)
    return "" if record.serving else f"the holder of term {record.term} does not serve ({wanted})"
