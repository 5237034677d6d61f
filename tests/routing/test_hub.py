"""Who waits for a primary, how many and how long, and what does a hand-over leave to those in the middle?"""

from howdah.routing.clusterview import ClusterView
from howdah.routing.hub import Place
from howdah.routing.losing import lose
from howdah.routing.pool import Limits
from tests.routing.playsession import IN_TRANSACTION, READY, Client, Stage, done, error, query

WRITE = "INSERT INTO t VALUES (1)"


def hands_over(stage: Stage) -> None:
    """The record says that n1 serves no more, though it still leads."""
    term = stage.fleet.term
    view = ClusterView((0, term, term + 1), term, "n1", "n1", serving=False, asked_ms=stage.clock)
    stage.hub.changed(stage.fleet.learn(view, stage.clock))


def in_transaction(stage: Stage) -> Client:
    client = stage.client()
    client.asks("BEGIN")
    stage.sent("n1")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION), len(stage.links["n1"]) - 1)
    client.take()
    return client


def test_in_a_hand_over_new_transactions_wait_and_running_ones_may_end() -> None:
    stage = Stage()
    running, late = in_transaction(stage), in_transaction(stage)
    hands_over(stage)
    other = stage.client()
    other.asks(WRITE)
    assert stage.sent("n1") == b""
    running.asks("COMMIT")
    assert stage.sent("n1") == query("COMMIT")
    stage.answers("n1", done("COMMIT"))
    assert running.take() == done("COMMIT")
    stage.clock += stage.hub.drain_ms + 1
    stage.hub.tick()
    late.asks(WRITE)
    told = late.take()
    assert b"40001" in told
    late.asks("ROLLBACK")
    late.take()
    stage.leads("n2", 2)
    assert stage.sent("n2") == query(WRITE)
    assert other.take() == b""


def test_a_hand_over_that_does_not_come_about_cuts_nobody() -> None:
    stage = Stage()
    client = in_transaction(stage)
    hands_over(stage)
    stage.leads("n1", 2)
    stage.clock += stage.hub.drain_ms + 1
    stage.hub.tick()
    client.asks("COMMIT")
    stage.answers("n1", done("COMMIT"))
    assert client.take() == done("COMMIT")


def test_a_session_with_a_connection_of_its_own_waits_as_well_and_goes_on_at_the_next_primary() -> None:
    stage = Stage()
    stage.place.keeps = "pools.mode is session"
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1"))
    client.take()
    hands_over(stage)
    client.asks(WRITE)
    assert stage.sent("n1") == b""
    stage.leads("n2", 2)
    assert stage.sent("n2") == query(WRITE)
    stage.answers("n2", done("INSERT 0 1"))
    assert client.take() == done("INSERT 0 1")
    assert not stage.hub.held


def test_more_than_may_wait_are_told_so_at_once() -> None:
    stage = Stage()
    stage.nobody_leads()
    clients = [stage.client() for _ in range(101)]
    for client in clients:
        client.asks(WRITE)
    assert not any(client.closed for client in clients[:100])
    assert b"too many clients wait" in clients[100].take()


def test_what_waits_in_all_is_bounded_in_bytes() -> None:
    stage = Stage()
    stage.hub.hold_bytes = 100
    stage.nobody_leads()
    first, second = stage.client(), stage.client()
    for client in (first, second):
        client.asks("INSERT INTO t VALUES ('" + "x" * 50 + "')")
    stage.hub.tick()
    assert not first.closed
    assert b"hold.bytes_max" in second.take()


def test_a_session_that_only_keeps_its_connection_goes_on_with_another() -> None:
    stage = Stage()
    stage.place.keeps = "pools.mode is session"
    client = stage.client()
    client.asks(WRITE)
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1", READY))
    link = stage.links["n1"][0]
    link.session = None
    lose(client.session, link)
    assert not client.closed


def test_a_place_of_which_no_server_ever_answered_is_forgotten_with_its_last_session() -> None:
    stage = Stage()
    real, stage.place = stage.place, Place("app", "made up", stage.place.texts, Limits(), stage, stage.hub.ledger)
    made_up = stage.place
    stage.hub.places["app", "made up"] = made_up
    one, other = stage.client(), stage.client()
    other.asks("SELECT 1")
    (pool,) = made_up.pools.values()
    one.session.leave()
    assert made_up in stage.hub.places.values(), "somebody is still there"
    while stage.asked_for:
        stage.asked_for.pop().refused(error("3D000", "FATAL"), for_good=True)
    assert other.closed and not pool.opening
    assert list(stage.hub.places.values()) == [real]
    assert not any(database == "made up" for database, _ in stage.hub.ledger.counts)
