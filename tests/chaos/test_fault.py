"""Is a fault of several steps made in full, or not at all?"""

import pytest

from tests.chaos.fault import Undo, in_turn
from tests.chaos.network import NotNow


def step(log: list[str], name: str) -> Undo:
    log.append(name)
    return lambda: log.append(f"not {name}")


def refused() -> Undo:
    raise NotNow("n1 is off already")


def test_steps_are_undone_latest_first() -> None:
    log: list[str] = []
    in_turn(lambda: step(log, "a"), lambda: step(log, "b"))()
    assert log == ["a", "b", "not b", "not a"]


def test_where_one_step_cannot_be_taken_none_stays() -> None:
    log: list[str] = []
    with pytest.raises(NotNow):
        in_turn(lambda: step(log, "a"), refused)
    assert log == ["a", "not a"]
