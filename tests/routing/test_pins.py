"""What binds a session to its connection, until when, and what of that do others on the connection never see?"""

import pytest

from howdah.routing.instead import raising
from howdah.routing.pins import Kind, Pins
from howdah.routing.sqlnames import SYNC as OUR_SYNC
from tests.routing.playsession import (
    BOUND,
    CLOSED,
    EXECUTE,
    IN_TRANSACTION,
    PARSED,
    READY,
    SYNC,
    Client,
    Stage,
    bind,
    done,
    error,
    message,
    parse,
    query,
)

WRITE = "INSERT INTO t VALUES (1)"


def runs(stage: Stage, client: Client, text: str, answer: bytes) -> bytes:
    """On the primary, which answers; returns what that was sent."""
    client.asks(text)
    sent = stage.sent("n1")
    if sent:
        stage.answers("n1", answer)
    return sent


@pytest.mark.parametrize(
    ("binding", "tag", "why", "loosening"),
    [
        ("LISTEN news", "LISTEN", "LISTEN news", "UNLISTEN news"),
        ("LISTEN news", "LISTEN", "LISTEN news", "UNLISTEN *"),
        ("PREPARE p AS SELECT 1", "PREPARE", "PREPARE p", "DEALLOCATE p"),
        ("PREPARE p AS SELECT 1", "PREPARE", "PREPARE p", "DEALLOCATE ALL"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "DECLARE CURSOR", "cursor c WITH HOLD", "CLOSE c"),
        ("CREATE TEMP TABLE mine (a int)", "CREATE TABLE", "temporary mine", "DISCARD TEMP"),
        ("CREATE TEMP TABLE mine (a int)", "CREATE TABLE", "temporary mine", "DROP TABLE other, mine"),
        ("CREATE TEMP VIEW mine AS SELECT 1", "CREATE VIEW", "temporary mine", "DROP VIEW pg_temp.mine CASCADE"),
        ("SELECT pg_advisory_lock(1)", "SELECT 1", "pg_advisory_lock() holds a", "SELECT pg_advisory_unlock_all()"),
        ("LISTEN news", "LISTEN", "LISTEN news", "DISCARD ALL"),
    ],
)
def test_a_session_is_bound_until_it_takes_back_what_bound_it(binding: str, tag: str, why: str, loosening: str) -> None:
    stage = Stage()
    client = stage.client()
    stage.clock += 5
    runs(stage, client, binding, done(tag))
    pins = client.session.state.pins
    assert pins.why.startswith(why)
    assert pins.since_ms == stage.clock
    assert client.session.link is stage.links["n1"][0]
    assert runs(stage, client, loosening, done("OK")) == query(loosening)
    assert pins.why == ""
    assert client.session.link is None


def test_another_table_of_that_name_is_not_the_temporary_one() -> None:
    stage = Stage()
    client = stage.client()
    runs(stage, client, "CREATE TEMP TABLE mine (a int)", done("CREATE TABLE"))
    runs(stage, client, "DROP TABLE public.mine", done("DROP TABLE"))
    assert client.session.state.pinned == "temporary mine"


def test_what_was_rolled_back_binds_nobody_and_what_a_rollback_does_not_undo_does() -> None:
    stage = Stage()
    client = stage.client()
    for text, answer in (
        ("BEGIN", done("BEGIN", IN_TRANSACTION)),
        ("CREATE TEMP TABLE mine (a int)", done("CREATE TABLE", IN_TRANSACTION)),
        ("ROLLBACK", done("ROLLBACK")),
    ):
        runs(stage, client, text, answer)
    assert client.session.state.pinned == ""
    runs(stage, client, "LISTEN news", done("LISTEN"))
    for text, answer in (
        ("BEGIN", done("BEGIN", IN_TRANSACTION)),
        ("UNLISTEN *", done("UNLISTEN", IN_TRANSACTION)),
        ("PREPARE p AS SELECT 1", done("PREPARE", IN_TRANSACTION)),
        ("COMMIT", error("23503") + READY),
    ):
        runs(stage, client, text, answer)
    assert client.session.state.pinned
    pins = Pins()
    pins.add(Kind.LIBRARY, "l", "LOAD l", 0)
    pins.drop_all()
    assert pins.why == "LOAD l"


def test_a_sequence_is_asked_on_the_connection_that_used_it_and_stays_there() -> None:
    stage = Stage()
    client = stage.client()
    assert runs(stage, client, "SELECT nextval('s')", done("SELECT 1"))
    assert client.session.link is None
    assert runs(stage, client, "SELECT currval('s')", done("SELECT 1")) == query("SELECT currval('s')")
    assert client.session.state.pinned == "currval() reads what its connection remembers"


def test_nobody_is_told_of_another_session_s_sequence() -> None:
    stage = Stage(size=1)
    client, other = stage.client(), stage.client()
    runs(stage, other, "SELECT nextval('s')", done("SELECT 1"))
    assert runs(stage, client, "SELECT currval('s')", done("DISCARD SEQUENCES")) == query("DISCARD SEQUENCES")
    assert stage.sent("n1") == query("SELECT currval('s')")
    stage.answers("n1", error("55000") + READY)
    assert client.take() == error("55000") + READY
    stage.clock += 10
    for name in ("n1", "n2", "n3"):
        stage.sampled(name, 1, 2000)
    client.asks("SELECT a FROM t")
    assert stage.sent("n1") == b""
    assert runs(stage, other, "SELECT lastval()", done("DISCARD SEQUENCES")) == query("DISCARD SEQUENCES")


def test_a_name_in_sql_is_never_another_client_s_statement() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    first.sends(parse("s1", WRITE), SYNC)
    stage.sent("n1")
    stage.answers("n1", PARSED + READY)
    second.asks("EXECUTE s1")
    close = message(b"C", b"Ss1\0")
    assert stage.sent("n1") == close + OUR_SYNC + query("EXECUTE s1")
    stage.answers("n1", CLOSED + READY + error("26000") + READY)
    assert second.take() == error("26000") + READY
    first.take()
    first.sends(bind("s1"), SYNC)
    assert stage.sent("n1") == parse("s1", WRITE) + bind("s1") + SYNC


def test_a_name_in_sql_is_nobody_else_s_in_the_extended_protocol_either() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    first.sends(parse("s1", WRITE), SYNC)
    stage.sent("n1")
    stage.answers("n1", PARSED + READY)
    batch = parse("", "PREPARE s1 AS SELECT 1") + bind("") + EXECUTE + SYNC
    second.sends(batch)
    assert stage.sent("n1") == message(b"C", b"Ss1\0") + batch
    stage.answers("n1", CLOSED + PARSED + BOUND + done("PREPARE"))
    assert second.take() == PARSED + BOUND + done("PREPARE")
    assert second.session.state.pinned == "PREPARE s1"


def test_a_statement_of_the_protocol_is_deallocated_in_sql_without_a_server() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    for client in (first, second):
        client.sends(parse("s1", WRITE), SYNC)
        stage.sent("n1")
        stage.answers("n1", PARSED + READY)
        client.take()
    assert runs(stage, second, "DEALLOCATE s1", b"") == b""
    assert second.take() == done("DEALLOCATE")
    assert second.session.state.names == {}
    first.sends(bind("s1"), SYNC)
    assert stage.sent("n1") == bind("s1") + SYNC


@pytest.mark.parametrize("text", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_what_a_session_has_on_no_server_is_discarded_without_one(text: str) -> None:
    stage = Stage()
    client = stage.client(("work_mem", "7MB"))
    stage.nobody_leads()
    client.asks(text)
    assert client.take() == done(text)
    assert client.session.state.profile.get("work_mem") == "7MB"


def test_a_session_that_may_not_be_bound_is_told_so_in_its_place() -> None:
    stage = Stage()
    stage.place.binds = False
    client = stage.client()
    sent = runs(stage, client, "LISTEN news", error("0A000") + READY)
    assert b"RAISE EXCEPTION" in sent
    assert b"LISTEN news" in sent
    assert client.session.link is None
    runs(stage, client, "DO $$BEGIN END$$", done("DO"))
    assert client.session.link is None
    assert stage.wires["n1"][0].closed


def test_words_that_raise_an_error_are_quoted_twice() -> None:
    assert b"''it''''s''" in raising("22023", "it's")
