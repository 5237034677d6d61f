"""Where do a client's statements go, and what does it see?"""

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
    bind,
    done,
    error,
    message,
    parse,
    query,
)

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"


def readers(stage: Stage) -> dict[str, bytes]:
    """What each standby was sent."""
    return {name: sent for name in ("n2", "n3") if (sent := stage.sent(name))}


def where(stage: Stage, client: Client, text: str = READ) -> str:
    """The server that gets a read, which it then answers."""
    client.asks(text)
    for name in ("n1", "n2", "n3"):
        if stage.sent(name):
            stage.answers(name, done("SELECT 0"))
            client.take()
            return name
    raise AssertionError("nobody got it")


def test_a_read_goes_to_a_standby_and_a_write_to_the_primary() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(READ)
    assert list(readers(stage).values()) == [query(READ)]
    stage = Stage()
    client = stage.client()
    client.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)
    stage.answers("n1", done("INSERT 0 1"))
    assert client.take() == done("INSERT 0 1")


def test_bytes_may_be_cut_anywhere_on_both_sides() -> None:
    text, answer = query(WRITE), message(b"D", b"x" * 50) + done("INSERT 0 1")
    for size in (1, 3, 7):
        stage = Stage()
        client = stage.client()
        for at in range(0, len(text), size):
            client.sends(text[at : at + size])
        assert stage.sent("n1") == text
        for at in range(0, len(answer), size):
            stage.answers("n1", answer[at : at + size])
        assert client.take() == answer
        assert client.session.link is None


def test_a_transaction_stays_on_its_connection_and_gives_it_back_at_its_end() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("BEGIN")
    assert stage.sent("n1") == query("BEGIN")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    client.asks(READ)
    assert stage.sent("n1") == query(READ)
    stage.answers("n1", done("SELECT 0", IN_TRANSACTION))
    client.asks("COMMIT")
    stage.answers("n1", done("COMMIT"))
    assert client.session.link is None
    assert stage.links["n1"][0].session is None


def test_a_session_reads_from_a_standby_only_once_that_has_its_last_write() -> None:
    stage = Stage()
    client = stage.client()
    stage.clock += 10
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1"))
    assert where(stage, client) == "n1"
    stage.clock += 10
    stage.sampled("n1", 1, 2000)
    stage.sampled("n2", 1, 1500)
    assert where(stage, client) == "n1"
    stage.clock += 10
    for name in ("n1", "n2"):
        stage.sampled(name, 1, 2000)
    assert where(stage, client) == "n2"


def test_settings_follow_a_session_to_another_connection_and_do_not_stay_there() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    first.asks("SET work_mem = '5MB'")
    stage.sent("n1")
    stage.answers("n1", done("SET"))
    assert first.take() == done("SET")
    second.asks(WRITE)
    assert stage.sent("n1") == query('RESET "work_mem"')
    stage.answers("n1", done("RESET"))
    assert stage.sent("n1") == query(WRITE)
    stage.answers("n1", done("INSERT 0 1"))
    assert second.take() == done("INSERT 0 1")
    first.asks(WRITE)
    replayed = stage.sent("n1")
    assert b"work_mem" in replayed
    assert query(WRITE) not in replayed
    stage.answers("n1", message(b"T", b"\0\0") + message(b"D", b"\0\0") + done("SELECT 1"))
    assert first.take() == b""
    assert stage.sent("n1") == query(WRITE)
    stage.answers("n1", done("INSERT 0 1"))
    second.asks(WRITE)
    assert b"RESET" in stage.sent("n1")


def test_a_setting_that_was_rolled_back_is_forgotten() -> None:
    stage = Stage()
    client = stage.client()
    for text, answer in (
        ("BEGIN", done("BEGIN", IN_TRANSACTION)),
        ("SET work_mem = '5MB'", done("SET", IN_TRANSACTION)),
        ("ROLLBACK", done("ROLLBACK")),
    ):
        client.asks(text)
        stage.sent("n1")
        stage.answers("n1", answer)
    assert client.session.state.profile.get("work_mem") is None
    assert stage.links["n1"][0].profile is stage.hub.profiles.plain


def test_a_session_that_listens_keeps_its_connection_and_says_why() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("LISTEN news")
    stage.sent("n1")
    stage.answers("n1", done("LISTEN"))
    assert client.session.link is stage.links["n1"][0]
    assert client.session.state.pinned == "LISTEN news"
    client.take()
    stage.answers("n1", message(b"A", b"\0\0\0\1news\0hello\0"))
    assert b"hello" in client.take()


def test_a_prepared_statement_is_prepared_where_it_is_not_and_nobody_sees_that() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("s1", WRITE), SYNC)
    assert stage.sent("n1") == parse("s1", WRITE) + SYNC
    stage.answers("n1", PARSED + READY)
    assert client.take() == PARSED + READY
    stage.dies("n1")
    client.sends(bind("s1"), EXECUTE, SYNC)
    assert stage.sent("n1") == parse("s1", WRITE) + bind("s1") + EXECUTE + SYNC
    stage.answers("n1", PARSED + BOUND + done("INSERT 0 1"))
    assert client.take() == BOUND + done("INSERT 0 1")


def test_one_name_for_two_statements_of_two_clients_does_not_mix_them_up() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    other = "DELETE FROM t"
    for client, text in ((first, WRITE), (second, other)):
        client.sends(parse("s1", text), SYNC)
        sent = stage.sent("n1")
        assert text.encode() in sent
        stage.answers("n1", PARSED + READY)
        client.take()
    second.sends(bind("s1"), EXECUTE, SYNC)
    sent = stage.sent("n1")
    assert sent == bind("howdah_1") + EXECUTE + SYNC
    stage.answers("n1", BOUND + done("DELETE 0"))
    first.sends(bind("s1"), EXECUTE, SYNC)
    assert stage.sent("n1") == bind("s1") + EXECUTE + SYNC


def test_a_parse_of_what_is_there_is_answered_in_its_place_also_before_a_flush() -> None:
    stage = Stage(size=1)
    first, second = stage.client(), stage.client()
    first.sends(parse("s1", WRITE), SYNC)
    stage.sent("n1")
    stage.answers("n1", PARSED + READY)
    second.sends(parse("mine", WRITE), FLUSH)
    assert stage.sent("n1") == FLUSH
    assert second.take() == PARSED
    second.sends(bind("mine"), EXECUTE, SYNC)
    assert stage.sent("n1") == bind("s1") + EXECUTE + SYNC
    stage.answers("n1", BOUND + done("INSERT 0 1"))
    assert second.take() == BOUND + done("INSERT 0 1")


def test_a_statement_that_failed_to_parse_has_no_name() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("s1", "SELECT nosuch"), SYNC)
    name = next(name for name in ("n1", "n2", "n3") if stage.sent(name))
    stage.answers(name, error("42703") + READY)
    assert client.take() == error("42703") + READY
    assert client.session.state.names == {}


def test_a_pipeline_keeps_its_order_over_the_servers() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(query(READ), query(WRITE))
    name, sent = next(iter(readers(stage).items()))
    assert sent == query(READ)
    assert stage.sent("n1") == b""
    stage.answers(name, done("SELECT 0"))
    assert stage.sent("n1") == query(WRITE)


def test_who_waits_for_a_connection_gets_it_in_order() -> None:
    stage = Stage(size=1)
    clients = [stage.client() for _ in range(3)]
    for number, client in enumerate(clients):
        client.asks(f"INSERT INTO t VALUES ({number})")
    for number, client in enumerate(clients):
        assert stage.sent("n1") == query(f"INSERT INTO t VALUES ({number})")
        stage.answers("n1", done("INSERT 0 1"))
        assert client.take() == done("INSERT 0 1")


def test_what_is_no_message_ends_the_client_alone() -> None:
    stage = Stage()
    client, other = stage.client(), stage.client()
    client.sends(b"?\x00\x00\x00\x08what")
    assert b"08P01" in client.take()
    assert client.closed
    assert where(stage, other) in ("n2", "n3")


def test_an_error_in_a_transaction_is_only_the_client_s_business() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("BEGIN")
    stage.sent("n1")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    client.asks(WRITE)
    stage.answers("n1", error("23505") + FAILED)
    client.asks("ROLLBACK")
    stage.answers("n1", done("ROLLBACK"))
    assert client.take() == done("BEGIN", IN_TRANSACTION) + error("23505") + FAILED + done("ROLLBACK")
    assert client.session.link is None


def test_a_named_statement_can_be_closed_and_named_again() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("s1", WRITE), SYNC)
    stage.sent("n1")
    stage.answers("n1", PARSED + READY)
    client.sends(message(b"C", b"Ss1\0"), SYNC)
    name = next(name for name in ("n1", "n2", "n3") if stage.sent(name))
    stage.answers(name, CLOSED + READY)
    client.take()
    client.sends(parse("s1", "DELETE FROM t"), SYNC)
    assert b"DELETE" in stage.sent("n1")
