"""Which transactions cannot have run one after another, in any order, because each depends on the next?

Edges say "came before": `ww` wrote what the other one wrote after; `wr` wrote what the other one read; `rw` read what
the other one then added to. Serializable means that there is no circle.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` came before `target` (numbers of transactions), as the list of `key` shows."""

    source: int
    target: int
    kind: str
    key: int


def circles(edges: Iterable[Edge]) -> tuple[tuple[Edge, ...], ...]:
    """A shortest circle of each set of transactions that all depend on each other; those without `rw` first, since
    they are wrong at weaker levels too."""
    outgoing: dict[int, list[Edge]] = {}
    for edge in edges:
        if edge.source != edge.target:
            outgoing.setdefault(edge.source, []).append(edge)
    found = [_shortest(outgoing, knot) for knot in knots(outgoing)]
    return tuple(sorted(found, key=lambda circle: (sum(edge.kind == "rw" for edge in circle), len(circle))))


def name_of(circle: tuple[Edge, ...]) -> str:
    """As Adya and Jepsen call it."""
    kinds = [edge.kind for edge in circle]
    if set(kinds) == {"ww"}:
        return "G0"
    if "rw" not in kinds:
        return "G1c"
    return "G-single" if kinds.count("rw") == 1 else "G2"


def knots(outgoing: dict[int, list[Edge]]) -> list[set[int]]:
    """The strongly connected components of more than one node (Tarjan's algorithm, without recursion)."""
    index: dict[int, int] = {}
    lowest: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    found: list[set[int]] = []
    for root in list(outgoing):
        if root in index:
            continue
        work: list[tuple[int, int]] = [(root, 0)]
        while work:
            node, place = work.pop()
            if place == 0:
                index[node] = lowest[node] = len(index)
                path.append(node)
                on_path.add(node)
            following = outgoing.get(node, [])
            if place < len(following):
                work.append((node, place + 1))
                target = following[place].target
                if target not in index:
                    work.append((target, 0))
                elif target in on_path:
                    lowest[node] = min(lowest[node], index[target])
                continue
            if work:
                parent = work[-1][0]
                lowest[parent] = min(lowest[parent], lowest[node])
            if lowest[node] == index[node]:
                knot = _pop_until(path, node)
                on_path -= knot
                if len(knot) > 1:
                    found.append(knot)
    return found


def _pop_until(path: list[int], node: int) -> set[int]:
    knot: set[int] = set()
    while True:
        last = path.pop()
        knot.add(last)
        if last == node:
            return knot


def _shortest(outgoing: dict[int, list[Edge]], knot: set[int]) -> tuple[Edge, ...]:
    """From every node of the knot back to itself; the shortest of these ways, with as few `rw` as `plain` gives."""
    plain = {node: [edge for edge in edges if edge.kind != "rw"] for node, edges in outgoing.items()}
    for graph in (plain, outgoing):
        ways = [way for start in sorted(knot) if (way := _way_round(graph, knot, start))]
        if ways:
            return min(ways, key=len)
    raise AssertionError("a knot without a circle")


def _way_round(graph: dict[int, list[Edge]], knot: set[int], start: int) -> tuple[Edge, ...]:
    came: dict[int, Edge] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for edge in graph.get(node, []):
            if edge.target == start:
                way = [edge]
                while way[-1].source != start:
                    way.append(came[way[-1].source])
                return tuple(reversed(way))
            if edge.target in knot and edge.target not in came:
                came[edge.target] = edge
                waiting.append(edge.target)
    return ()
