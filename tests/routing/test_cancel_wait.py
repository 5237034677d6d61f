"""What does a cancel do to a statement that was not sent yet?"""

from howdah.routing.aborted import CANCELED
from howdah.routing.session import cancel_wait
from tests.routing.playsession import (
    BOUND,
    EXECUTE,
    PARSED,
    READY,
    SYNC,
    Client,
    Stage,
    bind,
    done,
    parse,
    query,
)

WRITE = "INSERT INTO t VALUES (1)"


def works(stage: Stage, client: Client, node: str = "n1") -> bool:
    """Whether its next statement runs."""
    client.asks(WRITE)
    sent = stage.sent(node)
    stage.answers(node, done("INSERT 0 1"))
    return sent == query(WRITE) and client.take() == done("INSERT 0 1")


def test_a_statement_that_is_held_for_a_primary_does_not_run() -> None:
    stage = Stage()
    client = stage.client()
    stage.nobody_leads()
    client.asks(WRITE)
    assert len(stage.hub.held) == 1
    assert cancel_wait(client.session)
    assert client.take() == CANCELED + READY
    assert not stage.hub.held
    assert b"C57014" in CANCELED
    stage.leads("n2", 2)
    assert not stage.sent("n2")
    assert works(stage, client, "n2")


def test_a_statement_that_waits_for_a_connection_does_not_run_and_the_next_in_the_queue_does() -> None:
    stage = Stage(size=1)
    busy, waits, patient = stage.client(), stage.client(), stage.client()
    busy.asks("SELECT pg_sleep(9)")
    assert stage.sent("n1")
    waits.asks(WRITE)
    patient.asks("UPDATE t SET a = 2")
    assert cancel_wait(waits.session)
    assert waits.take() == CANCELED + READY
    stage.answers("n1", done("SELECT 1"))
    assert stage.sent("n1") == query("UPDATE t SET a = 2")
    stage.answers("n1", done("UPDATE 1"))
    assert patient.take() == done("UPDATE 1")
    assert works(stage, waits)


def test_what_was_sent_behind_it_runs() -> None:
    stage = Stage()
    client = stage.client()
    stage.nobody_leads()
    client.sends(query(WRITE), query("UPDATE t SET a = 3"))
    assert cancel_wait(client.session)
    assert client.take() == CANCELED + READY
    stage.leads("n1", 2)
    assert stage.sent("n1") == query("UPDATE t SET a = 3")


def test_of_an_extended_batch_the_rest_is_ignored_up_to_its_sync() -> None:
    stage = Stage()
    client = stage.client()
    stage.nobody_leads()
    client.sends(parse("", WRITE), bind(""), EXECUTE, SYNC, parse("", WRITE), bind(""), EXECUTE, SYNC)
    assert cancel_wait(client.session)
    assert client.take() == CANCELED + READY
    stage.leads("n1", 2)
    assert stage.sent("n1") == parse("", WRITE) + bind("") + EXECUTE + SYNC
    stage.answers("n1", PARSED + BOUND + done("INSERT 0 1"))
    assert client.take() == PARSED + BOUND + done("INSERT 0 1")


def test_a_long_statement_that_is_not_there_whole_is_dropped_as_it_comes() -> None:
    stage = Stage()
    client = stage.client()
    stage.nobody_leads()
    long = query("INSERT INTO t VALUES ('" + "x" * (2 << 20) + "')")
    client.sends(long[: 1 << 20])
    assert cancel_wait(client.session)
    assert client.take() == CANCELED + READY
    client.sends(long[1 << 20 :])
    stage.leads("n1", 2)
    assert not stage.sent("n1")
    assert works(stage, client)


def test_who_does_not_wait_is_not_touched() -> None:
    stage = Stage()
    client = stage.client()
    assert not cancel_wait(client.session)
    client.asks(WRITE)
    assert stage.sent("n1")
    assert not cancel_wait(client.session)
    stage.answers("n1", done("INSERT 0 1"))
    assert client.take() == done("INSERT 0 1")
    client.sends(b"Q\0\0")
    assert not cancel_wait(client.session)
