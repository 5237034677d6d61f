"""Until when may the holder serve, and from when may others take its lease for expired?"""

from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.lease import deadlines, expired, may_prolong, may_renew
from howdah.cluster.policy import Policy

POLICY = Policy()
times = st.integers(1, 10**9)


def test_the_holder_counts_from_before_it_sent_the_renewal() -> None:
    found = deadlines(10_000, 0, POLICY)
    assert found.gate_ms == 10_000 + POLICY.gate_ms
    assert found.kill_ms == 10_000 + POLICY.kill_ms
    assert found.deadman_ms == 10_000 + POLICY.deadman_ms


@given(times, st.integers(0, 10**9))
def test_clients_go_first_then_the_server_then_the_dead_man_acts(renewed: int, confirmed: int) -> None:
    found = deadlines(renewed, confirmed, POLICY)
    assert found.gate_ms < found.kill_ms < found.deadman_ms


@given(times)
def test_everything_is_over_before_an_observer_may_take_the_lease_for_expired(renewed: int) -> None:
    seen_later = renewed  # the observer cannot have seen the counter before it was sent
    assert deadlines(renewed, 0, POLICY).deadman_ms < seen_later + POLICY.lease_ttl_ms


@given(times, times)
def test_the_voters_word_prolongs_serving_by_its_worth_and_never_shortens_it(renewed: int, confirmed: int) -> None:
    found = deadlines(renewed, confirmed, POLICY)
    assert found.gate_ms == max(renewed + POLICY.gate_ms, confirmed + POLICY.confirm_worth_ms)


def test_two_reads_a_lease_apart_with_one_counter_show_expiry() -> None:
    assert expired(1000, 1000 + POLICY.lease_ttl_ms, POLICY)
    assert not expired(1000, 999 + POLICY.lease_ttl_ms, POLICY)


def test_with_k_0_nobody_s_word_prolongs_serving() -> None:
    assert not may_prolong(0, 5, settled=True, confirmations_other_set=5)


def test_k_voters_have_to_confirm_and_k_of_both_sets_while_a_change_is_unsettled() -> None:
    assert may_prolong(2, 2, settled=True, confirmations_other_set=0)
    assert not may_prolong(2, 1, settled=True, confirmations_other_set=2)
    assert not may_prolong(2, 2, settled=False, confirmations_other_set=1)
    assert may_prolong(2, 2, settled=False, confirmations_other_set=2)


def test_only_a_holder_whose_database_answers_renews() -> None:
    limit = POLICY.probe_failures_max * (POLICY.probe_interval_ms + POLICY.probe_timeout_ms)
    assert may_renew(limit, None, POLICY)
    assert not may_renew(limit + 1, None, POLICY)


def test_a_start_or_promotion_holds_the_lease_no_longer_than_its_own_limit() -> None:
    limit = POLICY.start_limit_ms + POLICY.promote_limit_ms
    assert may_renew(10**9, limit, POLICY)
    assert not may_renew(0, limit + 1, POLICY)
