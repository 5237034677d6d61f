"""Which writes does a standby show for sure?"""

import pytest

from howdah.routing.freshness import NEVER, SAMPLES_MAX, Samples, end_of_records

BLOCK = 8192
SEGMENT = 16 * 1024 * 1024


def test_a_standby_that_replayed_an_answer_shows_what_had_ended_before_the_question() -> None:
    samples = Samples()
    samples.add(100.0, 1000)
    samples.add(200.0, 2000)
    assert samples.covered(999) == NEVER
    assert samples.covered(1000) == 100.0
    assert samples.covered(1999) == 100.0
    assert samples.covered(5000) == 200.0


def test_nothing_asked_nothing_known() -> None:
    assert Samples().covered(10**12) == NEVER
    assert Samples().end == 0


def test_a_log_that_stands_still_makes_the_standby_fresher_all_the_same() -> None:
    samples = Samples()
    for asked_ms in (100.0, 200.0, 300.0):
        samples.add(asked_ms, 1000)
    assert samples.covered(1000) == 300.0


def test_an_overtaken_answer_says_nothing() -> None:
    samples = Samples()
    samples.add(200.0, 2000)
    samples.add(100.0, 3000)
    assert samples.covered(2000) == 200.0
    assert samples.end == 2000


def test_a_log_that_went_back_is_another_one() -> None:
    samples = Samples()
    samples.add(100.0, 2000)
    samples.add(200.0, 1500)
    assert samples.covered(1499) == NEVER
    assert samples.covered(2000) == 200.0


def test_many_samples_are_thinned_out_and_claim_only_less() -> None:
    samples = Samples()
    for number in range(1, 4 * SAMPLES_MAX):
        samples.add(float(number), 10 * number)
    for number in range(1, 4 * SAMPLES_MAX):
        assert samples.covered(10 * number) <= number
    assert samples.covered(10 * 4 * SAMPLES_MAX) == 4 * SAMPLES_MAX - 1


@pytest.mark.parametrize(
    ("insert", "end"),
    [
        (5 * BLOCK + 24, 5 * BLOCK),  # behind a page's short header
        (SEGMENT + 40, SEGMENT),  # behind a segment's long one
        (5 * BLOCK + 40, 5 * BLOCK + 40),  # a record's last 16 bytes
        (SEGMENT + 24, SEGMENT + 24),
        (5 * BLOCK + 4096, 5 * BLOCK + 4096),
        (5 * BLOCK, 5 * BLOCK),
    ],
)
def test_a_page_header_behind_the_last_record_is_not_waited_for(insert: int, end: int) -> None:
    assert end_of_records(insert, BLOCK, SEGMENT) == end
