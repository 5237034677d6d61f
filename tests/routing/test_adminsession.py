"""How does a client talk with the router itself, in both query protocols?"""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.routing.admindesk import AdminClient, rows, shape, visit
from tests.routing.playsession import EXECUTE, FLUSH, SYNC, Stage, done, message, parse, query


def bind(
    statement: str = "", values: tuple[bytes, ...] = (), formats: tuple[int, ...] = (), sends_binary: int = 0
) -> bytes:
    """To the portal without a name."""
    body = b"\0" + statement.encode() + b"\0" + struct.pack(">HH", 1, sends_binary) + struct.pack(">H", len(values))
    body += b"".join(struct.pack(">I", len(value)) + value for value in values)
    body += struct.pack(f">H{len(formats)}H", len(formats), *formats)
    return message(b"B", body)


def describe(what: bytes, name: str = "") -> bytes:
    return message(b"D", what + name.encode() + b"\0")


def test_a_simple_query_is_answered_with_columns_rows_and_a_tag() -> None:
    client = AdminClient(Stage())
    assert shape(client.sends(query("SHOW VERSION"))) == "T D C(SHOW) Z(I)"
    assert client.ask("SHOW VERSION") == [{"version": "PgBouncer 1.24.1"}]
    assert shape(client.sends(query(";"))) == "I Z(I)"
    assert shape(client.sends(query("SHOW VERSION; SHOW STATE;"))) == "T D C(SHOW) T D D D C(SHOW) Z(I)"
    assert client.ask("SELECT 1") == [{"?column?": "1"}]


def test_bytes_may_be_cut_anywhere() -> None:
    text = query("SHOW LISTS") + parse("", "SHOW VERSION") + bind() + EXECUTE + SYNC
    for size in (1, 2, 5):
        client = AdminClient(Stage())
        for at in range(0, len(text), size):
            client.session.receive(text[at : at + size])
        assert shape(client.take()) == "T " + "D " * 12 + "C(SHOW) Z(I) 1 2 D C(SHOW) Z(I)"


def test_drivers_prepare_describe_and_execute() -> None:
    client = AdminClient(Stage())
    answer = client.sends(parse("s", "SHOW VERSION"), describe(b"S", "s"), bind("s"), describe(b"P"), EXECUTE, SYNC)
    assert shape(answer) == "1 t T 2 T D C(SHOW) Z(I)"
    assert shape(client.sends(bind("s"), EXECUTE, SYNC)) == "2 D C(SHOW) Z(I)"
    assert shape(client.sends(message(b"C", b"Ss\0"), bind("s"), EXECUTE, SYNC)) == "3 E(26000) Z(I)"
    answer = client.sends(parse("", "RECONNECT"), describe(b"S"), bind(), describe(b"P"), EXECUTE, FLUSH, SYNC)
    assert shape(answer) == "1 t n 2 n C(RECONNECT) Z(I)"
    assert shape(client.sends(parse("", ""), describe(b"S"), bind(), EXECUTE, SYNC)) == "1 t n 2 I Z(I)"


def test_rows_may_be_fetched_a_few_at_a_time() -> None:
    client = AdminClient(Stage())
    five = message(b"E", b"\0" + struct.pack(">I", 5))
    assert shape(client.sends(parse("", "SHOW LISTS"), bind(), five)) == "1 2 D D D D D s"
    assert shape(client.sends(five)) == "D D D D D s"
    assert shape(client.sends(five, SYNC)) == "D D C(SHOW) Z(I)"


def test_results_come_in_binary_to_who_wants_them_so() -> None:
    client = AdminClient(Stage())
    answer = client.sends(parse("", "SHOW STATE"), bind(formats=(1,)), describe(b"P"), EXECUTE, SYNC)
    assert rows(answer)[0] == {"key": "active", "value": "yes"}
    answer = client.sends(parse("", "SHOW LISTS"), bind(formats=(0, 1)), EXECUTE, SYNC)
    assert struct.pack(">IIq", 0, 8, 0)[4:] in answer
    answer = client.sends(parse("", "SHOW LISTS"), bind(formats=(0, 1, 1)), EXECUTE, SYNC)
    assert shape(answer) == "1 E(08P01) Z(I)"


def test_values_come_with_the_bind() -> None:
    stage = Stage()
    visit(stage.client(), 1)
    client = AdminClient(stage)
    answer = client.sends(parse("", "SHOW ROUTE $1"), describe(b"S"), bind(values=(b"SELECT a FROM t",)), EXECUTE, SYNC)
    assert shape(answer) == "1 t T 2 D C(SHOW) Z(I)"
    typed = message(b"P", b"\0KILL_CLIENT $1\0" + struct.pack(">HI", 1, 23))
    answer = client.sends(typed, bind(values=(struct.pack(">i", 1),), sends_binary=1), EXECUTE, SYNC)
    assert shape(answer) == "1 2 C(KILL_CLIENT) Z(I)"
    assert not stage.hub.sessions
    assert shape(client.sends(parse("", "KILL_CLIENT $1"), bind(), EXECUTE, SYNC)) == "1 E(08P01) Z(I)"


def test_an_error_ends_its_query_and_in_a_batch_everything_up_to_sync() -> None:
    client = AdminClient(Stage())
    assert shape(client.sends(query("SHOW POOL; SHOW VERSION"))) == "E(42601) Z(I)"
    assert shape(client.sends(query("SHOW VERSION; DROP TABLE t; SHOW VERSION"))) == "T D C(SHOW) E(42601) Z(I)"
    answer = client.sends(parse("", "SHOW POOL"), bind(), EXECUTE, query("SHOW VERSION"), SYNC, query("SHOW VERSION"))
    assert shape(answer) == "E(42601) Z(I) T D C(SHOW) Z(I)"
    assert shape(client.sends(parse("", "SHOW VERSION; SHOW POOLS"), SYNC)) == "E(42601) Z(I)"
    assert shape(client.sends(message(b"F", b"\0" * 10), SYNC)) == "E(0A000) Z(I)"


def test_what_drivers_send_unasked_is_answered_and_does_nothing() -> None:
    client = AdminClient(Stage())
    assert shape(client.sends(query("SET extra_float_digits = 3"))) == "C(SET) Z(I)"
    assert shape(client.sends(query("BEGIN"))) == "C(BEGIN) Z(T)"
    assert shape(client.sends(query("SHOW VERSION"))) == "T D C(SHOW) Z(T)"
    assert shape(client.sends(query("COMMIT"))) == "C(COMMIT) Z(I)"


def test_help_is_a_notice_as_it_is_in_pgbouncer() -> None:
    answer = AdminClient(Stage()).sends(query("SHOW HELP"))
    assert shape(answer) == "N C(SHOW) Z(I)"
    assert b"SHOW ROUTE" in answer
    assert b"KILL_CLIENT" in answer


def test_an_observer_may_look_and_nothing_else() -> None:
    stage = Stage()
    client = AdminClient(stage, may_change=False)
    assert shape(client.sends(query("SHOW POOLS"))) == "T D C(SHOW) Z(I)"
    for text in ("PAUSE", "KILL app", "RELOAD", "SHUTDOWN", "SET pools.size = 3", "DISABLE app"):
        assert shape(client.sends(query(text))) == "E(42501) Z(I)"
    assert shape(client.sends(parse("", "PAUSE"), bind(), EXECUTE, SYNC)) == "E(42501) Z(I)"
    assert not stage.hub.halted
    with pytest.raises(AssertionError, match=r"not in login\.admins"):
        client.ask("RESUME")


def test_what_follows_a_command_that_waits_is_answered_after_it() -> None:
    stage = Stage()
    works = stage.client()
    works.asks("BEGIN")
    stage.sent("n1")
    client = AdminClient(stage)
    assert client.sends(query("PAUSE"), query("SHOW VERSION")) == b""
    client.session.receive(b"x" * 0 + query("SELECT 1") * 10_000)
    assert client.paused
    stage.answers("n1", done("BEGIN", b"Z\0\0\0\5T"))
    works.asks("COMMIT")
    stage.answers("n1", done("COMMIT"))
    client.desk.deeds.tick()
    answer = client.take()
    assert shape(answer).startswith("C(PAUSE) Z(I) T D C(SHOW) Z(I) T D C(SHOW) Z(I)")
    assert not client.paused


def test_bytes_that_are_no_messages_end_the_client_with_the_right_state() -> None:
    for wrong in (b"\x01\0\0\0\4", b"Q\0\0\0\2", b"Q\x7f\xff\xff\xff", b"Q\0\0\0\6ab"):
        client = AdminClient(Stage())
        assert shape(client.sends(wrong)) == "E(08P01)"
        assert client.closed
    client = AdminClient(Stage())
    client.sends(message(b"X", b""))
    assert client.closed


WORDS = (
    "SHOW",
    "ROUTE",
    "POOLS",
    "$1",
    "$2",
    "'x'",
    "PAUSE",
    "KILL_CLIENT",
    "7",
    ";",
    "SET",
    "a.b",
    "=",
    "BEGIN",
    "'",
    "/*",
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
BODIES = st.one_of(
    st.binary(max_size=40),
    TEXTS.map(lambda text: text.encode() + b"\0"),
    TEXTS.map(lambda text: b"\0" + text.encode() + b"\0\0\0"),
    st.tuples(st.lists(st.integers(0, 2), max_size=3), st.lists(st.binary(max_size=9), max_size=3)).map(
        lambda parts: (
            b"\0\0"
            + struct.pack(f">H{len(parts[0])}H", len(parts[0]), *parts[0])
            + struct.pack(">H", len(parts[1]))
            + b"".join(struct.pack(">I", len(value)) + value for value in parts[1])
            + b"\0\0"
        )
    ),
)
MESSAGES = st.builds(message, st.sampled_from([bytes((kind,)) for kind in b"QPBDECHSFdcfXp!"]), BODIES)


@given(st.lists(st.one_of(MESSAGES, st.binary(max_size=12)), max_size=12), st.integers(1, 30))
def test_whatever_a_client_sends_it_is_answered_or_ended_and_cut_anywhere_to_the_same_effect(
    sent: list[bytes], size: int
) -> None:
    data = b"".join(sent)
    whole, pieces = AdminClient(Stage()), AdminClient(Stage())
    answer = whole.sends(data)
    for at in range(0, len(data), size):
        pieces.session.receive(data[at : at + size])
    assert pieces.take() == answer
    assert pieces.closed == whole.closed
