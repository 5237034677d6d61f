"""Is everything seen that a statement leaves on its connection?"""

import pytest

from howdah.sql import session_statements
from howdah.sql.classify import parse
from howdah.sql.creation import temporary_of
from howdah.sql.preparation import prepared_query
from howdah.sql.sessioneffect import (
    AdvisoryLock,
    AdvisoryUnlock,
    CloseCursor,
    CreatesTemporary,
    Deallocate,
    DeclareCursor,
    Discard,
    DiscardTarget,
    Drops,
    Execute,
    Listen,
    Load,
    Prepare,
    ResetAll,
    ResetSetting,
    SequenceState,
    SessionEffect,
    SetRole,
    SetSessionAuthorization,
    SetSetting,
    Unknown,
    Unlisten,
)
from howdah.sql.setting_statements import show_statement
from howdah.sql.statement import Reach


def effects(sql: str) -> tuple[SessionEffect, ...]:
    """The effects of a text with one statement."""
    (statement,) = parse(sql).statements
    return statement.session


SETTINGS = (
    ("SET work_mem = '8MB'", "work_mem", "8MB"),
    ("SET Work_Mem TO 64", "work_mem", "64"),
    ("set session seq_page_cost = 1.5", "seq_page_cost", "1.5"),
    ("SET cpu_tuple_cost = -1", "cpu_tuple_cost", "-1"),
    ("SET enable_seqscan = off", "enable_seqscan", "off"),
    ("SET enable_seqscan TO true", "enable_seqscan", "true"),
    ("SET search_path = a, \"B c\", '$user'", "search_path", 'a, "B c", "$user"'),
    ("SET SCHEMA 'Odd\"one'", "search_path", '"Odd""one"'),
    ("SET datestyle = iso, mdy", "datestyle", "iso, mdy"),
    ("SET TIME ZONE 'Europe/Berlin'", "timezone", "Europe/Berlin"),
    ("SET TIME ZONE -7", "timezone", "-7"),
    ("SET NAMES 'LATIN1'", "client_encoding", "LATIN1"),
    ("SET app.tenant = 'it''s'", "app.tenant", "it's"),
    ("SET XML OPTION DOCUMENT", "xmloption", "DOCUMENT"),
    ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "default_transaction_read_only", "on"),
)


@pytest.mark.parametrize(("sql", "name", "value"), SETTINGS)
def test_a_setting_is_kept_as_the_text_that_set_config_takes(sql: str, name: str, value: str) -> None:
    (effect,) = effects(sql)
    assert isinstance(effect, SetSetting)
    assert (effect.name, effect.value, effect.local, effect.is_default) == (name, value, False, False)


def test_a_setting_keeps_the_statement_that_replays_it() -> None:
    assert effects("  SET work_mem  = '8MB' ; ") == (
        SetSetting("work_mem", "8MB", False, False, "SET work_mem  = '8MB'"),
    )
    assert effects("SET LOCAL work_mem = '8MB'") == (
        SetSetting("work_mem", "8MB", True, False, "SET LOCAL work_mem = '8MB'"),
    )
    text = "SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE"
    assert effects(text) == (SetSetting("timezone", None, False, False, text),)
    assert effects("SET work_mem TO DEFAULT") == (SetSetting("work_mem", None, False, True, "SET work_mem TO DEFAULT"),)
    script = parse("SELECT 'ä'; SET app.a = 'ö'; SET app.b = 'ü'")
    replays = [effect.statement for s in script.statements for effect in s.session if isinstance(effect, SetSetting)]
    assert replays == ["SET app.a = 'ö'", "SET app.b = 'ü'"]


def test_set_config_with_literals_is_a_setting() -> None:
    call = "SELECT pg_catalog.set_config('app.tenant', 'it''s', false)"
    assert effects("SELECT set_config('App.Tenant', 'it''s', false)") == (
        SetSetting("app.tenant", "it's", False, False, call),
    )
    assert effects("SELECT set_config('role', 'alice', true)") == (SetRole("alice", True),)
    for sql in ("SELECT set_config(name, 'x', false) FROM t", "SELECT set_config('a.b', 'x', flag) FROM t"):
        (effect,) = effects(sql)
        assert isinstance(effect, Unknown)
    assert len(effects("INSERT INTO t SELECT set_config('a.b', 'x', false)")) == 1


OTHERS: tuple[tuple[str, tuple[SessionEffect, ...]], ...] = (
    ("RESET work_mem", (ResetSetting("work_mem"),)),
    ("RESET ALL", (ResetAll(),)),
    ("RESET TIME ZONE", (ResetSetting("timezone"),)),
    ("RESET ROLE", (SetRole(None, False),)),
    ("SET ROLE alice", (SetRole("alice", False),)),
    ("SET LOCAL ROLE 'Alice'", (SetRole("Alice", True),)),
    ("SET ROLE NONE", (SetRole(None, False),)),
    ("SET SESSION AUTHORIZATION alice", (SetSessionAuthorization("alice", False),)),
    ("SET SESSION AUTHORIZATION DEFAULT", (SetSessionAuthorization(None, False),)),
    ("RESET SESSION AUTHORIZATION", (SetSessionAuthorization(None, False),)),
    ("EXECUTE q (1, 2)", (Execute("q"),)),
    ("EXPLAIN EXECUTE q", (Execute("q"),)),
    ("DEALLOCATE q", (Deallocate("q"),)),
    ("DEALLOCATE ALL", (Deallocate(None),)),
    ("DECLARE c CURSOR FOR SELECT 1", (DeclareCursor("c", False, False, False),)),
    ("DECLARE c BINARY SCROLL CURSOR WITH HOLD FOR SELECT 1", (DeclareCursor("c", True, True, True),)),
    ("CLOSE c", (CloseCursor("c"),)),
    ("CLOSE ALL", (CloseCursor(None),)),
    ("FETCH c", ()),
    ("LISTEN Events", (Listen("events"),)),
    ("UNLISTEN events", (Unlisten("events"),)),
    ("UNLISTEN *", (Unlisten(None),)),
    ("DROP TABLE IF EXISTS a, pg_temp.b, public.c", (Drops(("a", "b")),)),
    ("DROP SEQUENCE public.c", ()),
    ("DROP FUNCTION f", ()),
    ("NOTIFY events", ()),
    ("DISCARD ALL", (Discard(DiscardTarget.ALL),)),
    ("DISCARD PLANS", (Discard(DiscardTarget.PLANS),)),
    ("DISCARD SEQUENCES", (Discard(DiscardTarget.SEQUENCES),)),
    ("DISCARD TEMPORARY", (Discard(DiscardTarget.TEMPORARY),)),
    ("LOAD 'auto_explain'", (Load("auto_explain"),)),
    ("SELECT pg_advisory_lock(1)", (AdvisoryLock("pg_advisory_lock", True),)),
    ("SELECT pg_try_advisory_lock_shared(1, 2)", (AdvisoryLock("pg_try_advisory_lock_shared", True),)),
    ("SELECT pg_advisory_xact_lock(1)", (AdvisoryLock("pg_advisory_xact_lock", False),)),
    ("SELECT pg_advisory_unlock(1)", (AdvisoryUnlock("pg_advisory_unlock", False),)),
    ("SELECT pg_advisory_unlock_all()", (AdvisoryUnlock("pg_advisory_unlock_all", True),)),
    ("SELECT nextval('s')", (SequenceState("nextval", False),)),
    ("SELECT pg_catalog.currval('s')", (SequenceState("currval", True),)),
    ("SELECT lastval()", (SequenceState("lastval", True),)),
    ("CREATE TEMP TABLE w (id int)", (CreatesTemporary(("w",), False),)),
    ("CREATE TEMPORARY TABLE w ON COMMIT DROP AS SELECT 1", (CreatesTemporary(("w",), True),)),
    ("CREATE TEMP TABLE w (id int) ON COMMIT DROP", (CreatesTemporary(("w",), True),)),
    ("CREATE TABLE pg_temp.w (id int)", (CreatesTemporary(("w",), False),)),
    ("SELECT 1 AS n INTO TEMP w", (CreatesTemporary(("w",), False),)),
    ("CREATE TEMP VIEW v AS SELECT 1", (CreatesTemporary(("v",), False),)),
    ("CREATE TEMP SEQUENCE s", (CreatesTemporary(("s",), False),)),
    ("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", (CreatesTemporary(("f",), False),)),
    ("CREATE TYPE pg_temp.t AS (a int)", (CreatesTemporary(("t",), False),)),
    ("CREATE TABLE t (id int)", ()),
    ("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT set_config(''a.b'', ''c'', false)'", ()),
    ("INSERT INTO t VALUES (1)", ()),
    ("SET CONSTRAINTS ALL DEFERRED", ()),
)


@pytest.mark.parametrize(("sql", "expected"), OTHERS)
def test_each_effect_is_told_apart(sql: str, expected: tuple[SessionEffect, ...]) -> None:
    assert effects(sql) == expected


UNKNOWNS = (
    "DO $$BEGIN END$$",
    "SET SEED TO 0.5",
    "SELECT setseed(0.5)",
    "SET search_path = pg_temp, public",
    "SELECT set_config('search_path', 'pg_temp', false)",
    "DROP FUNCTION pg_temp.f()",
    "CREATE TEMP TABLE t (id int, n int GENERATED ALWAYS AS (id) VIRTUAL, EXTRA)",
    "SET what is this",
)


@pytest.mark.parametrize("sql", UNKNOWNS)
def test_what_cannot_be_followed_is_said_to_be_unknown(sql: str) -> None:
    (effect,) = effects(sql)
    assert isinstance(effect, Unknown) and effect.what


def test_a_statement_that_was_not_understood_leaves_nothing_unless_it_has_such_a_word() -> None:
    assert effects("INSERT INTO t VALUES (1) RETURNING SOMETHING NEW") == ()
    assert effects("CREATE TEMP THING") != ()


def test_prepare_carries_what_execute_would_do() -> None:
    text = "PREPARE q (int, pg_catalog.text) AS SELECT * FROM t WHERE id = $1"
    (statement,) = parse(text + ";").statements
    assert statement.session == (Prepare("q", text, ("int4", "text")),)
    assert statement.prepared is not None and statement.prepared.reach is Reach.READ
    (statement,) = parse("PREPARE w AS DELETE FROM t").statements
    assert statement.reach is Reach.WRITE and statement.prepared is not None
    assert statement.prepared.kind == "DELETE"


@pytest.mark.parametrize(
    ("statement", "query"),
    [
        ("PREPARE q AS SELECT 1", "SELECT 1"),
        ('prepare "as" (int) /* as */ as -- as\n select 2', "-- as\n select 2"),
        ("PREPARE q (numeric(1, 2)) AS VALUES (1)", "VALUES (1)"),
        ("PREPARE q", ""),
    ],
)
def test_the_prepared_query_is_what_follows_as(statement: str, query: str) -> None:
    assert prepared_query(statement) == query


def test_what_tells_a_standby_from_a_primary_is_shown_by_the_primary() -> None:
    assert show_statement({"name": "transaction_read_only"}).reach is Reach.WRITE
    assert show_statement({"name": "work_mem"}).reach is Reach.READ


def test_nothing_temporary_comes_from_an_empty_node() -> None:
    assert temporary_of("CreateStmt", {}) == ()
    assert session_statements.fetch_statement({}).kind == "FETCH"
