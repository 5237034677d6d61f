"""Is a read judged by what its database knows of the names in it?"""

import pytest

from howdah.sql import functions
from howdah.sql.catalogqueries import function_facts, relation_names
from howdah.sql.classify import parse
from howdah.sql.statement import RelationName
from howdah.sql.volatility import EMPTY_CATALOG, FunctionFact, Judgement, Volatility, catalog_of, judge

FACTS = [
    FunctionFact("pg_catalog", "count", Volatility.IMMUTABLE),
    FunctionFact("pg_catalog", "lower", Volatility.IMMUTABLE),
    FunctionFact("pg_catalog", "now", Volatility.STABLE),
    FunctionFact("pg_catalog", "random", Volatility.VOLATILE),
    FunctionFact("pg_catalog", "dangerous", Volatility.VOLATILE),
    FunctionFact("pg_catalog", "pg_is_in_recovery", Volatility.STABLE),
    FunctionFact("pg_catalog", "pg_stat_get_numscans", Volatility.STABLE),
    FunctionFact("pg_catalog", "pg_last_wal_replay_lsn", Volatility.VOLATILE),
    FunctionFact("public", "pure", Volatility.IMMUTABLE),
    FunctionFact("public", "dice", Volatility.VOLATILE),
    FunctionFact("public", "become", Volatility.STABLE, unsettles=True),
    FunctionFact("other", "lower", Volatility.VOLATILE),
    FunctionFact("other", "random", Volatility.STABLE),
    FunctionFact("public", "observed", Volatility.STABLE),
]
CATALOG = catalog_of(FACTS, [RelationName("public", "ticket"), RelationName("a", "log")], ["<=>!"], ["observed"])


def judged(sql: str, temporaries: frozenset[str] = frozenset()) -> Judgement:
    """The judgement with the catalog above."""
    return judge(parse(sql), CATALOG, temporaries, sql)


READS = (
    "SELECT count(*), now(), public.pure(1) FROM t",
    "SELECT random(), pg_catalog.random()",
    "SELECT pg_last_wal_replay_lsn()",
    "SELECT pg_catalog.lower('A')",
    "SELECT become('x')",
    "SELECT * FROM other.ticket",
    "SELECT * FROM pg_class",
    "SELECT * FROM mine.pg_locks",
    "/* howdah: standby */ SELECT dice() FROM pg_locks",
    "",
)


@pytest.mark.parametrize("sql", READS)
def test_what_the_catalog_clears_may_be_read_on_a_standby(sql: str) -> None:
    assert judged(sql).read, judged(sql).why


KEPT = (
    ("SELECT dice()", "dice() is volatile and not known to be harmless"),
    ("SELECT lower('A')", "lower() is volatile and not known to be harmless"),
    ("SELECT dangerous()", "dangerous() is volatile and not known to be harmless"),
    ("SELECT new_one()", "new_one() is not known"),
    ("SELECT wrong.pure()", "pure() is not known"),
    ("SELECT pg_is_in_recovery()", "pg_is_in_recovery() tells of the server it runs on"),
    ("SELECT pg_stat_get_numscans(1)", "pg_stat_get_numscans() is volatile"),
    ("SELECT * FROM ticket", "ticket is a view that may write, an unlogged table or a sequence"),
    ("SELECT * FROM a.log", "log is a view that may write"),
    ("SELECT * FROM pg_stat_activity", "pg_stat_activity tells of the server it is read on"),
    ("SELECT * FROM pg_catalog.pg_locks", "pg_locks tells of the server it is read on"),
    ("SELECT a <=>! b FROM t", "the operator <=>! calls a volatile function"),
    ("SELECT 1::observed", "a cast to observed calls a volatile function"),
    ("SELECT observed(1)", "a cast to observed calls a volatile function"),
    ("/* howdah: primary */ SELECT 1", "a hint asks for the primary"),
    ("/* howdah: standby */ DELETE FROM t", "DELETE writes; a hint cannot change that"),
    ("/* howdah: standby */ nonsense", "not understood"),
    ("SELECT 1; SELECT dice()", "dice() is volatile"),
)


@pytest.mark.parametrize(("sql", "why"), KEPT)
def test_what_the_catalog_speaks_against_is_kept_on_the_primary(sql: str, why: str) -> None:
    judgement = judged(sql)
    assert not judgement.read and judgement.why.startswith(why), judgement.why


def test_the_worst_of_a_name_counts_in_any_order() -> None:
    for facts in (FACTS, FACTS[::-1]):
        catalog = catalog_of(facts)
        assert not judge(parse("SELECT lower('A')"), catalog).read
        assert judge(parse("SELECT pg_catalog.lower('A')"), catalog).read
    twice = [FunctionFact("s", "f", Volatility.VOLATILE), FunctionFact("s", "f", Volatility.STABLE)]
    assert not judge(parse("SELECT s.f()"), catalog_of(twice)).read
    assert not judge(parse("SELECT s.f()"), catalog_of(twice[::-1])).read


def test_before_the_catalog_was_read_no_function_is_known() -> None:
    judgement = judge(parse("SELECT now()"), EMPTY_CATALOG)
    assert not judgement.read and "not read yet" in judgement.why
    assert judge(parse("SELECT 1 FROM t"), EMPTY_CATALOG).read


def test_an_administrator_can_declare_a_volatile_function_harmless() -> None:
    for name in ("dice", "public.dice"):
        assert judge(parse("SELECT dice()"), catalog_of(FACTS, harmless=frozenset((name,)))).read
    assert not judge(parse("SELECT dice()"), catalog_of(FACTS, harmless=frozenset(("other.dice",)))).read


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM work", "SELECT 'WORK'::regclass", "SELECT work()", 'SELECT 1 AS "Work"']
)
def test_a_name_of_a_temporary_object_anywhere_keeps_a_read_where_the_object_is(sql: str) -> None:
    assert not judged(sql, frozenset(("work",))).read
    assert "temporary object" in judged(sql, frozenset(("work",))).why or "not known" in judged(sql).why
    assert judged("SELECT * FROM t", frozenset(("work",))).read


def test_a_function_that_may_leave_something_on_its_connection_is_named() -> None:
    assert judged("SELECT become('x')").unsettled == "become() changes its connection"
    assert judged("CALL unheard_of()").unsettled == "unheard_of() is not known"
    assert judged("SELECT dice()").unsettled == ""
    assert judge(parse("CALL unheard_of()"), EMPTY_CATALOG).unsettled == ""


def test_rows_of_the_catalog_become_facts() -> None:
    assert function_facts([("s", "f", "v", True), ("s", "g", "?", False)]) == [
        FunctionFact("s", "f", Volatility.VOLATILE, True),
        FunctionFact("s", "g", Volatility.VOLATILE, False),
    ]
    assert relation_names([("a", "b")]) == [RelationName("a", "b")]


def test_no_function_is_both_harmless_and_kept() -> None:
    assert not functions.HARMLESS & (functions.OF_ITS_SERVER | functions.WRITERS | functions.RUN_SQL_OR_SCHEMA)
    assert not functions.of_its_server("random") and functions.of_its_server("pg_walfile_name")
    assert functions.primary_relation("pg_stat_wal") and not functions.primary_relation("pg_stats")
