"""Which changes of the record are allowed, and what they do: SAME RECORD, one holder a term, V after a win."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.changes import (
    AdmitVoter,
    Change,
    CorrectEntry,
    DropVoter,
    Establish,
    Force,
    KeepMembers,
    NotAllowed,
    RaiseTerm,
    Release,
    Renew,
    ReplaceVoter,
    SetK,
    TakeBack,
    TakeOverFirstStart,
    Win,
    apply,
)
from howdah.cluster.record import Handover, Mode, Phase, Record, TimelineEntry
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from tests.cluster.builders import ENTRIES, N1, N2, N3, N4, RECORD, a_record, at

ENTRY = TimelineEntry(3, 6, 2, Lsn(2000), 5)
HANDOVER = Handover("n2", at(5, 2000))


def made(change: Change, record: Record = RECORD) -> Record:
    result = apply(change, record)
    assert isinstance(result, Record), result
    return result


def refused(change: Change, record: Record = RECORD) -> str:
    result = apply(change, record)
    assert isinstance(result, NotAllowed), result
    return result.reason


def a_win(record: Record = RECORD, **changes: Any) -> Win:
    win = Win(N2, record.term + 1, record.basis, at(5, 2000), ENTRY)
    return replace(win, **changes)


OWN: tuple[Change, ...] = (
    Renew(N1, 5), RaiseTerm(N1, 5, 7), AdmitVoter(N1, 5, N4), DropVoter(N1, 5, N3), SetK(N1, 5, 2, Mode.QUORUM),
    ReplaceVoter(N1, 5, N2, Member("n2", "a-new-disk")), Release(N1, 5), TakeBack(N1, 5), Establish(N1, 5),
    CorrectEntry(N1, 5, (ENTRY,)), KeepMembers(N1, 5, (N1,)),
)  # fmt: skip


@pytest.mark.parametrize("change", OWN, ids=lambda c: type(c).__name__)
def test_what_the_holder_does_is_refused_to_everybody_else(change: Change) -> None:
    assert made(change).lease_counter == RECORD.lease_counter + 1
    assert "holds the record" in refused(change, a_record(holder=N4))
    assert "holds the record" in refused(change, a_record(holder=Member("n1", "a-new-disk")))


@pytest.mark.parametrize("change", OWN, ids=lambda c: type(c).__name__)
def test_what_the_holder_does_in_a_term_that_is_over_is_refused(change: Change) -> None:
    assert "the term is 6" in refused(change, a_record(term=6))


def test_a_renewal_changes_nothing_but_the_lease() -> None:
    assert made(Renew(N1, 5)) == a_record(lease_counter=11)
    assert made(Renew(N1, 5, serving=False)).serving is False
    assert made(Renew(N1, 5, position=at(5, 3000))).holder_position == at(5, 3000)
    assert made(Renew(N1, 5), a_record(holder_position=at(5, 1))).holder_position == at(5, 1)


def test_a_lease_that_was_given_up_is_neither_renewed_nor_raised_but_taken_back() -> None:
    released = made(Release(N1, 5, HANDOVER))
    assert (released.released, released.serving, released.handover) == (True, False, HANDOVER)
    refused(Renew(N1, 5), released)
    refused(RaiseTerm(N1, 5, 7), released)
    back = made(TakeBack(N1, 5), released)
    assert (back.released, back.serving, back.handover) == (False, False, None)


def test_taking_back_changes_the_generation_so_that_the_target_cannot_win_meanwhile() -> None:
    released = made(Release(N1, 5, HANDOVER))
    win = a_win(released)
    made(win, released)
    assert "changed since" in refused(win, made(TakeBack(N1, 5), released))


def test_raising_the_term_in_place_keeps_voters_k_and_map_and_only_goes_up() -> None:
    assert made(RaiseTerm(N1, 5, 7)) == a_record(term=7, lease_counter=11)
    refused(RaiseTerm(N1, 5, 5))
    refused(RaiseTerm(N1, 5, 4))


def test_a_win_that_was_counted_before_the_term_was_raised_in_place_fails() -> None:
    assert "changed since" in refused(a_win(term=9), made(RaiseTerm(N1, 5, 7)))


def test_the_primary_is_never_a_voter() -> None:
    assert "never a voter" in refused(AdmitVoter(N1, 5, Member("n1", "another-disk")))


NEW_DISK = Member("n2", "a-new-disk")


def test_a_new_disk_under_a_voter_s_name_is_not_admitted_beside_the_old_one() -> None:
    assert "take that one's place" in refused(AdmitVoter(N1, 5, NEW_DISK))


def test_a_new_disk_takes_the_old_one_s_place_in_a_higher_term_with_as_many_voters_and_the_same_k() -> None:
    for k, voters in ((1, (N2,)), (1, (N2, N3)), (2, (N2, N3))):
        swapped = made(ReplaceVoter(N1, 5, N2, NEW_DISK), a_record(k=k, voters=voters, spent=(N4,)))
        assert swapped.voters == (NEW_DISK, *voters[1:])
        assert (swapped.k, swapped.term, swapped.spent) == (k, 6, ())


def test_only_the_same_name_takes_a_voter_s_place_and_only_while_the_lease_is_held() -> None:
    assert "cannot pass" in refused(ReplaceVoter(N1, 5, N2, N4))
    assert "cannot pass" in refused(ReplaceVoter(N1, 5, NEW_DISK, N2))
    assert "cannot pass" in refused(ReplaceVoter(N1, 5, N2, N2))
    assert "lease is held" in refused(ReplaceVoter(N1, 5, N2, NEW_DISK), a_record(released=True))


def test_a_win_that_was_counted_with_the_lost_disk_fails_once_the_new_one_has_its_place() -> None:
    assert "changed since" in refused(a_win(), made(ReplaceVoter(N1, 5, N2, NEW_DISK)))
    won = made(a_win())
    assert "holds the record" in refused(ReplaceVoter(N1, 5, N3, Member("n3", "a-new-disk"), RECORD.basis), won)


def test_a_name_that_a_dropped_disk_had_in_this_term_is_given_to_another_disk_only_in_a_higher_term() -> None:
    dropped = made(DropVoter(N1, 5, N2))
    assert dropped.spent == (N2,)
    back = made(AdmitVoter(N1, 5, N2), dropped)
    assert (back.voters, back.term) == ((N2, N3), 5)
    new = made(AdmitVoter(N1, 5, NEW_DISK), dropped)
    assert (new.voters, new.term, new.spent) == ((NEW_DISK, N3), 6, ())
    raised = made(RaiseTerm(N1, 5, 7), dropped)
    assert made(AdmitVoter(N1, 7, NEW_DISK), raised).term == 7
    assert made(a_win(dropped), dropped).spent == ()


def test_voters_stay_in_the_order_of_their_names() -> None:
    assert made(AdmitVoter(N1, 5, N2), a_record(voters=(N3, N4))).voters == (N2, N3, N4)


def test_no_voter_is_dropped_below_k() -> None:
    assert "k is 2" in refused(DropVoter(N1, 5, N3), a_record(k=2))
    assert made(DropVoter(N1, 5, N3)).voters == (N2,)


def test_k_is_never_more_than_the_voters() -> None:
    assert made(SetK(N1, 5, 2, Mode.QUORUM)).k == 2
    assert "cannot be 3" in refused(SetK(N1, 5, 3, Mode.QUORUM))
    assert made(SetK(N1, 5, 0, Mode.ASYNC)).mode is Mode.ASYNC


def test_the_holder_corrects_the_entry_of_its_own_promotion_only() -> None:
    right = TimelineEntry(3, 5, 1, Lsn(1001))
    assert made(CorrectEntry(N1, 5, (right,))).timelines == (ENTRIES[0], right)
    again = TimelineEntry(4, 5, 3, Lsn(1100), 5)
    both = made(CorrectEntry(N1, 5, (right, again)))
    assert both.timelines == (ENTRIES[0], right, again)
    assert both.current_entry == again


def test_the_first_start_says_the_system_identifier_once() -> None:
    first = a_record(system_identifier="")
    assert made(CorrectEntry(N1, 5, (ENTRY,), "77"), first).system_identifier == "77"
    assert "another system identifier" in refused(CorrectEntry(N1, 5, (ENTRY,), "78"))
    assert made(CorrectEntry(N1, 5, (ENTRY,))).system_identifier == RECORD.system_identifier


def test_members_are_kept_with_those_that_never_vote() -> None:
    kept = made(KeepMembers(N1, 5, (N2, N1), ("n4", "n2")))
    assert (kept.members, kept.voteless) == ((N1, N2), ("n2", "n4"))


def test_a_first_start_ends_when_it_is_established() -> None:
    assert made(Establish(N1, 5), a_record(phase=Phase.INITIALISING)).phase is Phase.ESTABLISHED


def test_a_win_takes_the_winner_out_of_the_voters_and_puts_the_old_primary_in_dead_or_not() -> None:
    won = made(a_win())
    assert won.voters == (N1, N3)
    assert won.k == RECORD.k
    assert (won.holder, won.term, won.serving, won.released, won.handover) == (N2, 6, False, False, None)
    assert won.timelines == (*ENTRIES, ENTRY)
    assert won.winner_position == at(5, 2000)


def test_a_winner_that_was_no_voter_leaves_the_others_in() -> None:
    assert made(a_win(winner=N4)).voters == (N1, N2, N3)


def test_a_winner_under_the_old_primary_s_name_leaves_no_second_server_of_that_name() -> None:
    assert made(a_win(winner=Member("n1", "a-new-disk"))).voters == (N2, N3)


def test_a_win_that_would_leave_fewer_voters_than_k_is_refused() -> None:
    alone = a_record(voters=(N2,), k=2)
    assert "fewer voters" in refused(a_win(alone), alone)


@pytest.mark.parametrize(
    "changed",
    [a_record(generation=2), a_record(voters=(N2, N3, N4)), a_record(k=2), a_record(holder=N3), a_record(term=7)],
)
def test_a_win_counted_for_another_record_is_refused(changed: Record) -> None:
    assert "changed since" in refused(a_win(term=9), changed)


def test_a_win_survives_renewals_in_quorum_mode_but_not_in_async() -> None:
    renewed = made(Renew(N1, 5))
    made(a_win(), renewed)
    assert "renewed meanwhile" in refused(a_win(counter=RECORD.lease_counter), renewed)
    made(a_win(counter=renewed.lease_counter), renewed)


def test_a_win_needs_a_higher_term() -> None:
    assert "not above" in refused(a_win(term=5))


def test_the_door_marks_its_term_forced_and_sets_voters_and_k_anew() -> None:
    force = Force(N3, 9, RECORD.basis, at(5, 1500), ENTRY, (), 0)
    forced = made(force)
    assert (forced.holder, forced.voters, forced.k, forced.forced_terms) == (N3, (), 0, (9,))
    assert forced.generation == RECORD.generation + 1
    assert "changed since" in refused(force, a_record(generation=2))
    assert "not above" in refused(replace(force, term=5))


def test_a_first_start_is_taken_over_only_while_nobody_was_ever_served() -> None:
    first = a_record(phase=Phase.INITIALISING, voters=(), k=0, serving=False)
    taken = made(TakeOverFirstStart(N2, "", 10), first)
    assert (taken.holder, taken.term, taken.generation, taken.timelines) == (N2, 6, 2, ())
    assert taken.system_identifier == ""
    assert "renewed meanwhile" in refused(TakeOverFirstStart(N2, "", 9), first)
    assert "established" in refused(TakeOverFirstStart(N2, "", 10))


# --- any sequence of changes by anybody


who = st.sampled_from((N1, N2, N3, N4, Member("n2", "a-new-disk")))
terms = st.integers(1, 12)
kinds = st.sampled_from(
    ("renew", "raise", "admit", "drop", "replace", "k", "release", "back", "win", "force", "take over")
)


def some_change(kind: str, actor: Member, other: Member, term: int, basis: Record) -> Change:
    """A change of this kind, thought of when the record was `basis`."""
    match kind:
        case "renew":
            return Renew(actor, basis.term)
        case "raise":
            return RaiseTerm(actor, basis.term, term)
        case "admit":
            return AdmitVoter(actor, basis.term, other)
        case "drop":
            return DropVoter(actor, basis.term, other)
        case "replace":
            return ReplaceVoter(actor, basis.term, other, Member(other.name, "a-new-disk"))
        case "k":
            return SetK(actor, basis.term, term % 4, Mode.QUORUM)
        case "release":
            return Release(actor, basis.term, HANDOVER)
        case "back":
            return TakeBack(actor, basis.term)
        case "win":
            return Win(actor, term, basis.basis, at(5, 2000), ENTRY)
        case "force":
            return Force(actor, term, basis.basis, at(5, 2000), ENTRY, (), 0)
        case _:
            return TakeOverFirstStart(actor, "", basis.lease_counter)


@given(st.lists(st.tuples(kinds, who, who, terms, st.integers(0, 3)), max_size=20), st.sampled_from(Phase))
def test_no_sequence_of_changes_lets_two_holders_have_one_term(
    steps: list[tuple[str, Member, Member, int, int]], phase: Phase
) -> None:
    seen = [a_record(phase=phase)]
    holders = {5: N1}
    for kind, actor, other, term, stale in steps:
        change = some_change(kind, actor, other, term, seen[-1 - min(stale, len(seen) - 1)])
        before, after = seen[-1], apply(change, seen[-1])
        if isinstance(after, NotAllowed):
            continue
        assert holders.setdefault(after.term, after.holder) == after.holder
        assert after.term >= before.term
        assert after.generation >= before.generation
        assert after.lease_counter == before.lease_counter + 1
        assert after.holder.name not in {voter.name for voter in after.voters}
        assert len({voter.name for voter in after.voters}) == len(after.voters)
        assert after.k <= len(after.voters)
        assert after.voters == tuple(sorted(after.voters))
        seen.append(after)


PROVED: tuple[Change, ...] = (
    Renew(N1, 5, serving=True, proved=RECORD.basis),
    DropVoter(N1, 5, N3, proved=RECORD.basis),
    ReplaceVoter(N1, 5, N2, NEW_DISK, proved=RECORD.basis),
    SetK(N1, 5, 2, Mode.QUORUM, proved=RECORD.basis),
)


@pytest.mark.parametrize("change", PROVED, ids=lambda c: type(c).__name__)
def test_what_was_proved_for_one_set_of_voters_proves_nothing_for_another(change: Change) -> None:
    made(change)
    made(change, a_record(lease_counter=99, serving=False))
    assert "proof" in refused(change, a_record(voters=(N2, N3, N4)))
    assert "proof" in refused(change, a_record(voters=(N2,)))
