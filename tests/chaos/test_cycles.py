"""Are circles found wherever there are some, told as short as they are, and none made up?"""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.cycles import Edge, circles, knots, name_of


def edge(source: int, target: int, kind: str = "ww") -> Edge:
    return Edge(source, target, kind, 0)


def test_a_long_line_has_none_and_needs_no_recursion() -> None:
    assert circles(edge(n, n + 1) for n in range(50_000)) == ()


def test_a_long_circle_is_found() -> None:
    (found,) = circles([*(edge(n, n + 1) for n in range(2_000)), edge(2_000, 0)])
    assert len(found) == 2_001


def test_the_shortest_way_round_is_told() -> None:
    (found,) = circles([edge(1, 2), edge(2, 3), edge(3, 4), edge(4, 1), edge(2, 1)])
    assert found == (edge(1, 2), edge(2, 1))


def test_what_depends_on_itself_is_no_circle() -> None:
    assert circles([edge(1, 1)]) == ()


def test_a_circle_without_missed_writes_comes_first() -> None:
    skew = [edge(1, 2, "rw"), edge(2, 1, "rw")]
    flow = [edge(3, 4, "wr"), edge(4, 5, "wr"), edge(5, 3, "ww")]
    assert [name_of(circle) for circle in circles([*skew, *flow])] == ["G1c", "G2"]


def test_within_one_knot_a_circle_without_missed_writes_is_preferred() -> None:
    (found,) = circles([edge(1, 2, "rw"), edge(2, 1, "rw"), edge(2, 3), edge(3, 2)])
    assert name_of(found) == "G0"


def test_the_names_are_those_of_the_literature() -> None:
    assert name_of((edge(1, 2), edge(2, 1))) == "G0"
    assert name_of((edge(1, 2, "wr"), edge(2, 1))) == "G1c"
    assert name_of((edge(1, 2, "rw"), edge(2, 1))) == "G-single"
    assert name_of((edge(1, 2, "rw"), edge(2, 1, "rw"))) == "G2"


@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(0, 24))
def test_knots_are_exactly_those_who_reach_each_other(seed: int, nodes: int, count: int) -> None:
    dice = random.Random(seed)
    edges = [edge(dice.randrange(nodes), dice.randrange(nodes)) for _ in range(count)]
    outgoing: dict[int, list[Edge]] = {}
    for each in edges:
        outgoing.setdefault(each.source, []).append(each)
    reach = {(each.source, each.target) for each in edges}
    for middle in range(nodes):
        reach |= {(x, y) for x in range(nodes) for y in range(nodes) if {(x, middle), (middle, y)} <= reach}
    tied = {frozenset({x, y}) for x in range(nodes) for y in range(nodes) if x != y and {(x, y), (y, x)} <= reach}
    found = knots(outgoing)
    assert {frozenset({x, y}) for knot in found for x in knot for y in knot if x != y} == tied
    assert len(circles(edges)) == len(found)
