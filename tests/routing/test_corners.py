"""What becomes of conversations in which messages come late, in parts, too often or not at all?"""

from howdah.routing.pool import Limits
from howdah.routing.session import go_on, stall
from tests.routing.playsession import (
    BOUND,
    CLOSED,
    EXECUTE,
    FAILED,
    FLUSH,
    IN_TRANSACTION,
    PARSED,
    READY,
    SYNC,
    Client,
    Stage,
    Wire,
    bind,
    done,
    error,
    message,
    parse,
    query,
)

WRITE = "INSERT INTO t VALUES (1)"
COPY = "COPY t FROM STDIN"
INVITATION = message(b"G", b"\0\0\0")

KEPT = Limits().prepared


def begun(stage: Stage) -> None:
    stage.sent("n1")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))


def has_link(client: Client) -> bool:
    return client.session.link is not None


def is_paused(wire: Wire) -> bool:
    return wire.paused


def test_rows_that_come_after_their_copy_failed_are_dropped_to_their_last_byte() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("BEGIN")
    begun(stage)
    client.asks(COPY)
    stage.sent("n1")
    stage.answers("n1", INVITATION + error("22P02") + FAILED)
    row = message(b"d", b"x" * 100)
    client.sends(row[:50])
    client.sends(row[50:], message(b"c", b""), query("ROLLBACK"))
    assert stage.sent("n1") == query("ROLLBACK")


def test_a_row_that_ends_after_its_copy_failed_keeps_no_connection() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(COPY)
    stage.sent("n1")
    stage.answers("n1", INVITATION)
    row = message(b"d", b"x" * 100)
    client.sends(row[:50])
    stage.answers("n1", error("22P02") + READY)
    assert has_link(client)  # the server has the beginning of a message
    client.sends(row[50:])
    assert not has_link(client)
    assert stage.sent("n1") == row
    assert stage.links["n1"][0].session is None


def test_rows_before_the_invitation_go_where_the_copy_went() -> None:
    stage = Stage()
    client = stage.client()
    rows = message(b"d", b"1\n") + message(b"c", b"")
    client.sends(query(COPY), rows)
    assert stage.sent("n1") == query(COPY) + rows
    stage.answers("n1", INVITATION + done("COPY 1"))
    assert not has_link(client)


def test_a_simple_query_ends_a_batch_without_sync_and_gives_the_connection_back() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("", WRITE), bind(""), EXECUTE, FLUSH)
    stage.sent("n1")
    stage.answers("n1", PARSED + BOUND + message(b"C", b"INSERT 0 1\0"))
    assert has_link(client)
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1"))
    assert not has_link(client)


def test_after_an_error_all_is_discarded_up_to_sync_and_only_then_the_connection_is_free() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("", WRITE), bind(""), EXECUTE, FLUSH)
    stage.sent("n1")
    stage.answers("n1", error("23505"))
    assert client.take() == error("23505")  # at once
    client.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)  # which the server discards
    assert has_link(client)
    client.sends(SYNC)
    assert stage.sent("n1") == SYNC
    stage.answers("n1", READY)
    assert client.take() == READY
    assert not has_link(client)


def test_a_server_lost_while_it_skipped_leaves_one_answer_to_the_sync() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("", WRITE), bind(""), EXECUTE, FLUSH)
    stage.sent("n1")
    stage.answers("n1", error("23505"))
    client.asks(WRITE)
    stage.sent("n1")
    client.take()
    stage.dies("n1")
    client.take()
    client.asks(WRITE)
    assert client.take() == b""
    client.sends(SYNC)
    assert client.take() == READY
    client.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)


def test_a_suspended_portal_keeps_its_connection() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("", WRITE), bind(""), message(b"E", b"\0\0\0\0\1"), FLUSH)
    stage.sent("n1")
    stage.answers("n1", PARSED + BOUND + message(b"D", b"\0\0") + message(b"s", b""))
    assert has_link(client)
    client.sends(EXECUTE, SYNC)
    stage.sent("n1")
    stage.answers("n1", done("SELECT 1"))
    assert not has_link(client)


def test_a_client_that_was_told_to_wait_for_a_server_is_read_again_when_that_is_lost() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(COPY)
    stage.sent("n1")
    stage.answers("n1", INVITATION)
    client.pause()  # as the server's side does while that takes nothing
    stage.dies("n1")
    assert not client.paused
    assert b"08007" in client.take()


def test_a_long_message_in_a_lost_transaction_is_refused_without_being_kept() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("BEGIN")
    begun(stage)
    stage.dies("n1")
    client.take()
    long = query("INSERT INTO t VALUES ('" + "x" * (2 << 20) + "')")
    client.sends(long[: 1 << 17])
    assert b"40001" in client.take()
    for at in range(1 << 17, len(long), 1 << 17):
        client.sends(long[at : at + (1 << 17)])
        assert len(client.session.inbox) == 0
    client.asks("ROLLBACK")
    assert client.take() == done("ROLLBACK")


def test_statements_without_a_name_are_kept_by_nobody_else() -> None:
    stage = Stage()
    client = stage.client()
    for number in range(50):
        client.sends(parse("", f"INSERT INTO t VALUES ({number})"), bind(""), EXECUTE, SYNC)
        stage.sent("n1")
        stage.answers("n1", PARSED + BOUND + done("INSERT 0 1"))
    assert len(stage.hub.statements) == 0


def test_a_server_keeps_no_more_statements_than_are_allowed() -> None:
    stage = Stage()
    client = stage.client()
    for number in range(KEPT + 5):
        client.sends(parse(f"s{number}", f"DELETE FROM t{number}x"), SYNC)
        sent = stage.sent("n1")
        gone = number >= KEPT
        assert (message(b"C", b"Ss" + str(number - KEPT).encode() + b"\0") in sent) is gone
        stage.answers("n1", (CLOSED if gone else b"") + PARSED + READY)
        assert client.take() == PARSED + READY
    assert len(stage.links["n1"][0].prepared) == KEPT
    client.sends(bind("s0"), EXECUTE, SYNC)
    assert parse("s0", "DELETE FROM t0x") in stage.sent("n1")


def test_a_statement_without_a_name_that_failed_is_prepared_again_where_another_session_has_it() -> None:
    stage = Stage(size=1)
    first = stage.client()
    first.sends(parse("", WRITE), SYNC)
    stage.sent("n1")
    stage.answers("n1", error("42P01") + READY)
    assert stage.links["n1"][0].unnamed is None
    first.sends(bind(""), EXECUTE, SYNC)
    assert stage.sent("n1") == parse("", WRITE) + bind("") + EXECUTE + SYNC


def test_a_session_with_a_connection_of_its_own_waits_for_no_sync() -> None:
    stage = Stage()
    stage.place.keeps = "pools.mode is session"
    client = stage.client()
    client.sends(parse("", WRITE))
    assert stage.sent("n1") == parse("", WRITE)
    client.sends(bind(""), EXECUTE, SYNC)
    assert stage.sent("n1") == bind("") + EXECUTE + SYNC


def test_a_client_that_does_not_read_keeps_no_server_from_the_next_one() -> None:
    stage = Stage(size=1)
    slow, other = stage.client(), stage.client()
    slow.asks(WRITE)
    stage.sent("n1")
    wire = stage.wires["n1"][0]
    stall(slow.session)
    assert is_paused(wire)
    stage.answers("n1", done("INSERT 0 1"))  # what had been read already
    assert not is_paused(wire)
    slow.asks(WRITE)
    assert stage.sent("n1") == b""  # nothing more is asked for it
    other.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)
    stage.answers("n1", done("INSERT 0 1"))
    go_on(slow.session)
    assert stage.sent("n1") == query(WRITE)


def test_closing_a_portal_closes_no_statement_of_its_name() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("s1", WRITE), SYNC)
    stage.sent("n1")
    stage.answers("n1", PARSED + READY)
    client.sends(message(b"C", b"Ps1\0"), bind("s1"), EXECUTE, SYNC)
    assert stage.sent("n1") == message(b"C", b"Ps1\0") + bind("s1") + EXECUTE + SYNC
    stage.answers("n1", CLOSED + BOUND + done("INSERT 0 1"))
    assert b"s1" in client.session.state.names


def test_a_close_of_what_was_never_prepared_is_answered() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(message(b"C", b"Snever\0"), SYNC)
    server = next(name for name in ("n1", "n2", "n3") if stage.sent(name))
    stage.answers(server, CLOSED + READY)
    assert client.take() == CLOSED + READY


def test_notices_and_rows_of_a_function_call_pass_and_its_ready_frees_the_connection() -> None:
    stage = Stage()
    client = stage.client()
    call = message(b"F", b"\0\0\x04\x1e\0\0\0\0\0\0")
    client.sends(call)
    assert stage.sent("n1") == call
    answer = message(b"N", b"SNOTICE\0\0") + message(b"V", b"\xff\xff\xff\xff") + READY
    stage.answers("n1", answer)
    assert client.take() == answer
    assert not has_link(client)


def test_an_idle_connection_that_speaks_is_not_lent_again() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1"))
    stage.answers("n1", message(b"N", b"SNOTICE\0\0"))
    assert stage.wires["n1"][0].closed
    other = stage.client()
    other.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)
    assert len(stage.links["n1"]) == 2
    assert other.take() == b""


def test_a_client_that_leaves_in_a_transaction_leaves_no_server_connection_behind() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("BEGIN")
    begun(stage)
    client.sends(message(b"X", b""))
    assert client.closed
    assert stage.wires["n1"][0].closed
    assert stage.target("n1").busy == 0


def test_a_client_that_leaves_while_it_waits_is_forgotten() -> None:
    stage = Stage(size=1)
    first, second, third = stage.client(), stage.client(), stage.client()
    first.asks("BEGIN")
    begun(stage)
    second.asks(WRITE)
    third.asks("INSERT INTO t VALUES (3)")
    second.session.leave()
    first.asks("ROLLBACK")
    stage.sent("n1")
    stage.answers("n1", done("ROLLBACK"))
    assert stage.sent("n1") == query("INSERT INTO t VALUES (3)")
    assert second.take() == b""


OUTDATED = message(
    b"E", b"SERROR\0VERROR\0C0A000\0Mcached plan must not change result type\0RRevalidateCachedQuery\0\0"
)


def test_a_statement_whose_columns_changed_is_prepared_anew_on_every_connection() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    first.sends(parse("s1", WRITE), SYNC)
    stage.sent("n1")
    stage.answers("n1", PARSED + READY)
    second.sends(parse("mine", WRITE), bind("mine"), EXECUTE, SYNC)
    assert stage.sent("n1") == bind("s1") + EXECUTE + SYNC
    stage.answers("n1", OUTDATED + READY)
    assert second.take() == PARSED + OUTDATED + READY
    second.sends(parse("again", WRITE), bind("again"), EXECUTE, SYNC)
    assert stage.sent("n1") == message(b"C", b"Ss1\0") + parse("s1", WRITE) + bind("s1") + EXECUTE + SYNC
    stage.answers("n1", CLOSED + PARSED + BOUND + done("INSERT 0 1"))
    assert second.take() == PARSED + BOUND + done("INSERT 0 1")


def test_the_first_reads_in_a_database_that_may_be_new_go_where_that_is() -> None:
    stage = Stage()
    stage.place.made_ms = stage.clock + 10
    client = stage.client()
    client.asks("SELECT a FROM t")
    assert stage.sent("n1") == query("SELECT a FROM t")
