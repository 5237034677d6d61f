"""Do sessions share prepared statements whose literals they read otherwise?"""

from tests.routing.playsession import (
    BOUND,
    EXECUTE,
    FLUSH,
    IN_TRANSACTION,
    PARSED,
    SYNC,
    Client,
    Stage,
    bind,
    done,
    parse,
    query,
)

TEXT = "INSERT INTO t VALUES ('01/02/2024'::date)"
DMY, MDY = ("datestyle", "ISO, DMY"), ("datestyle", "ISO, MDY")
ANSWER = PARSED + BOUND + done("INSERT 0 1")
AGAIN = BOUND + done("INSERT 0 1")


def runs(stage: Stage, client: Client, *messages: bytes, answer: bytes) -> bytes:
    """What the server is sent of it, after its settings."""
    client.sends(*messages, bind("s"), EXECUTE, SYNC)
    sent = stage.sent("n1")
    if sent[:1] == b"Q":
        stage.answers("n1", done("SET"))
        sent = stage.sent("n1")
    stage.answers("n1", answer)
    client.take()
    return sent


def prepares(sent: bytes) -> bool:
    return TEXT.encode() in sent


def test_a_statement_is_shared_by_sessions_that_read_it_alike() -> None:
    stage = Stage(size=1)
    one, other, plain = stage.client(DMY), stage.client(DMY, ("search_path", "a")), stage.client(MDY)
    assert prepares(runs(stage, one, parse("s", TEXT), answer=ANSWER))
    assert not prepares(runs(stage, other, parse("s", TEXT), answer=AGAIN))
    assert prepares(runs(stage, plain, parse("s", TEXT), answer=ANSWER))


def test_one_without_a_name_is_not_taken_for_that_of_another_session() -> None:
    stage = Stage(size=1)
    one, other = stage.client(DMY), stage.client(MDY)
    for client in (one, other):
        client.sends(parse("", TEXT), SYNC)
        stage.sent("n1")
        stage.answers("n1", done("SET"))
        stage.sent("n1")
        stage.answers("n1", PARSED + done("")[-6:])
    one.sends(bind(""), EXECUTE, SYNC)
    assert stage.sent("n1")[:1] == b"Q"
    stage.answers("n1", done("SET"))
    assert prepares(stage.sent("n1"))


def test_after_a_change_of_settings_it_is_prepared_anew_only_where_it_is_not_yet() -> None:
    stage = Stage(size=1)
    client, other = stage.client(), stage.client()
    assert prepares(runs(stage, client, parse("s", TEXT), answer=ANSWER))
    client.asks("SET datestyle = 'ISO, DMY'")
    stage.sent("n1")
    stage.answers("n1", done("SET"))
    client.take()
    assert not prepares(runs(stage, client, answer=AGAIN)), "as PostgreSQL: it was read when it was prepared"
    stage.dies("n1")
    assert prepares(runs(stage, client, answer=ANSWER))
    assert prepares(runs(stage, other, parse("s", TEXT), answer=ANSWER)), "the other one reads it otherwise"


def test_what_is_prepared_after_set_local_is_nobody_elses() -> None:
    stage = Stage(size=1)
    client, other = stage.client(), stage.client()
    for text, tag in (("BEGIN", "BEGIN"), ("SET LOCAL datestyle = 'ISO, DMY'", "SET")):
        client.asks(text)
        stage.sent("n1")
        stage.answers("n1", done(tag, IN_TRANSACTION))
    client.sends(parse("s", TEXT), FLUSH)
    assert prepares(stage.sent("n1"))
    stage.answers("n1", PARSED)
    client.sends(SYNC, query("COMMIT"))
    stage.sent("n1")
    stage.answers("n1", done("")[-6:-1] + b"T" + done("COMMIT"))
    assert prepares(runs(stage, other, parse("s", TEXT), answer=ANSWER))
