"""Does the checker see what must never happen? Histories that have to fail, and some that must not."""

from tests.realcluster.checker import Outcome, Write, judge, longest_gap


def write(value: str, outcome: Outcome = Outcome.OK, began: float = 0.0, ended: float = 0.1) -> Write:
    return Write(value, outcome, began, ended)


def test_an_acknowledged_write_that_is_absent_is_lost() -> None:
    found = judge([write("a"), write("b")], ["a"], {})
    assert found.lost == ("b",)
    assert not found.sound


def test_a_row_that_nobody_wrote_is_a_phantom() -> None:
    found = judge([write("a")], ["a", "x"], {})
    assert found.phantom == ("x",)
    assert not found.sound


def test_a_write_that_certainly_failed_and_is_there_has_risen() -> None:
    found = judge([write("a", Outcome.FAILED)], ["a"], {})
    assert found.risen == ("a",)
    assert not found.sound


def test_a_value_that_is_there_twice_is_a_duplicate() -> None:
    found = judge([write("a")], ["a", "a"], {"n2": ["a", "a"]})
    assert found.duplicates == ("a",)
    assert not found.sound


def test_a_standby_that_misses_a_row_is_unequal() -> None:
    found = judge([write("a"), write("b")], ["a", "b"], {"n2": ["a", "b"], "n3": ["b"]})
    assert found.unequal == ("n3 misses 1 rows and has 0 more: a",)
    assert not found.sound


def test_a_standby_that_kept_a_row_of_a_lost_history_is_unequal() -> None:
    found = judge([write("a"), write("b", Outcome.UNKNOWN)], ["a"], {"n2": ["a", "b"]})
    assert found.unequal == ("n2 misses 0 rows and has 1 more: b",)
    assert not found.sound


def test_an_unknown_write_may_be_there_or_not() -> None:
    history = [write("a"), write("b", Outcome.UNKNOWN), write("c", Outcome.UNKNOWN), write("d", Outcome.FAILED)]
    found = judge(history, ["a", "c"], {"n2": ["c", "a"]})
    assert found.sound
    assert found.acknowledged == 1


def test_a_write_of_unknown_outcome_that_was_read_and_is_absent_has_vanished() -> None:
    history = [write("a"), write("b", Outcome.UNKNOWN), write("c", Outcome.UNKNOWN)]
    found = judge(history, ["a", "c"], {}, read=["b", "c"])
    assert found.vanished == ("b",)
    assert not found.sound


def on(server: str, timeline: int, value: str, began: float) -> Write:
    return Write(value, Outcome.OK, began, began + 0.1, server=server, timeline=timeline)


def test_a_server_that_acknowledges_after_its_successor_is_a_rival() -> None:
    found = judge([on("n1", 1, "a", 0.0), on("n2", 2, "b", 1.0), on("n1", 1, "c", 1.2)], "abc", {})
    assert found.rivals == ("n1 acknowledged c on timeline 1 after n2 acknowledged b on timeline 2",)
    assert not found.sound


def test_a_rival_is_seen_among_later_timelines_too() -> None:
    history = [on("n2", 2, "b", 1.0), on("n1", 1, "c", 1.2), on("n3", 3, "d", 2.0)]
    assert len(judge(history, "bcd", {}).rivals) == 1


def test_two_servers_on_one_timeline_are_rivals() -> None:
    found = judge([on("n1", 2, "a", 0.0), on("n2", 2, "b", 1.0)], "ab", {})
    assert found.rivals == ("b: timeline 2 is n1's, and n2 acknowledged on it",)


def test_an_acknowledgement_in_flight_when_the_successor_began_is_none_of_a_rival() -> None:
    assert judge([on("n1", 1, "a", 0.95), on("n2", 2, "b", 0.9), on("n1", 3, "c", 3.0)], "abc", {}).sound


def test_the_longest_gap_is_between_acknowledged_writes_only() -> None:
    history = [
        write("a", ended=1.0),
        write("b", Outcome.UNKNOWN, ended=2.0),
        write("d", ended=4.5),
        write("c", ended=4.0),
    ]
    assert longest_gap(history) == (3.0, 1.0)


def test_gaps_that_were_over_before_the_fault_do_not_count() -> None:
    history = [write("a", ended=1.0), write("b", ended=4.0), write("c", ended=4.5)]
    assert longest_gap(history, since=4.1) == (0.5, 4.0)
