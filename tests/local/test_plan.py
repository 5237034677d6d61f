"""Is what `up` was told kept, checked and grown?"""

from pathlib import Path

import pytest

from howdah.local.plan import Plan, PlannedNode, read_plan, write_plan
from howdah.local.refused import Refused

PLAN = Plan("main", "sqlite", (PlannedNode("n1", 5432, 8008), PlannedNode("n2", 5434, 8009)), account="postgres")


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_plan(tmp_path / "cluster.yaml", PLAN)
    assert read_plan(tmp_path / "cluster.yaml") == PLAN


def test_more_nodes_get_the_next_names_and_leave_the_first_as_they_are() -> None:
    grown = PLAN.grown((5440, 5441), (8020, 8021))
    assert grown.nodes[:2] == PLAN.nodes
    assert grown.nodes[2:] == (PlannedNode("n3", 5440, 8020), PlannedNode("n4", 5441, 8021))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("store: sqlite\nnodes: [{name: n1, port: 1, api_port: 2}]", "cluster"),
        ("cluster: main\nstore: paper\nnodes: [{name: n1, port: 1, api_port: 2}]", "store"),
        ("cluster: main\nstore: sqlite\nnodes: []", "nodes"),
        ("cluster: main\nstore: sqlite\nnodes: [{name: n1, port: 99999, api_port: 2}]", "port"),
        ("cluster: [", "cluster.yaml"),
    ],
)
def test_a_damaged_plan_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    with pytest.raises(Refused, match=named):
        read_plan(file)


def test_a_node_that_is_not_planned_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match="n1, n2"):
        PLAN.node("n7")
