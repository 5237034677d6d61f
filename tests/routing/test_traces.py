"""What does a statement leave in its session, and does it bind the session to its connection?"""

import pytest

from howdah.routing.batch import look_at
from howdah.routing.outgoing import GONE, NOBODY
from howdah.routing.plan import Ends
from howdah.routing.state import State
from howdah.routing.texts import Texts, plan_of
from howdah.routing.traces import binds
from howdah.sql.cache import Verdicts
from howdah.sql.classify import parse as read
from howdah.sql.volatility import EMPTY_CATALOG
from tests.routing.playsession import EXECUTE, FLUSH, READY, SYNC, Stage, bind, done, message, parse, query

IN_TRANSACTION = b"Z\x00\x00\x00\x05T"


def texts() -> Texts:
    return Texts(Verdicts(1 << 20, EMPTY_CATALOG))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("LISTEN news", "LISTEN news"),
        ("PREPARE p AS SELECT 1", "PREPARE p"),
        ("SELECT nextval('s')", ""),
        ("SELECT lastval()", "lastval() reads what its connection remembers"),
        ("CREATE TEMP TABLE mine (a int)", "temporary mine"),
        ("CREATE TEMP TABLE mine (a int) ON COMMIT DROP", ""),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "cursor c WITH HOLD"),
        ("DECLARE c CURSOR FOR SELECT 1", ""),
        ("SELECT pg_advisory_lock(1)", "pg_advisory_lock() holds a lock of the session"),
        ("SELECT pg_advisory_xact_lock(1)", ""),
        ("SET work_mem = '5MB'", ""),
    ],
)
def test_what_binds_a_session_says_so(text: str, why: str) -> None:
    effects = [effect for statement in read(text).statements for effect in statement.session]
    assert next((found for effect in effects for _, _, found in binds(effect)), "") == why


def test_numbers_share_an_entry_only_where_they_are_values() -> None:
    known = texts()
    assert known.plan(query("SELECT a FROM t WHERE b = 17")) is known.plan(query("SELECT a FROM t WHERE b = 42"))
    assert len(known.shapes) == 1
    for text in ("SELECT a1 FROM t", "SELECT '1'", 'SELECT "1"', "SELECT 1 -- 1", "SELECT $1", "SELECT 0x1"):
        known.plan(query(text))
    assert len(known.shapes) == 1


def test_a_text_that_nobody_understands_may_have_committed() -> None:
    plan = texts().plan(query("SOMETHING ELSE"))
    assert not plan.read
    assert plan.ends is Ends.COMMITS
    assert plan_of(Verdicts(1 << 20, EMPTY_CATALOG).look(b"COMMIT")).ends is Ends.COMMITS


def test_a_batch_is_looked_at_as_a_whole() -> None:
    known = texts()
    reads = parse("", "SELECT a FROM t") + bind("") + EXECUTE
    writes = parse("", "DELETE FROM t") + bind("") + EXECUTE
    for data, is_read, synced, whole in (
        (reads + SYNC, True, True, True),
        (reads + FLUSH, True, False, True),
        (reads, True, False, False),
        (reads + writes + SYNC, False, True, True),
    ):
        batch = look_at(data, 0, {}, None, known)
        assert (batch.read, batch.synced, batch.whole) == (is_read, synced, whole)


def test_a_name_that_the_client_never_prepared_is_not_another_client_s() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    first.sends(parse("s1", "DELETE FROM t"), SYNC)
    stage.sent("n1")
    stage.answers("n1", message(b"1", b"") + READY)
    second.asks("BEGIN")
    stage.sent("n1")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    second.sends(bind("s1"), EXECUTE, SYNC)
    assert b"s1" + NOBODY in stage.sent("n1")
    assert GONE not in stage.sent("n1")


def test_discard_all_unbinds_a_session_and_forgets_its_statements() -> None:
    stage = Stage()
    client = stage.client(("work_mem", "7MB"))
    client.asks("LISTEN news")
    stage.sent("n1")
    stage.answers("n1", done("SELECT 1"))  # its own settings come first
    stage.sent("n1")
    stage.answers("n1", done("LISTEN"))
    state: State = client.session.state
    assert state.pinned
    client.asks("DISCARD ALL")
    stage.sent("n1")
    stage.answers("n1", done("DISCARD ALL"))
    assert not state.pinned
    assert client.session.link is None
    assert state.profile.get("work_mem") == "7MB"
    assert stage.links["n1"][0].profile is stage.hub.profiles.plain


def test_a_savepoint_brings_settings_back() -> None:
    stage = Stage()
    client = stage.client()
    for text, tag in (
        ("BEGIN", "BEGIN"),
        ("SET work_mem = '5MB'", "SET"),
        ("SAVEPOINT here", "SAVEPOINT"),
        ("SET work_mem = '9MB'", "SET"),
        ("ROLLBACK TO SAVEPOINT here", "ROLLBACK"),
    ):
        client.asks(text)
        stage.sent("n1")
        stage.answers("n1", done(tag, IN_TRANSACTION))
    assert client.session.state.profile.get("work_mem") == "5MB"
    client.asks("COMMIT")
    stage.sent("n1")
    stage.answers("n1", done("COMMIT"))
    assert client.session.state.profile.get("work_mem") == "5MB"
