"""Are measurements written into their rows, and nothing else?"""

from tests.chaos.catalogue import CATALOGUE, numbers
from tests.chaos.page import named_tests, rows, with_results

TEXT = """# Faults

| # | fault | expected | bound | besides | measured |
|---|---|---|---|---|---|
| F1 | a | b | c | d | `test_this`<br>`gone`: 1 s |
| F39 | a | b | c | d | `test_that`: passed in 1.0 s |
| F82 | a | b | c | d | - |

End.
"""
OF_F1 = [fault.name for fault in CATALOGUE if "F1" in numbers(fault)]


def test_a_row_gets_its_chaos_faults_and_results_and_keeps_its_tests() -> None:
    text = with_results(TEXT, {OF_F1[0]: "0.5 s |\nodd", "test_this": "passed in 2.0 s"})
    first, second, third = rows(text)
    assert first.measured == {**dict.fromkeys(OF_F1, ""), OF_F1[0]: "0.5 s / odd", "test_this": "passed in 2.0 s"}
    assert second.measured == {"test_that": "passed in 1.0 s"}
    assert third.measured == {}
    assert text.endswith("| F82 | a | b | c | d | - |\n\nEnd.\n")


def test_writing_twice_changes_nothing() -> None:
    once = with_results(TEXT, {OF_F1[0]: "0.5 s"})
    assert with_results(once, {}) == once


def test_tests_are_found_by_their_names() -> None:
    assert named_tests(rows(TEXT)) == ("test_this", "test_that")
