"""Do fields keep what is written into them, and refuse what does not fit?"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire.fields import Reader, bytes_of, cstring, int16, int32, text_of, uint32, value
from howdah.wire.violation import ProtocolViolation


@given(st.binary(max_size=40))
def test_bytes_of_any_encoding_survive_being_text(raw: bytes) -> None:
    assert bytes_of(text_of(raw)) == raw


def test_text_without_bytes_behind_it_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="cannot be sent"):
        bytes_of("a\ud800b")


Write = Callable[[int], bytes]
NUMBERS: list[tuple[Write, Callable[[Reader], int], int, int]] = [
    (int16, Reader.int16, 0, 2**16 - 1),
    (int32, Reader.int32, -(2**31), 2**31 - 1),
    (uint32, Reader.uint32, 0, 2**32 - 1),
]


@pytest.mark.parametrize(("write", "read", "least", "most"), NUMBERS)
@given(number=st.one_of(st.integers(), st.integers(-(2**31), 2**32)))
def test_a_number_that_does_not_fit_is_refused_and_no_other(
    write: Write, read: Callable[[Reader], int], least: int, most: int, number: int
) -> None:
    if not least <= number <= most:
        with pytest.raises(ProtocolViolation, match="does not fit"):
            write(number)
        return
    written = write(number)
    assert read(Reader(written, 0, len(written))) == number


@given(st.one_of(st.none(), st.binary(max_size=20)))
def test_a_value_is_read_again_and_null_stays_null(raw: bytes | None) -> None:
    written = value(raw)
    reader = Reader(written, 0, len(written))
    assert reader.value() == raw
    reader.finish()


def test_a_reader_stops_at_its_end_even_where_bytes_follow() -> None:
    reader = Reader(b"abc\0", 0, 2)
    with pytest.raises(ProtocolViolation, match="invalid string"):
        reader.string()
    assert reader.rest() == b"ab"
    with pytest.raises(ProtocolViolation, match="insufficient data"):
        reader.byte()


def test_a_length_below_null_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="insufficient data"):
        Reader(b"\xff\xff\xff\xfe", 0, 4).value()


def test_a_string_may_not_hold_its_own_end() -> None:
    assert cstring(b"a") == b"a\0"
    with pytest.raises(ProtocolViolation, match="zero byte"):
        cstring(b"a\0b")
