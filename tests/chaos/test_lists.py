"""Does the checker of lists see what must never happen? Histories that have to fail, and some that must not."""

from tests.chaos.histories import Append, Read, Step, Transaction
from tests.chaos.lists import wrong_with_lists
from tests.realcluster.checker import Outcome


def a(value: int, key: int = 0) -> Append:
    return Append(key, value)


def r(*values: int, key: int = 0) -> Read:
    return Read(key, values)


def t(*steps: Step, session: int = 0, outcome: Outcome = Outcome.OK) -> Transaction:
    return Transaction(session, steps, outcome)


def judge(*history: Transaction, final: dict[int, tuple[int, ...]]) -> str:
    return "\n".join(wrong_with_lists(history, final))


def test_one_after_another_is_fine() -> None:
    history = [t(a(1)), t(r(1), a(2)), t(r(1, 2), a(3, key=1)), t(r(3, key=1), r(1, 2))]
    assert judge(*history, final={0: (1, 2), 1: (3,)}) == ""


def test_an_acknowledged_append_that_is_absent_is_lost() -> None:
    assert "1 acknowledged appends are lost: [2]" in judge(t(a(1)), t(a(2)), final={0: (1,)})


def test_an_append_of_unknown_outcome_may_be_there_or_not_and_may_land_late() -> None:
    unknown = Outcome.UNKNOWN
    history = [t(a(1), outcome=unknown), t(a(2)), t(r(2)), t(a(3), outcome=unknown)]
    assert judge(*history, final={0: (2, 1)}) == ""


def test_a_transaction_of_unknown_outcome_is_there_as_a_whole_or_not_at_all() -> None:
    found = judge(t(a(1), a(2, key=1), outcome=Outcome.UNKNOWN), final={0: (1,), 1: ()})
    assert "only a part of" in found


def test_appends_of_one_transaction_stay_in_their_order() -> None:
    assert "in another order" in judge(t(a(1), a(2)), final={0: (2, 1)})


def test_a_value_that_nobody_appended_is_made_up() -> None:
    assert "list 0 has values that nobody appended: [9]" in judge(t(a(1)), final={0: (1, 9)})


def test_a_value_of_a_failed_transaction_that_is_there_has_risen() -> None:
    assert "values whose transaction failed: [1]" in judge(t(a(1), outcome=Outcome.FAILED), final={0: (1,)})


def test_a_value_that_is_there_twice_is_told() -> None:
    assert "list 0 has values twice: [1]" in judge(t(a(1)), final={0: (1, 1)})


def test_a_value_in_another_list_is_told() -> None:
    assert "values of another list: [1]" in judge(t(a(1)), final={0: (), 7: (1,)})


def test_a_value_that_was_read_and_is_gone_has_vanished() -> None:
    history = [t(a(1)), t(a(2), outcome=Outcome.UNKNOWN), t(r(1, 2), session=1)]
    assert "[2] were shown in list 0, and are not there any more" in judge(*history, final={0: (1,)})


def test_what_was_read_has_to_be_the_beginning_of_the_list() -> None:
    history = [t(a(1)), t(a(2)), t(r(2), session=1)]
    assert "is not how that list begins" in judge(*history, final={0: (1, 2)})


def test_a_read_of_a_failed_transaction_is_told() -> None:
    history = [t(a(1), outcome=Outcome.FAILED), t(r(1), session=1)]
    assert "(G1a)" in judge(*history, final={0: ()})


def test_a_read_of_the_middle_of_a_transaction_is_told() -> None:
    history = [t(a(1), a(2)), t(r(1), session=1)]
    assert "(G1b)" in judge(*history, final={0: (1, 2)})


def test_a_transaction_that_does_not_see_its_own_append_is_told() -> None:
    assert "does not see its own appends [2]" in judge(t(a(1)), t(a(2), r(1)), final={0: (1, 2)})


def test_a_transaction_sees_its_own_appends_behind_the_others() -> None:
    assert judge(t(a(1)), t(r(1), a(2), r(1, 2), a(3), r(1, 2, 3)), final={0: (1, 2, 3)}) == ""


def test_a_list_that_gets_shorter_on_one_connection_is_told() -> None:
    history = [t(a(1)), t(a(2)), t(r(1, 2), session=1), t(r(1), session=1)]
    assert "which its connection saw or wrote before" in judge(*history, final={0: (1, 2)})


def test_a_connection_that_does_not_see_what_was_acknowledged_to_it_is_told() -> None:
    history = [t(a(1), session=1), t(r(), session=1)]
    assert "does not see [1]" in judge(*history, final={0: (1,)})


def test_another_connection_may_see_an_older_list() -> None:
    history = [t(a(1)), t(a(2)), t(r(1, 2), session=1), t(r(1), session=2)]
    assert judge(*history, final={0: (1, 2)}) == ""


def test_two_lists_in_opposite_orders_of_the_same_writers_are_a_circle_of_writes() -> None:
    history = [t(a(1), a(2, key=1)), t(a(3), a(4, key=1))]
    assert judge(*history, final={0: (1, 3), 1: (4, 2)}).startswith("G0: ")


def test_two_that_each_saw_the_other_are_a_circle_of_information() -> None:
    history = [t(a(1), r(2, key=1)), t(a(2, key=1), r(1))]
    assert judge(*history, final={0: (1,), 1: (2,)}).startswith("G1c: ")


def test_who_saw_half_of_another_transaction_is_in_a_circle_with_one_missed_write() -> None:
    history = [t(a(1), a(2, key=1)), t(r(1), r(key=1), session=1)]
    assert judge(*history, final={0: (1,), 1: (2,)}).startswith("G-single: ")


def test_two_that_each_missed_the_other_are_a_write_skew() -> None:
    history = [t(r(), a(2, key=1)), t(r(key=1), a(1), session=1)]
    assert judge(*history, final={0: (1,), 1: (2,)}).startswith("G2: ")


def test_what_a_failed_transaction_read_does_not_count() -> None:
    history = [t(r(), a(2, key=1), outcome=Outcome.FAILED), t(r(key=1), a(1))]
    assert judge(*history, final={0: (1,), 1: ()}) == ""


def test_a_transaction_of_unknown_outcome_that_is_there_takes_part_in_circles() -> None:
    history = [t(a(1), a(2, key=1), outcome=Outcome.UNKNOWN), t(a(3), a(4, key=1))]
    assert judge(*history, final={0: (1, 3), 1: (4, 2)}).startswith("G0: ")
