"""What does it cost to know what a statement would do? `python -m benchmarks.sql`: processor time per text."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from howdah.sql.cache import Verdicts
from howdah.sql.classify import parse
from howdah.sql.parser import parse_tree
from howdah.sql.shape import shape_of
from howdah.sql.volatility import FunctionFact, Volatility, catalog_of

TEXTS = {
    "pgbench's SELECT": "SELECT abalance FROM pgbench_accounts WHERE aid = 42;",
    "pgbench's UPDATE": "UPDATE pgbench_accounts SET abalance = abalance + 17 WHERE aid = 42;",
    "SET": "SET search_path = tenant_1, public",
    "an ORM's join": (
        'SELECT "o"."id", "o"."total", "c"."name", count("i"."id") AS "items" FROM "orders" AS "o" '
        'INNER JOIN "customers" AS "c" ON "c"."id" = "o"."customer_id" LEFT OUTER JOIN "items" AS "i" '
        'ON "i"."order_id" = "o"."id" WHERE "o"."state" IN (\'open\', \'paid\') AND "o"."placed_at" > now() - '
        'interval \'7 days\' AND lower("c"."name") LIKE \'a%\' GROUP BY 1, 2, 3 ORDER BY "o"."placed_at" DESC LIMIT 42'
    ),
    "a report (2 kB)": "WITH "
    + ", ".join(
        f"part_{n} AS (SELECT a, b, sum(c * {n}) AS s FROM t_{n} WHERE d BETWEEN {n} AND {n + 9} AND e = 'x{n}' "
        "GROUP BY a, b HAVING count(*) > 2)"
        for n in range(40, 55)
    )
    + " SELECT * FROM part_40",
}
CATALOG = catalog_of(
    FunctionFact("pg_catalog", name, Volatility.STABLE) for name in ("count", "sum", "now", "lower", "md5")
)
ROUNDS = 7


def microseconds(act: Callable[[], object], repeats: int) -> float:
    """The median over rounds of processor time per call."""
    act()
    found = []
    for _ in range(ROUNDS):
        before = time.process_time_ns()
        for _ in range(repeats):
            act()
        found.append((time.process_time_ns() - before) / repeats / 1000)
    return statistics.median(found)


def main() -> None:
    """Print one row a text."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=200, help="uncached calls per round")
    repeats = arguments.parse_args().repeats
    out = sys.stdout.write
    out("| text | bytes | PostgreSQL's parser, us | all of an unknown text, us | its shape, us | ")
    out("known by its shape, us | known, us |\n|---|---|---|---|---|---|---|\n")
    for name, text in TEXTS.items():
        encoded = text.encode()
        verdicts = Verdicts(10_000_000, CATALOG)
        verdicts.look(encoded)
        tree = microseconds(partial(parse_tree, text), repeats)
        whole = microseconds(partial(parse, text), repeats)
        shape = microseconds(partial(shape_of, encoded), repeats)
        known = microseconds(partial(verdicts.look, encoded), repeats * 100)
        by_shape = "-"
        if b" 42" in encoded:
            others = iter([encoded.replace(b" 42", b" %d" % number) for number in range(ROUNDS * repeats + 1)])
            by_shape = f"{microseconds(partial(_look_at_next, verdicts, others), repeats):.1f}"
        out(f"| {name} | {len(encoded)} | {tree:.0f} | {whole:.0f} | {shape:.1f} | {by_shape} | {known:.2f} |\n")


def _look_at_next(verdicts: Verdicts, texts: Iterator[bytes]) -> None:
    verdicts.look(next(texts))


if __name__ == "__main__":
    main()
