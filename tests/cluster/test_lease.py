"""Until when may the holder serve, and from when may others take its lease for expired?"""

from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.lease import Bond, Deadlines, deadlines, expired, may_prolong, may_renew
from howdah.cluster.policy import LeaseTimes, Policy

POLICY = Policy()
SHORT, LONG = POLICY.lease_times, LeaseTimes(ttl_ms=50_000, gate_ms=32_000, kill_ms=36_000, deadman_ms=40_000)
WORTH_MS = POLICY.confirm_worth_ms
times = st.integers(1, 10**9)
bonds = st.builds(Bond, times, st.sampled_from((SHORT, LONG)))


def renewed_at(sent_ms: int, confirmed_ms: int = 0) -> Deadlines:
    """The deadlines of a renewal with the configured times."""
    return deadlines(Bond(sent_ms, SHORT), (), confirmed_ms, WORTH_MS)


def test_the_holder_counts_from_before_it_sent_the_renewal() -> None:
    found = renewed_at(10_000)
    assert found.gate_ms == 10_000 + POLICY.gate_ms
    assert found.kill_ms == 10_000 + POLICY.kill_ms
    assert found.deadman_ms == 10_000 + POLICY.deadman_ms


@given(bonds, st.lists(bonds, max_size=2).map(tuple), st.integers(0, 10**9))
def test_clients_go_first_then_the_server_then_the_dead_man_acts(
    renewed: Bond, announced: tuple[Bond, ...], confirmed: int
) -> None:
    found = deadlines(renewed, announced, confirmed, WORTH_MS)
    assert found.gate_ms < found.kill_ms < found.deadman_ms


@given(times)
def test_everything_is_over_before_an_observer_may_take_the_lease_for_expired(renewed: int) -> None:
    seen_later = renewed  # the observer cannot have seen the counter before it was sent
    assert renewed_at(renewed).deadman_ms < seen_later + POLICY.lease_ttl_ms


@given(times, times)
def test_times_that_may_be_in_the_record_unseen_bind_the_holder_already(renewed: int, later: int) -> None:
    announced = Bond(renewed + later, SHORT)  # sent, and no answer: it may have landed, and the agent may die now
    found = deadlines(Bond(renewed, LONG), (announced,), 0, WORTH_MS)
    assert found.deadman_ms < announced.sent_boot_ms + SHORT.ttl_ms
    assert found.deadman_ms <= renewed + LONG.deadman_ms


@given(times, times)
def test_longer_times_prolong_nothing_before_the_record_has_them(renewed: int, later: int) -> None:
    found = deadlines(Bond(renewed, SHORT), (Bond(renewed + later, LONG),), 0, WORTH_MS)
    assert found == renewed_at(renewed)


def test_shorter_times_count_from_their_own_sending_so_that_nobody_is_shut_out_by_the_change() -> None:
    found = deadlines(Bond(10_000, LONG), (Bond(30_000, SHORT),), 0, WORTH_MS)
    assert found.gate_ms == 30_000 + SHORT.gate_ms


@given(times, times)
def test_the_voters_word_prolongs_serving_by_its_worth_and_never_shortens_it(renewed: int, confirmed: int) -> None:
    found = renewed_at(renewed, confirmed)
    assert found.gate_ms == max(renewed + POLICY.gate_ms, confirmed + POLICY.confirm_worth_ms)


def test_two_reads_a_lease_apart_with_one_counter_show_expiry() -> None:
    assert expired(1000, 1000 + POLICY.lease_ttl_ms, POLICY.lease_ttl_ms)
    assert not expired(1000, 999 + POLICY.lease_ttl_ms, POLICY.lease_ttl_ms)


def test_with_k_0_nobody_s_word_prolongs_serving() -> None:
    assert not may_prolong(0, 0, 5)


def test_as_many_have_to_confirm_as_the_record_and_as_the_setting_wait_for() -> None:
    assert may_prolong(2, 0, 2)
    assert not may_prolong(2, 0, 1)
    assert not may_prolong(1, 2, 1)
    assert may_prolong(1, 2, 2)


def test_only_a_holder_whose_database_answers_renews() -> None:
    limit = POLICY.probe_failures_max * (POLICY.probe_interval_ms + POLICY.probe_timeout_ms)
    assert may_renew(limit, None, POLICY)
    assert not may_renew(limit + 1, None, POLICY)


def test_a_start_or_promotion_holds_the_lease_no_longer_than_its_own_limit() -> None:
    limit = POLICY.start_limit_ms + POLICY.promote_limit_ms
    assert may_renew(10**9, limit, POLICY)
    assert not may_renew(0, limit + 1, POLICY)
