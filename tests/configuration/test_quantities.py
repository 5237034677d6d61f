"""Durations and sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.configuration.quantities import (
    format_duration,
    format_size,
    parse_duration_ms,
    parse_seconds_ms,
    parse_size_bytes,
)


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("5s", 5000), ("300ms", 300), ("1.5 s", 1500), ("2min", 120_000), ("1h", 3_600_000), ("1d", 86_400_000), (0, 0)],
)
def test_a_duration_is_read_with_its_unit(text: object, duration_ms: int) -> None:
    assert parse_duration_ms(text) == duration_ms


@pytest.mark.parametrize(
    ("value", "why"), [(5, "no unit"), ("5", "no unit"), ("5x", "unknown unit 'x'"), ("soon", "5s"), (True, "5s")]
)
def test_a_duration_nobody_could_understand_is_refused_with_an_example(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_duration_ms(value)


def test_a_start_delay_without_a_unit_is_seconds() -> None:
    assert parse_seconds_ms(30) == parse_seconds_ms("30") == parse_seconds_ms("30s") == 30_000


def test_sizes_count_in_1024s_as_postgresql_does() -> None:
    assert parse_size_bytes("16MB") == 16 * 1024 * 1024
    assert parse_size_bytes(512) == 512


@given(st.integers(min_value=0, max_value=10**12))
def test_what_is_written_reads_back_the_same(number: int) -> None:
    assert parse_duration_ms(format_duration(number)) == number
    assert parse_size_bytes(format_size(number)) == number
