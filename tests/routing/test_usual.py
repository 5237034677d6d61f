"""Does the batch that drivers send most take the same way in one look as message by message?"""

from hypothesis import given, settings
from hypothesis import strategies as st

from howdah.routing import usual
from tests.routing.playsession import (
    BOUND,
    EXECUTE,
    IN_TRANSACTION,
    PARSED,
    READY,
    SYNC,
    Stage,
    bind,
    done,
    error,
    message,
    parse,
    query,
)

READ, WRITE, CHANGE = "SELECT a FROM t WHERE b = $1", "UPDATE t SET a = 1", "SET work_mem = '5MB'"
DESCRIBE = message(b"D", b"P\0")
ANSWER = BOUND + done("SELECT 0")


def test_a_batch_that_came_before_goes_unchanged_and_in_one_write_to_a_standby() -> None:
    stage = Stage()
    client = stage.client()
    batch = parse("", READ) + bind("") + DESCRIBE + EXECUTE + SYNC
    for _ in range(3):
        client.sends(batch)
        stage.connect()
        name = next(name for name in ("n2", "n3") if any(wire.written for wire in stage.wires[name]))
        assert [wire.written for wire in stage.wires[name]] == [[batch]]
        stage.sent(name)
        stage.answers(name, PARSED + ANSWER)
        assert client.take() == PARSED + ANSWER
        assert client.session.link is None


def test_the_short_way_is_taken_the_second_time_and_by_any_client() -> None:
    stage = Stage()
    batch = parse("", WRITE) + bind("") + EXECUTE + SYNC
    assert not usual.send(stage.client().session, batch)
    stage.client().sends(batch)
    stage.sent("n1")
    assert usual.send(stage.client().session, batch) is False  # it has no connection yet
    stage.sent("n1")
    for link in stage.links["n1"]:
        if link.session is not None:
            link.receive(PARSED + ANSWER)
    assert usual.send(stage.client().session, batch)


def test_the_same_statement_with_a_name_goes_as_it_came_where_the_server_knows_it() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("s", WRITE) + SYNC)
    stage.answers("n1", PARSED + READY)
    stage.sent("n1")
    for _ in range(2):
        client.sends(bind("s") + EXECUTE + SYNC)
        assert stage.sent("n1") == bind("s") + EXECUTE + SYNC
        stage.answers("n1", ANSWER)
    client.sends(bind("nobody") + EXECUTE + SYNC)
    assert b"nobody (in this session)\0" in stage.sent("n1")
    stage.answers("n1", error("26000") + READY)


def test_a_statement_that_is_not_on_that_server_is_prepared_there_first() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("s", READ) + SYNC)
    first = next(name for name in ("n1", "n2", "n3") if stage.sent(name))
    stage.answers(first, PARSED + READY)
    other = next(name for name in ("n2", "n3") if name != first)
    stage.target(first).busy += 5
    stage.clock += 10
    for name in ("n1", other):
        stage.sampled(name, 1)
    client.sends(bind("s") + EXECUTE + SYNC)
    assert stage.sent(other) == parse("s", READ) + bind("s") + EXECUTE + SYNC


def test_a_statement_that_changes_the_session_is_looked_at() -> None:
    stage = Stage()
    client = stage.client()
    for _ in range(2):
        client.sends(parse("", CHANGE) + bind("") + EXECUTE + SYNC)
        stage.sent("n1")
        stage.answers("n1", PARSED + BOUND + done("SET"))
    assert client.session.state.profile.settings


def test_in_a_transaction_it_goes_to_where_that_is() -> None:
    stage = Stage()
    client = stage.client()
    batch = parse("", READ) + bind("") + EXECUTE + SYNC
    client.sends(batch)
    name = next(name for name in ("n2", "n3") if stage.sent(name))
    stage.answers(name, PARSED + ANSWER)
    client.asks("BEGIN")
    stage.sent("n1")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    client.sends(batch)
    assert stage.sent("n1") == batch
    assert not stage.sent("n2") + stage.sent("n3")


def test_a_lost_standby_s_batch_runs_elsewhere() -> None:
    stage = Stage()
    client = stage.client()
    batch = parse("", READ) + bind("") + EXECUTE + SYNC
    for _ in range(2):
        client.sends(batch)
        name = next(name for name in ("n2", "n3") if stage.sent(name))
        stage.answers(name, PARSED + ANSWER)
    client.sends(batch)
    name = next(name for name in ("n2", "n3") if stage.sent(name))
    stage.dies(name)
    assert batch in (stage.sent("n1"), stage.sent("n2"), stage.sent("n3"))


PIECES = st.sampled_from(
    (
        parse("", READ),
        parse("", WRITE),
        parse("", CHANGE),
        parse("s", READ),
        bind(""),
        bind("s"),
        bind("none"),
        message(b"B", b"p\0s\0\0\0\0\0\0\0"),
        DESCRIBE,
        message(b"D", b"Ss\0"),
        message(b"C", b"Ss\0"),
        EXECUTE,
        message(b"E", b"p\0\0\0\0\0"),
        message(b"E", b"\0\0\0\0\7"),
        SYNC,
        query(WRITE),
        message(b"B", b"\0s\0\0\0\0\1\0\0\0\x10" + EXECUTE[5:] + SYNC + b"\0" + b"\0\0"),
    )
)
USUAL = st.sampled_from(
    (
        parse("", READ) + bind("") + DESCRIBE + EXECUTE + SYNC,
        parse("", WRITE) + bind("") + EXECUTE + SYNC,
        bind("s") + DESCRIBE + EXECUTE + SYNC,
        bind("s") + EXECUTE + SYNC,
        bind("") + EXECUTE + SYNC,
    )
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(USUAL, st.lists(PIECES, max_size=6).map(lambda pieces: b"".join(pieces) + SYNC)), max_size=6))
def test_whole_batches_are_sent_as_those_that_come_byte_by_byte(batches: list[bytes]) -> None:
    sent: list[list[bytes]] = []
    for size in (1 << 20, 1):
        stage = Stage()
        client = stage.client()
        client.sends(parse("s", READ) + SYNC)
        answer(stage, PARSED + READY)
        heard = []
        for batch in batches:
            for at in range(0, len(batch), size):
                client.session.receive(batch[at : at + size])
            heard.append(answer(stage, error("42000") + READY))
        sent.append(heard)
    assert sent[0] == sent[1]


def answer(stage: Stage, words: bytes) -> bytes:
    """Whoever was asked says this, as often as it is ready. What they were asked."""
    asked = b"".join(stage.sent(name) for name in ("n1", "n2", "n3"))
    for links in stage.links.values():
        for link in links:
            while link.session is not None and link.expect.outstanding:
                link.receive(words)
    return asked
