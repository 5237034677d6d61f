"""Who must flush a commit, how PostgreSQL is told, and that every election finds what was acknowledged."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.quorum import (
    NAMES_NOBODY,
    NOBODY,
    SyncSetting,
    flushed,
    is_covered,
    read_setting,
    setting_for,
    setting_of,
    votes_needed,
    wait_name,
)
from howdah.cluster.record import Mode
from howdah.values.lsn import Lsn
from howdah.values.member import NAME_BYTES_MAX
from tests.cluster.builders import N2, N3, N4, a_record, a_walsender

POSTGRESQL_NAME_BYTES_MAX = 63

names = st.sets(st.sampled_from(("a", "b", "c", "d")), max_size=4)


def test_the_setting_names_the_voters_with_the_term_in_their_names() -> None:
    assert str(setting_of(a_record())) == 'ANY 1 ("n2.t5","n3.t5")'


def test_in_quorum_mode_the_setting_is_never_empty() -> None:
    assert setting_for(5, (), 0, Mode.QUORUM) == NAMES_NOBODY
    assert setting_for(5, (), 1, Mode.QUORUM) == NAMES_NOBODY
    assert str(NAMES_NOBODY) == f'ANY 1 ("{NOBODY}")'


def test_in_quorum_mode_at_least_one_is_waited_for_even_before_k_was_raised() -> None:
    assert setting_for(5, ("n2",), 0, Mode.QUORUM).count == 1


def test_only_async_mode_waits_for_nobody() -> None:
    assert str(setting_for(5, ("n2",), 0, Mode.ASYNC)) == ""


def test_the_longest_allowed_name_keeps_its_term_within_postgresql_s_limit() -> None:
    assert len(wait_name("x" * NAME_BYTES_MAX, 10**18)) <= POSTGRESQL_NAME_BYTES_MAX


@given(st.lists(st.sampled_from(("n2", "n3", "n4-x")), unique=True), st.integers(1, 3), st.integers(1, 10**9))
def test_a_setting_of_ours_is_read_back_as_it_was_written(voters: list[str], k: int, term: int) -> None:
    setting = setting_for(term, tuple(voters), k, Mode.QUORUM)
    assert read_setting(str(setting)) == setting


def test_a_setting_that_somebody_else_wrote_is_recognised() -> None:
    assert read_setting("*") is None
    assert read_setting("FIRST 1 (n2)") is None
    assert read_setting("") == SyncSetting(0, ())


def test_names_of_an_older_term_are_strangers_to_the_record() -> None:
    old = setting_for(4, ("n2", "n3"), 1, Mode.QUORUM)
    assert not is_covered(old, 5, ("n2", "n3"), 1)


def test_nobody_is_no_stranger_who_could_acknowledge() -> None:
    assert is_covered(SyncSetting(2, ("n3.t5", NOBODY)), 5, ("n2", "n3"), 2)
    assert is_covered(SyncSetting(1, (NOBODY,)), 5, ("n2",), 1)
    assert not is_covered(SyncSetting(1, (NOBODY,)), 5, ("n2", "n3"), 2)


@given(setting=names, count=st.integers(1, 4), voters=names, k=st.integers(1, 4))
def test_whoever_acknowledged_under_a_covered_setting_is_in_every_election(
    setting: set[str], count: int, voters: set[str], k: int
) -> None:
    in_force = SyncSetting(count, tuple(wait_name(name, 5) for name in sorted(setting)))
    if not is_covered(in_force, 5, tuple(voters), k):
        return
    need = votes_needed(len(voters), k)
    for acknowledging in combinations(sorted(setting), count):
        for revoked in combinations(sorted(voters), max(need, 0)):
            assert set(acknowledging) & set(revoked)


@given(voters=names, k=st.integers(1, 4))
def test_fewer_votes_than_needed_might_miss_a_commit(voters: set[str], k: int) -> None:
    need = votes_needed(len(voters), k)
    if need < 1:
        return
    missed = [
        (acknowledging, revoked)
        for acknowledging in combinations(sorted(voters), k)
        for revoked in combinations(sorted(voters), need - 1)
        if not set(acknowledging) & set(revoked)
    ]
    assert missed


def test_the_record_s_own_setting_is_covered() -> None:
    record = a_record(voters=(N2, N3, N4), k=2)
    assert is_covered(setting_of(record), record.term, tuple(v.name for v in record.voters), record.k)


def test_a_flush_counts_only_at_or_past_the_position() -> None:
    behind = (a_walsender(N2, flush=1999),)
    assert not flushed(behind, 5, ("n2", "n3"), 1, Lsn(2000))
    assert flushed((a_walsender(N2),), 5, ("n2", "n3"), 1, Lsn(2000))


def test_one_server_connected_twice_is_one_connection() -> None:
    twice = (a_walsender(N2), a_walsender(N2, pid=999))
    assert not flushed(twice, 5, ("n2", "n3"), 2, Lsn(2000))


def test_a_stranger_or_a_name_of_another_term_flushes_nothing() -> None:
    assert not flushed((a_walsender(N4), a_walsender(N2, term=4)), 5, ("n2", "n3"), 1, Lsn(2000))
    assert not flushed((a_walsender(N2, application_name="n2"),), 5, ("n2",), 1, Lsn(2000))
