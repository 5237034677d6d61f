"""What is a table of the admin database where a router has several workers, each with rows of its own?

Rows that tell of one thing (a client, a connection) stand below each other. Rows that count are added up by what they
count. What is the same in each worker is told once.
"""

from collections.abc import Callable, Sequence
from typing import Final

from howdah.routing.admincommand import Subject
from howdah.routing.admintable import Row, Table, Value

_EACH: Final = frozenset(
    (Subject.CLIENTS, Subject.SERVERS, Subject.SOCKETS, Subject.ACTIVE_SOCKETS, Subject.PINS, Subject.HELD)
)
_ADDED: Final[dict[Subject, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    # what names a row, and what is not added up: that stays as it is here
    Subject.DATABASES: (
        ("name",),
        (
            *("port", "pool_size", "min_pool_size", "reserve_pool", "reserve_pool_size", "server_lifetime"),
            *("max_connections", "max_client_connections", "paused", "disabled"),
        ),
    ),
    Subject.LISTS: (("list",), ()),
    Subject.MEM: (("name",), ("size",)),
    Subject.NODES: (("name",), ("port", "term", "lag_bytes", "lag_ms", "latency_ms", "weight", "max_connections")),
    Subject.POOLS: (("database", "user"), ("maxwait", "maxwait_us")),
    Subject.STATS: (("database",), ()),
    Subject.STATS_AVERAGES: (("database",), ()),
    Subject.STATS_TOTALS: (("database",), ()),
    Subject.TOTALS: (("name",), ()),
    Subject.USERS: (
        ("name",),
        ("pool_size", "reserve_pool_size", "max_user_connections", "max_user_client_connections"),
    ),
}
_MEANS: Final = {"xact_time": "xact_count", "query_time": "query_count", "wait_time": "server_assignment_count"}
"""Averages for one of something: those of several workers weigh as much as they counted of it."""
_NAMED_ALIKE: Final = frozenset(("databases", "users", "pools"))
"""Rows of LISTS whose workers count the same things: the largest number is the nearest to all of them."""

Named = dict[str, Value]


def is_gathered(subject: Subject) -> bool:
    """Whether the other workers have to be asked for it."""
    return subject in _EACH or subject in _ADDED


def gathered(subject: Subject, own: Table, others: Sequence[Sequence[Row]]) -> Table:
    """The table of all workers: of this one, and the rows of the others."""
    if subject in _EACH:
        each = [row for rows in (own.rows, *others) for row in rows]
        if subject is Subject.HELD:
            each = [(place, *row[1:]) for place, row in enumerate(each, 1)]
        return Table(own.columns, tuple(each))
    names = [column.name for column in own.columns]
    keys, kept = _ADDED[subject]
    found: dict[tuple[Value, ...], list[Named]] = {}
    for rows in (own.rows, *others):
        for row in rows:
            named = dict(zip(names, row, strict=True))
            found.setdefault(tuple(named[key] for key in keys), []).append(named)
    added = [_added(of_one, keys, kept, _adder(subject, of_one[0])) for of_one in found.values()]
    if subject is Subject.POOLS:
        for one, of_one in zip(added, found.values(), strict=True):
            one["maxwait"], one["maxwait_us"] = max((_number(e["maxwait"]), _number(e["maxwait_us"])) for e in of_one)
    if subject in (Subject.STATS, Subject.STATS_AVERAGES):
        prefix = "avg_" if subject is Subject.STATS else ""
        for one, of_one in zip(added, found.values(), strict=True):
            _weigh(one, of_one, prefix)
    if subject is Subject.TOTALS:
        _weigh_totals(added, found)
    return Table(own.columns, tuple(tuple(one.values()) for one in added))


def _adder(subject: Subject, row: Named) -> Callable[[list[float]], float]:
    return max if subject is Subject.LISTS and row["list"] in _NAMED_ALIKE else sum


def _added(
    each: list[Named], keys: tuple[str, ...], kept: tuple[str, ...], add: Callable[[list[float]], float]
) -> Named:
    first = each[0]
    return {
        name: add([_number(row[name]) for row in each])
        if name not in keys and name not in kept and isinstance(value, int | float) and not isinstance(value, bool)
        else value
        for name, value in first.items()
    }


def _weigh(one: Named, each: list[Named], prefix: str) -> None:
    for name, of in _MEANS.items():
        one[prefix + name] = _mean([(_number(row[prefix + name]), _number(row[prefix + of])) for row in each])


def _weigh_totals(added: list[Named], found: dict[tuple[Value, ...], list[Named]]) -> None:
    by_name = {one["name"]: one for one in added}
    for name, of in _MEANS.items():
        values, weights = found.get((f"avg_{name}",), []), found.get((f"avg_{of}",), [])
        pairs = [(_number(v["value"]), _number(w["value"])) for v, w in zip(values, weights, strict=True)]
        if f"avg_{name}" in by_name:
            by_name[f"avg_{name}"]["value"] = _mean(pairs)


def _mean(pairs: list[tuple[float, float]]) -> int:
    weight = sum(of for _, of in pairs)
    return round(sum(value * of for value, of in pairs) / weight) if weight else 0


def _number(value: Value) -> float:
    return value if isinstance(value, int | float) else 0
