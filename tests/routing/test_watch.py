"""Whose statement, transaction or idleness has lasted too long?"""

from howdah.routing.watch import GRACE_MS, Looks, Patience, Watch
from tests.routing.playsession import IN_TRANSACTION, Client, Stage, done


class Watched:
    """One client, looked at from time to time."""

    def __init__(self, **patience: float) -> None:
        self.stage = Stage()
        self.client: Client = self.stage.client()
        self.watch = Watch(Patience(**patience))

    def looks(self, later_ms: float = 0.0) -> int:
        """How many statements have to be cancelled."""
        self.stage.clock += later_ms
        self.stage.hub.tick()
        return len(self.watch.look(self.stage.hub.sessions, self.stage.clock))

    def asks(self, text: str) -> None:
        self.client.asks(text)
        self.stage.connect()

    def gets(self, answer: bytes) -> None:
        self.stage.answers("n1", answer)


def test_a_statement_that_takes_too_long_is_cancelled_once_and_then_loses_its_connection() -> None:
    watched = Watched(statement_ms=1000)
    watched.asks("INSERT INTO t VALUES (1)")
    assert [watched.looks(500) for _ in range(3)] == [0, 0, 0]
    assert watched.looks(500) == 1
    assert watched.looks(500) == 0
    watched.looks(GRACE_MS)
    assert b"C57014" in watched.client.take() and watched.client.closed


def test_statements_that_end_in_time_are_let_be_however_many_there_are() -> None:
    watched = Watched(statement_ms=1000)
    for _ in range(10):
        watched.asks("INSERT INTO t VALUES (1)")
        assert watched.looks(900) == 0
        watched.gets(done("INSERT 0 1"))


def test_a_transaction_that_is_idle_for_too_long_is_ended() -> None:
    watched = Watched(idle_transaction_ms=1000)
    watched.asks("BEGIN")
    watched.gets(done("BEGIN", IN_TRANSACTION))
    for _ in range(5):
        watched.looks(900)
        watched.asks("INSERT INTO t VALUES (1)")
        watched.gets(done("INSERT 0 1", IN_TRANSACTION))
    assert not watched.client.closed
    watched.looks()
    watched.looks(1001)
    assert b"C25P03" in watched.client.take() and watched.client.closed


def test_a_client_that_is_idle_for_too_long_is_ended_and_one_that_waits_is_not() -> None:
    watched = Watched(idle_session_ms=1000)
    watched.stage.nobody_leads()
    watched.asks("INSERT INTO t VALUES (1)")
    for _ in range(5):
        watched.looks(900)
    assert not watched.client.closed
    watched.stage.leads("n1", 2)
    watched.stage.connect()
    watched.gets(done("INSERT 0 1"))
    watched.looks(900)
    assert not watched.client.closed
    watched.looks(1001)
    assert b"C57P05" in watched.client.take() and watched.client.closed


def test_who_is_quiet_is_seen_and_who_is_in_a_transaction_is_not_quiet() -> None:
    stage, looks = Stage(), Looks()
    idle, busy, within = stage.client(), stage.client(), stage.client()
    within.asks("BEGIN")
    stage.connect()
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    for moment in range(5):
        stage.clock += 400
        stage.hub.tick()
        busy.asks("INSERT INTO t VALUES (1)")
        stage.connect()
        stage.answers("n1", done("INSERT 0 1"), place=1)
        found = looks.quiet(stage.hub.sessions, stage.clock, 500)
        assert found == ([idle.session] if moment > 1 else [])
