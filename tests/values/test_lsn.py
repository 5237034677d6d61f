"""Log positions are read, written and compared as PostgreSQL does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.values.lsn import Lsn, format_lsn, parse_lsn


def test_a_position_is_read_and_written_as_postgresql_does() -> None:
    assert parse_lsn("16/B374D848") == 0x16_B374D848
    assert format_lsn(Lsn(0x16_B374D848)) == "16/B374D848"
    assert format_lsn(Lsn(0)) == "0/0"


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_what_is_written_reads_back_the_same(number: int) -> None:
    assert parse_lsn(format_lsn(Lsn(number))) == number


def test_positions_compare_as_numbers_where_their_texts_would_not() -> None:
    assert parse_lsn("9/0") < parse_lsn("10/0")
    assert "9/0" > "10/0"


@pytest.mark.parametrize("text", ["", "16", "16/", "/1", "1/2/3", "123456789/0", "0/123456789", "x/y"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_lsn(text)
