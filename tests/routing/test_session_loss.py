"""What does a client see of a server that dies, and of a role change?"""

import pytest

from howdah.routing.sending import PIPELINED_MOST
from howdah.routing.texts import Texts
from howdah.routing.wishes import ROUTE
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import EMPTY_CATALOG, FunctionFact, Volatility, catalog_of
from tests.routing.playsession import (
    BOUND,
    EXECUTE,
    FLUSH,
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

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"


def begun(stage: Stage) -> Client:
    """A client in a transaction on n1 that has written."""
    client = stage.client()
    for text, tag in (("BEGIN", "BEGIN"), (WRITE, "INSERT 0 1")):
        client.asks(text)
        stage.sent("n1")
        stage.answers("n1", done(tag, IN_TRANSACTION))
    client.take()
    return client


def test_a_read_of_which_nothing_was_answered_runs_elsewhere() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(READ)
    first = next(name for name in ("n2", "n3") if stage.sent(name))
    stage.dies(first)
    second = next(name for name in ("n1", "n2", "n3") if stage.sent(name))
    stage.answers(second, done("SELECT 0"))
    assert client.take() == done("SELECT 0")


def reading(name: str = "") -> bytes:
    """One extended read."""
    return parse(name, READ) + bind(name) + EXECUTE + SYNC


ANSWER = PARSED + BOUND + done("SELECT 0")


def reader(stage: Stage) -> str:
    """The standby that was sent something."""
    return next(name for name in ("n2", "n3") if stage.sent(name))


@pytest.mark.parametrize("name", ["", "s1"])
def test_an_extended_read_of_which_nothing_was_answered_runs_elsewhere_with_its_name(name: str) -> None:
    stage = Stage()
    client = stage.client()
    client.sends(reading(name))
    stage.dies(reader(stage))
    stage.connect()
    second = next(name for name in ("n1", "n2", "n3") if stage.links[name])
    sent = stage.sent(second)
    assert sent.count(READ.encode()) == 1
    assert sent.endswith(EXECUTE + SYNC)
    stage.answers(second, ANSWER)
    assert client.take() == ANSWER
    assert list(client.session.state.names) == ([name.encode()] if name else [])


def test_of_a_pipeline_of_reads_what_was_answered_stays_answered_and_the_rest_runs_elsewhere() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(reading(), reading(), reading())
    first = reader(stage)
    stage.answers(first, ANSWER)
    stage.dies(first)
    stage.connect()
    second = next(name for name in ("n1", "n2", "n3") if stage.links[name])
    assert stage.sent(second) == reading() + reading()
    stage.answers(second, ANSWER + ANSWER)
    assert client.take() == ANSWER + ANSWER + ANSWER


def test_of_a_pipeline_of_reads_only_the_one_that_had_begun_to_answer_fails() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(reading(), reading(), reading())
    first = reader(stage)
    stage.answers(first, ANSWER + PARSED + BOUND)
    stage.dies(first)
    told = client.take()
    assert told.startswith(ANSWER + PARSED + BOUND)
    assert b"40001" in told
    assert told.endswith(READY)
    stage.connect()
    second = next(name for name in ("n1", "n2", "n3") if stage.links[name])
    assert stage.sent(second) == reading()


def test_what_a_lost_standby_was_asked_that_is_no_plain_read_is_to_be_run_again_by_the_client() -> None:
    stage = Stage()
    client = stage.client((ROUTE, "standby"))
    client.asks("SELECT unknown_function()")
    name = reader(stage)
    stage.links[name][0].parameters["in_hot_standby"] = "on"
    stage.answers(name, done("SELECT 1"))  # it is read only now
    assert b"unknown_function" in stage.sent(name)
    stage.dies(name)
    told = client.take()
    assert b"40001" in told
    assert told.endswith(READY)


def test_a_read_that_was_not_kept_is_an_error_and_never_silence() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(*[reading()] * (PIPELINED_MOST + 2))
    stage.dies(reader(stage))
    told = client.take()
    assert told.count(b"40001") == told.count(READY) == PIPELINED_MOST + 2


def test_what_was_prepared_before_the_catalogs_were_read_goes_where_it_belongs_after() -> None:
    stage = Stage()
    verdicts = Verdicts(1 << 20, EMPTY_CATALOG)
    stage.place.texts = texts = Texts(verdicts)
    client = stage.client()
    client.sends(parse("s1", "SELECT abs(1)"), bind("s1"), EXECUTE, SYNC)
    assert stage.sent("n1")
    stage.answers("n1", ANSWER)
    verdicts.renew(catalog_of([FunctionFact("pg_catalog", "abs", Volatility.IMMUTABLE)]))
    texts.judge_anew()
    stage.hub.statements.judge_anew(texts)
    stage.clock += 10
    for name in ("n1", "n2", "n3"):
        stage.sampled(name, 1, 2000)
    client.sends(bind("s1"), EXECUTE, SYNC)
    assert reader(stage) in ("n2", "n3")


def test_a_batch_that_was_not_ended_is_in_error_up_to_its_sync_and_gets_one_answer() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("", WRITE), bind(""), EXECUTE, FLUSH)
    stage.sent("n1")
    stage.dies("n1")
    told = client.take()
    assert b"40001" in told
    assert not told.endswith(READY)
    client.sends(bind(""), EXECUTE)
    assert client.take() == b""
    client.sends(SYNC)
    assert client.take() == READY
    client.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)


def test_a_read_that_had_begun_to_answer_is_not_run_twice() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(READ)
    first = next(name for name in ("n2", "n3") if stage.sent(name))
    stage.answers(first, message(b"D", b"row"))
    stage.dies(first)
    told = client.take()
    assert b"40001" in told
    assert told.endswith(READY)


def test_a_write_that_was_sent_is_of_unknown_outcome_and_never_sent_again() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    stage.dies("n1")
    told = client.take()
    assert b"08007" in told
    assert told.endswith(READY)
    assert stage.sent("n1") == b""
    assert not client.closed


def test_a_commit_that_was_sent_is_of_unknown_outcome() -> None:
    stage = Stage()
    client = begun(stage)
    client.asks("COMMIT")
    stage.sent("n1")
    stage.dies("n1")
    assert b"08007" in client.take()


@pytest.mark.parametrize("extended", [False, True])
def test_a_commit_after_a_loss_that_nobody_was_told_of_is_an_error(extended: bool) -> None:
    """Drivers take any other answer for a success, though its tag says ROLLBACK."""
    stage = Stage()
    client = begun(stage)
    stage.dies("n1")
    assert client.take() == b""
    if extended:
        client.sends(parse("", "COMMIT"), bind(""), EXECUTE, SYNC)
    else:
        client.asks("COMMIT")
    told = client.take()
    assert b"40001" in told
    assert b"ROLLBACK" not in told
    assert told.endswith(READY)


def test_a_lost_transaction_is_refused_until_it_is_ended_and_then_the_client_goes_on() -> None:
    stage = Stage()
    client = begun(stage)
    stage.dies("n1")
    client.asks(READ)
    assert b"40001" in client.take()
    client.asks(READ)
    assert b"25P02" in client.take()
    client.asks("ROLLBACK")
    assert client.take() == done("ROLLBACK")
    client.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)


def test_statements_wait_for_a_primary_in_their_order() -> None:
    stage = Stage(size=1)
    clients = [stage.client() for _ in range(3)]
    stage.nobody_leads()
    for number, client in enumerate(clients):
        client.asks(f"INSERT INTO t VALUES ({number})")
        assert client.take() == b""
    stage.leads("n2", 2)
    for number, client in enumerate(clients):
        assert stage.sent("n2") == query(f"INSERT INTO t VALUES ({number})")
        stage.answers("n2", done("INSERT 0 1"))
        assert client.take() == done("INSERT 0 1")


def test_who_waits_too_long_for_a_primary_is_told_that_nothing_ran() -> None:
    stage = Stage()
    client = stage.client()
    stage.nobody_leads()
    client.asks(WRITE)
    stage.clock += 20_001
    stage.hub.tick()
    assert b"57P03" in client.take()


def test_a_connection_of_a_lower_term_is_cut_and_never_lent_again() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1"))
    old = stage.wires["n1"][0]
    stage.leads("n2", 2)
    assert old.closed
    client.take()
    client.asks(WRITE)
    assert stage.sent("n2") == query(WRITE)


def test_the_last_word_of_a_dying_server_is_not_the_client_s_end() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", error("57P01", "FATAL"))
    told = client.take()
    assert b"FATAL" not in told
    assert b"08007" in told
    assert told.endswith(READY)


def test_a_commit_whose_wait_for_standbys_was_cancelled_is_no_success() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    warning = message(b"N", b"SWARNING\0VWARNING\0C01000\0Mmots\0RSyncRepWaitForLSN\0\0")
    stage.answers("n1", warning + done("INSERT 0 1"))
    told = client.take()
    assert b"08007" in told
    assert b"INSERT" not in told
    assert told.endswith(READY)


def test_what_a_session_had_on_a_lost_server_ends_it_with_the_reason() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("LISTEN news")
    stage.sent("n1")
    stage.answers("n1", done("LISTEN"))
    client.take()
    stage.dies("n1")
    assert b"LISTEN news" in client.take()
    assert client.closed


def test_a_session_with_a_connection_of_its_own_gets_another_one_if_it_had_nothing_there() -> None:
    stage = Stage()
    stage.place.keeps = "pools.mode is session"
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1"))
    assert client.session.link is stage.links["n1"][0]
    stage.dies("n1")
    client.take()
    client.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)
    assert not client.closed
