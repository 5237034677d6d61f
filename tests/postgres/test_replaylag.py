"""How long received WAL has been waiting."""

from howdah.postgres.replaylag import SAMPLES_MAX, ReplayLag
from howdah.values.lsn import Lsn


def test_a_standby_that_has_replayed_everything_has_no_lag() -> None:
    lag = ReplayLag()
    assert lag.note(0, Lsn(100), Lsn(100)) == 0
    assert lag.note(5_000_000, Lsn(100), Lsn(100)) == 0


def test_one_fresh_record_after_an_idle_hour_is_no_lag() -> None:
    lag = ReplayLag()
    lag.note(0, Lsn(100), Lsn(100))
    assert lag.note(3_600_000, Lsn(200), Lsn(100)) == 0


def test_lag_grows_while_replay_stands_still() -> None:
    lag = ReplayLag()
    assert [lag.note(second * 1000, Lsn(200), Lsn(100)) for second in range(4)] == [0, 1000, 2000, 3000]


def test_lag_is_the_age_of_the_oldest_wal_that_waits() -> None:
    lag = ReplayLag()
    for second in range(10):
        lag.note(second * 1000, Lsn(100 * (second + 1)), Lsn(50))
    assert lag.note(10_000, Lsn(1100), Lsn(650)) == 4000  # 700 was received at second 6


def test_wal_that_was_cut_away_is_forgotten() -> None:
    lag = ReplayLag()
    lag.note(0, Lsn(900), Lsn(100))
    assert lag.note(5000, Lsn(300), Lsn(200)) == 0


def test_a_long_lag_takes_bounded_memory_and_stays_known() -> None:
    lag = ReplayLag()
    seen = [lag.note(second * 1000, Lsn(100 + second), Lsn(50)) for second in range(SAMPLES_MAX * 20)]
    assert seen[-1] == (SAMPLES_MAX * 20 - 1) * 1000
