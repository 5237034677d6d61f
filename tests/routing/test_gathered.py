"""What does one table tell of several workers?"""

from howdah.routing.admincommand import Subject
from howdah.routing.admintable import Row, Table, Value
from howdah.routing.admintables import TABLES
from howdah.routing.adminviews import VIEWS
from howdah.routing.gathered import gathered, is_gathered


def row_of(subject: Subject, **values: Value) -> Row:
    """A row with these values; 0 or nothing in the other columns."""
    columns = (TABLES.get(subject) or VIEWS[subject])[0]
    assert set(values) <= {column.name for column in columns}
    return tuple(values.get(column.name, 0) for column in columns)


def together(subject: Subject, *workers: list[Row]) -> list[dict[str, Value]]:
    columns = (TABLES.get(subject) or VIEWS[subject])[0]
    table = gathered(subject, Table(columns, tuple(workers[0])), workers[1:])
    return [dict(zip([c.name for c in columns], row, strict=True)) for row in table.rows]


def test_clients_of_all_workers_stand_below_each_other() -> None:
    found = together(Subject.CLIENTS, [row_of(Subject.CLIENTS, id=1)], [], [row_of(Subject.CLIENTS, id=2)])
    assert [row["id"] for row in found] == [1, 2]


def test_who_waits_is_numbered_anew() -> None:
    one, two = row_of(Subject.HELD, position=1, id=1), row_of(Subject.HELD, position=1, id=2)
    assert [(row["position"], row["id"]) for row in together(Subject.HELD, [one], [two])] == [(1, 1), (2, 2)]


def test_pools_are_added_up_and_who_waits_longest_is_told() -> None:
    first = row_of(
        Subject.POOLS, database="app", user="anna", sv_idle=2, maxwait=1, maxwait_us=900_000, pool_mode="auto"
    )
    second = row_of(Subject.POOLS, database="app", user="anna", sv_idle=3, maxwait=2, maxwait_us=5, pool_mode="auto")
    third = row_of(Subject.POOLS, database="app", user="bert", sv_idle=1, pool_mode="auto")
    anna, bert = together(Subject.POOLS, [first], [second, third])
    assert (anna["sv_idle"], anna["maxwait"], anna["maxwait_us"], anna["pool_mode"]) == (5, 2, 5, "auto")
    assert (bert["user"], bert["sv_idle"]) == ("bert", 1)


def test_averages_weigh_as_much_as_was_counted() -> None:
    first = row_of(Subject.STATS, database="app", total_xact_count=10, avg_query_count=1, avg_query_time=100)
    second = row_of(Subject.STATS, database="app", total_xact_count=5, avg_query_count=3, avg_query_time=20)
    (found,) = together(Subject.STATS, [first], [second])
    assert (found["total_xact_count"], found["avg_query_count"], found["avg_query_time"]) == (15, 4, 40)
    values = [("avg_query_count", 1), ("avg_query_time", 100)], [("avg_query_count", 3), ("avg_query_time", 20)]
    totals = together(Subject.TOTALS, *[list[Row](each) for each in values])
    assert [row["value"] for row in totals] == [4, 40]


def test_what_a_setting_or_the_cluster_says_is_told_once() -> None:
    first = row_of(Subject.DATABASES, name="app", pool_size=20, current_connections=3)
    second = row_of(Subject.DATABASES, name="app", pool_size=20, current_connections=4)
    (found,) = together(Subject.DATABASES, [first], [second])
    assert (found["pool_size"], found["current_connections"]) == (20, 7)
    first = row_of(Subject.NODES, name="n1", writable=True, lag_ms=None, busy=1, term=4, port=5432)
    second = row_of(Subject.NODES, name="n1", writable=True, lag_ms=3.0, busy=2, term=4, port=5432)
    (node,) = together(Subject.NODES, [first], [second])
    assert (node["writable"], node["lag_ms"], node["busy"], node["term"], node["port"]) == (True, None, 3, 4, 5432)
    assert not is_gathered(Subject.CONFIG)


def test_what_workers_count_alike_is_not_counted_twice() -> None:
    rows: list[Row] = [("databases", 2), ("used_clients", 5)]
    others: list[Row] = [("databases", 3), ("used_clients", 1)]
    assert [row["items"] for row in together(Subject.LISTS, rows, others)] == [3, 6]


def test_every_row_of_every_table_has_its_columns() -> None:
    for subject in (*TABLES, *VIEWS):
        if is_gathered(subject):
            row = row_of(subject)
            assert all(len(found) == len(row) for found in together(subject, [row], [row]))
