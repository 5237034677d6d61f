"""Is a fault of several steps made in full, or not at all, and never one that waits for another to end?"""

import pytest

from tests.chaos.fault import Undo, in_turn, write_first
from tests.chaos.network import NotNow
from tests.postgres.sqlserver import template
from tests.realcluster.processes import eventually


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


def test_what_a_fault_writes_first_does_not_wait_for_standbys_that_another_fault_cut_off() -> None:
    with template() as farm:
        server = farm().primary("alone")
        try:
            server.reload(synchronous_standby_names="nobody")
            eventually(lambda: server.sql("SHOW synchronous_standby_names") == "nobody", "it is in force")
            with pytest.raises(NotNow, match="no standby"):
                write_first(server.connect, "CREATE TABLE late (value text)")
            server.reload(synchronous_standby_names="")
            eventually(lambda: server.sql("SHOW synchronous_standby_names") == "", "it is not in force any more")
            write_first(server.connect, "CREATE TABLE prompt (value text)")
        finally:
            server.kill()
