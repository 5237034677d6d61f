"""What would a statement do, by its text alone?"""

import pytest

from howdah.sql.classify import classify, not_understood, parse
from howdah.sql.parser import RawStatement
from howdah.sql.statement import CopyDirection, FunctionCall, Hint, Reach, RelationName, Script
from tests.sql.corpus_reads import READS
from tests.sql.schema import lines


@pytest.mark.parametrize("sql", lines(READS))
def test_every_read_of_the_corpus_reads_by_its_text(sql: str) -> None:
    script = parse(sql)
    assert script.understood and script.reach is Reach.READ, script.why


WRITES = (
    ("INSERT INTO t VALUES (1)", "INSERT", "INSERT writes"),
    ("UPDATE t SET a = 1", "UPDATE", "UPDATE writes"),
    ("DELETE FROM t", "DELETE", "DELETE writes"),
    ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "SELECT", "it holds a DELETE"),
    ("WITH x AS (WITH y AS (INSERT INTO t VALUES (1) RETURNING 1) SELECT 1) SELECT 1", "SELECT", "it holds an INSERT"),
    ("SELECT * FROM t FOR UPDATE", "SELECT", "FOR UPDATE locks rows, which writes"),
    ("SELECT * FROM (SELECT 1 FROM t FOR KEY SHARE) s", "SELECT", "FOR KEY SHARE locks rows, which writes"),
    ("SELECT 1 INTO t", "SELECT", "SELECT INTO creates a table"),
    ("SELECT nextval('s')", "SELECT", "nextval() uses a sequence"),
    ("SELECT pg_advisory_lock(1)", "SELECT", "pg_advisory_lock() locks on the primary only"),
    ("SELECT set_config('a.b', 'c', false)", "SELECT", "set_config() changes the session"),
    ("SELECT current_setting(a) FROM t", "SELECT", "current_setting() of a name that only the server sees"),
    ("COPY pg_temp.t TO STDOUT", "COPY", "pg_temp.t is a temporary object of the session"),
    ("COPY (DELETE FROM t RETURNING 1) TO STDOUT", "COPY", "COPY runs a query: DELETE writes"),
    ("SHOW ALL", "SHOW", "SHOW all tells of the server it is asked on, and the client talks to the primary"),
    ("SELECT * FROM pg_temp.t", "SELECT", "pg_temp.t is a temporary object of the session"),
    ("SELECT lo_get(1)", "SELECT", "lo_get() writes"),
    ("CALL p()", "CALL", "a procedure may write"),
    ("DO 'x'", "DO", "a DO block may write"),
    ("COPY t FROM STDIN", "COPY", "COPY FROM writes"),
    ("COPY t TO '/x'", "COPY", "COPY uses a file or program of the server"),
    ("EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN", "EXPLAIN ANALYZE executes: DELETE writes"),
    ("TRUNCATE t", "TRUNCATE", "TRUNCATE is not among the statements that only read"),
    ("ALTER TABLE t ADD a int", "ALTER TABLE", "ALTER TABLE is not among the statements that only read"),
    ("SELECT 1; DELETE FROM t", "SELECT", "statement 2: DELETE writes"),
    ("nonsense", "NONSENSE", 'not understood (the parser says: syntax error at or near "nonsense" at position 1)'),
)


@pytest.mark.parametrize(("sql", "kind", "why"), WRITES)
def test_a_write_says_why(sql: str, kind: str, why: str) -> None:
    script = parse(sql)
    assert (script.reach, script.statements[0].kind, script.why) == (Reach.WRITE, kind, why)


@pytest.mark.parametrize("sql", ["", " ", ";", ";;", "-- x", "/* x */ ;"])
def test_a_text_without_a_statement_is_empty_and_no_write(sql: str) -> None:
    script = parse(sql)
    assert script.empty and script.understood and script.reach is Reach.READ


def test_what_is_named_is_listed_once_in_its_order() -> None:
    (statement,) = parse(
        "SELECT a.f(x, 1), g(), g(), x::other.kind, y @@@ z FROM s.t JOIN u ON true WHERE x = ANY (SELECT f(2) FROM t)"
    ).statements
    assert statement.functions == (FunctionCall("a", "f", 2), FunctionCall("", "g", 0), FunctionCall("", "f", 1))
    assert statement.relations == (RelationName("s", "t"), RelationName("", "u"), RelationName("", "t"))
    assert statement.names.types == ("kind",)
    assert set(statement.names.operators) == {"@@@", "="}


def test_functions_of_ddl_are_not_called_now() -> None:
    (statement,) = parse(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT nextval('s'); END"
    ).statements
    assert statement.functions == () and statement.session == ()


def test_explain_without_analyze_calls_nothing_but_looks_at_relations() -> None:
    (statement,) = parse("EXPLAIN SELECT f(id) FROM t").statements
    assert statement.functions == () and statement.relations == (RelationName("", "t"),)
    assert parse("EXPLAIN (ANALYZE off, ANALYZE) DELETE FROM t").reach is Reach.WRITE
    assert parse("EXPLAIN (ANALYZE 'maybe') DELETE FROM t").reach is Reach.WRITE
    assert parse("EXPLAIN SELECT * FROM pg_temp.t").reach is Reach.WRITE


@pytest.mark.parametrize(
    ("sql", "direction"),
    [
        ("COPY t FROM STDIN", CopyDirection.FROM_CLIENT),
        ("COPY t TO STDOUT", CopyDirection.TO_CLIENT),
        ("COPY (DELETE FROM t RETURNING 1) TO STDOUT", CopyDirection.TO_CLIENT),
        ("COPY t FROM PROGRAM 'x'", CopyDirection.SERVER_FILE),
        ("SELECT 1", None),
    ],
)
def test_copy_tells_which_way_rows_move(sql: str, direction: CopyDirection | None) -> None:
    assert parse(sql).statements[0].copy is direction


def test_only_queries_and_changes_are_the_same_with_other_literals() -> None:
    same = ("SELECT 1", "INSERT INTO t VALUES ('x')", "VALUES (1)")
    other = ("SET a.b = 'x'", "SELECT set_config('a.b', 'c', true)", "SELECT current_setting('a')", "EXPLAIN SELECT 1")
    assert all(parse(sql).statements[0].any_literal for sql in same)
    assert not any(parse(sql).statements[0].any_literal for sql in other)


def test_backslashes_and_hints_are_told() -> None:
    assert parse("SELECT 'a\\b'").backslashes and not parse("SELECT 'ab'").backslashes
    assert parse("/* howdah: standby */ SELECT 1").hint is Hint.STANDBY
    assert parse("/* howdah: primary */ nonsense").hint is Hint.PRIMARY


def test_a_kind_of_node_that_is_not_known_is_no_read() -> None:
    statement = classify(RawStatement("SelectStmt", {"targetList": [{"BrandNewExpr": {}}]}, "SELECT ?"))
    assert statement.reach is Reach.WRITE and "BrandNewExpr" in statement.why
    assert classify(RawStatement("BrandNewStmt", {}, "-- x\nbrand NEW")).kind == "BRAND"


def test_what_is_not_understood_is_one_write() -> None:
    script = not_understood("???", "because")
    assert script == Script(script.statements, None, False, "not understood (because)")
    assert (script.statements[0].kind, script.reach) == ("?", Reach.WRITE)
