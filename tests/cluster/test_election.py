"""Who may become primary: only revoked servers count, for one and the same record, by (term of the WAL, LSN)."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.election import Elected, Incomplete, Judgement, Outvoted, judge, judge_async, term_to_ask
from howdah.cluster.peerstate import Report
from howdah.cluster.record import Handover, Mode, Record, TimelineEntry
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from tests.cluster.builders import ENTRIES, N1, N2, N3, N4, RECORD, a_record, a_report, at

EQUAL = {"n2": 100, "n3": 100}
FOUR = a_record(voters=(N2, N3, N4), k=2)


def judged(me: Member, *reports: Report, record: Record = RECORD, priorities: dict[str, int] = EQUAL) -> Judgement:
    return judge(record, 6, me, reports, priorities)


def for_record(record: Record, report: Report) -> Report:
    return replace(report, basis=record.basis)


def test_one_of_two_voters_is_not_enough_with_k_1() -> None:
    assert judged(N2, a_report(N2)) == Incomplete(1, 2, (N3,))


def test_the_best_of_enough_revoked_voters_wins() -> None:
    assert isinstance(judged(N2, a_report(N2, 2000), a_report(N3, 1999)), Elected)
    assert judged(N3, a_report(N2, 2000), a_report(N3, 1999)) == Outvoted(N2, at(5, 2000))


def test_a_longer_log_of_an_older_term_loses() -> None:
    assert isinstance(judged(N2, a_report(N2, 1200), a_report(N3, 90_000, wal_term=1)), Elected)


def test_equal_positions_go_by_priority_and_then_by_name() -> None:
    reports = (a_report(N2), a_report(N3))
    assert isinstance(judged(N3, *reports, priorities={"n2": 50, "n3": 60}), Elected)
    assert isinstance(judged(N2, *reports), Elected)
    assert isinstance(judged(N3, *reports), Outvoted)


def test_without_its_own_revocation_nobody_is_elected() -> None:
    assert isinstance(judged(N2, a_report(N3)), Incomplete)


def test_a_voter_that_reported_twice_has_one_vote() -> None:
    assert isinstance(judged(N2, a_report(N2), a_report(N2)), Incomplete)


def test_a_report_of_a_server_that_is_no_voter_is_no_vote() -> None:
    assert isinstance(judged(N2, a_report(N2), a_report(N4)), Incomplete)


def test_a_new_disk_under_a_voter_s_name_is_no_voter() -> None:
    assert isinstance(judged(N2, a_report(N2), a_report(Member("n3", "another-disk"))), Incomplete)


def test_reports_for_another_term_are_not_counted() -> None:
    assert isinstance(judged(N2, a_report(N2), a_report(N3, term=7)), Incomplete)


@pytest.mark.parametrize(
    "changed",
    [a_record(term=4), a_record(generation=2), a_record(holder=N4), a_record(voters=(N2, N3, N4)), a_record(k=2)],
)
def test_reports_for_any_other_record_are_not_counted(changed: Record) -> None:
    assert isinstance(judged(N2, a_report(N2), for_record(changed, a_report(N3))), Incomplete)


def test_only_the_lease_counter_may_differ_between_asking_and_counting() -> None:
    assert isinstance(judged(N2, a_report(N2), a_report(N3), record=a_record(lease_counter=11, serving=False)), Elected)


def test_the_holder_stopped_for_good_votes_for_all() -> None:
    stopped = a_report(N1, 2000, holder_stopped=True)
    assert isinstance(judged(N2, a_report(N2), stopped), Elected)
    assert judged(N2, a_report(N2, 1999), stopped) == Outvoted(N1, at(5, 2000))


def test_whoever_has_all_that_the_stopped_holder_had_may_win_voter_or_not() -> None:
    assert isinstance(judged(N4, a_report(N4), a_report(N1, holder_stopped=True)), Elected)


def test_a_holder_that_was_not_started_in_recovery_does_not_vote_for_all() -> None:
    assert isinstance(judged(N2, a_report(N2), a_report(N1)), Incomplete)


def test_a_holder_whose_disk_lost_what_it_won_with_does_not_vote_for_all() -> None:
    for position, sufficient in ((at(5, 2000), True), (at(5, 2001), False)):
        record = a_record(winner_position=position)
        verdict = judged(N2, a_report(N2), a_report(N1, holder_stopped=True), record=record)
        assert isinstance(verdict, Elected if sufficient else Incomplete)


def test_a_former_holder_does_not_vote_for_all_but_like_any_voter() -> None:
    assert isinstance(judged(N2, a_report(N2), a_report(N3, holder_stopped=True)), Elected)
    assert isinstance(judged(N2, a_report(N2), a_report(N4, holder_stopped=True)), Incomplete)


def test_a_hand_over_is_won_by_whoever_has_the_shutdown_checkpoint() -> None:
    handed = a_record(released=True, handover=Handover("n2", at(5, 2000)))
    assert isinstance(judged(N2, a_report(N2), record=handed), Elected)
    assert judged(N2, a_report(N2, 1999), record=handed) == Outvoted(N1, at(5, 2000))


def test_a_lease_given_up_without_a_hand_over_still_needs_votes() -> None:
    assert isinstance(judged(N2, a_report(N2), record=a_record(released=True)), Incomplete)
    assert isinstance(judged(N2, a_report(N2), a_report(N3), record=a_record(released=True)), Elected)


def test_a_hand_over_that_was_taken_back_counts_for_nothing() -> None:
    kept = a_record(released=False, handover=Handover("n2", at(5, 2000)))
    assert isinstance(judged(N2, a_report(N2), record=kept), Incomplete)


def test_with_k_0_a_commit_may_be_on_the_holder_alone_so_no_number_of_votes_is_enough() -> None:
    record = a_record(k=0)
    reports = tuple(for_record(record, a_report(m)) for m in (N2, N3))
    assert isinstance(judge(record, 6, N2, reports, EQUAL), Incomplete)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=3, max_size=3))
def test_the_winner_of_any_sufficient_vote_dominates_it_and_only_one_wins(found: list[tuple[int, int]]) -> None:
    reports = [
        for_record(FOUR, a_report(member, lsn, wal_term=term))
        for member, (term, lsn) in zip((N2, N3, N4), found, strict=True)
    ]
    for counted in combinations(reports, 2):
        winners = [r for r in counted if isinstance(judge(FOUR, 6, r.member, counted, {}), Elected)]
        assert len(winners) == 1
        assert all(winners[0].position >= other.position for other in counted)


# --- async


ASYNC = a_record(mode=Mode.ASYNC, k=0, voters=(), holder_position=at(5, 2000))
LIMIT = 100


def judged_async(me: Member, *reports: Report, record: Record = ASYNC) -> Judgement:
    counted = tuple(for_record(record, r) for r in reports)
    return judge_async(record, 6, me, counted, EQUAL, LIMIT)


def test_in_async_mode_the_best_reachable_server_wins_alone_if_it_must() -> None:
    assert isinstance(judged_async(N2, a_report(N2)), Elected)
    assert isinstance(judged_async(N2, a_report(N2, 1950), a_report(N3, 1960)), Outvoted)
    assert isinstance(judged_async(N2), Incomplete)


def test_in_async_mode_a_server_beyond_the_lag_limit_does_not_win() -> None:
    assert isinstance(judged_async(N2, a_report(N2, 1900)), Elected)
    assert isinstance(judged_async(N2, a_report(N2, 1899)), Incomplete)


def test_in_async_mode_the_lag_of_an_older_term_is_counted_from_where_the_histories_part() -> None:
    far = a_record(mode=Mode.ASYNC, k=0, voters=(), holder_position=at(5, 90_000))
    assert isinstance(judged_async(N2, a_report(N2, 89_990, wal_term=1), record=far), Incomplete)
    near = a_record(mode=Mode.ASYNC, k=0, voters=(), holder_position=at(5, 1050))
    assert isinstance(judged_async(N2, a_report(N2, 1000, wal_term=1), record=near), Elected)
    assert isinstance(judged_async(N2, a_report(N2, 900, wal_term=1), record=near), Incomplete)


def test_in_async_mode_a_server_of_a_promotion_that_did_not_last_shares_only_what_came_before_it() -> None:
    stray = (*ENTRIES[:1], TimelineEntry(3, 4, 1, Lsn(500)), ENTRIES[1])
    record = a_record(mode=Mode.ASYNC, k=0, voters=(), holder_position=at(5, 1050), timelines=stray)
    assert isinstance(judged_async(N2, a_report(N2, 1040, wal_term=4), record=record), Incomplete)


def test_in_async_mode_a_hand_over_s_position_is_what_the_lag_is_counted_from() -> None:
    handed = a_record(mode=Mode.ASYNC, k=0, voters=(), released=True, handover=Handover("n2", at(5, 3000)))
    assert isinstance(judged_async(N2, a_report(N2, 2000), record=handed), Incomplete)
    assert isinstance(judged_async(N2, a_report(N2, 3000), record=handed), Elected)


def test_the_next_term_is_above_the_record_s_and_not_below_any_promise() -> None:
    assert term_to_ask(RECORD, ()) == 6
    assert term_to_ask(RECORD, (5, 3)) == 6
    assert term_to_ask(RECORD, (9, 5)) == 9
