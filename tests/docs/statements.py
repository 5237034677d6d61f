"""What does the generated part of docs/statements.md say? Where each kind of statement goes, by the rules."""

import re

from howdah.sql import functions
from howdah.sql.classify import parse
from howdah.sql.setting_statements import OF_SESSION
from howdah.sql.volatility import FunctionFact, Volatility, catalog_of, judge

CATALOG = catalog_of(
    [
        FunctionFact("pg_catalog", "count", Volatility.IMMUTABLE),
        FunctionFact("pg_catalog", "now", Volatility.STABLE),
        FunctionFact("pg_catalog", "pg_is_in_recovery", Volatility.STABLE),
        FunctionFact("pg_catalog", "pg_last_wal_replay_lsn", Volatility.VOLATILE),
        FunctionFact("pg_catalog", "random", Volatility.VOLATILE),
        FunctionFact("public", "book", Volatility.VOLATILE),
    ]
)
"""`book` is a function of the user's own, volatile as functions are unless they are declared otherwise."""

EXAMPLES = """
SELECT count(*) FROM orders WHERE placed_at < now()
WITH recent AS (SELECT * FROM orders) SELECT * FROM recent
VALUES (1), (2)
SELECT random()
SHOW work_mem
EXPLAIN DELETE FROM orders
COPY orders TO STDOUT
DECLARE c CURSOR FOR SELECT * FROM orders
BEGIN READ ONLY
SELECT pg_last_wal_replay_lsn()
/* howdah: standby */ SELECT book()
BEGIN
BEGIN READ ONLY ISOLATION LEVEL SERIALIZABLE
INSERT INTO orders VALUES (1)
WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone
SELECT * FROM orders FOR UPDATE
SELECT * INTO copied FROM orders
EXPLAIN ANALYZE DELETE FROM orders
COPY orders FROM STDIN
SELECT book()
SELECT unheard_of()
SELECT nextval('counter')
SELECT pg_advisory_lock(1)
SELECT pg_is_in_recovery()
SELECT * FROM pg_stat_activity
SHOW transaction_read_only
CALL restock()
DO $$BEGIN END$$
LISTEN events
CREATE TEMP TABLE work (id int)
ALTER TABLE orders ADD note text
SELECT 1; DELETE FROM orders
/* howdah: primary */ SELECT 1
SELEC 1
SET search_path = tenant
SET LOCAL work_mem = '8MB'
SELECT set_config('app.tenant', 'x', false)
PREPARE q AS SELECT 1
DISCARD ALL
"""


def written() -> str:
    """The tables."""
    lines = ["| statement | goes to | why | leaves on its connection |", "|---|---|---|---|"]
    for text in EXAMPLES.strip().split("\n"):
        script = parse(text)
        judgement = judge(script, CATALOG)
        left = [_words(type(effect).__name__) for statement in script.statements for effect in statement.session]
        where = "a standby" if judgement.read else "the primary"
        if judgement.why == OF_SESSION:
            where = "where the session is"
        lines.append(f"| `{text}` | {where} | {judgement.why} | {', '.join(left)} |")
    lines += ["", "### Functions of PostgreSQL that are known by name", ""]
    for title, names in (
        ("Volatile, and yet read on standbys", functions.HARMLESS),
        ("Not volatile, and yet asked of the primary", functions.OF_ITS_SERVER),
        ("They run SQL that nobody has read, so on the primary", functions.RUN_SQL_OR_SCHEMA),
        ("Views that are read on the primary", functions.PRIMARY_RELATIONS),
    ):
        lines += [f"{title}: {', '.join(f'`{name}`' for name in sorted(names))}.", ""]
    prefixes = (*functions.OF_ITS_SERVER_PREFIXES, *functions.PRIMARY_RELATION_PREFIXES)
    lines.append(
        f"So are functions and views whose names begin with {', '.join(f'`{prefix}`' for prefix in prefixes)}."
    )
    return "\n".join([*lines, ""])


def _words(name: str) -> str:
    """`SetSetting` as "set setting"."""
    return " ".join(re.findall("[A-Z][a-z]*", name)).lower()
