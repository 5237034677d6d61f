"""How far a server has come."""

from howdah.values.lsn import Lsn
from howdah.values.position import Position


def test_a_longer_log_of_an_older_term_is_behind() -> None:
    assert Position(2, Lsn(900)) < Position(3, Lsn(100))


def test_within_a_term_the_longer_log_is_ahead() -> None:
    assert max(Position(3, Lsn(100)), Position(3, Lsn(101))).lsn == 101


def test_a_position_is_told_in_postgresql_s_words() -> None:
    assert str(Position(3, Lsn(0x16_B374D848))) == "term 3 at 16/B374D848"
