"""What does a command of the admin database do to clients and server connections?"""

import pytest

from tests.routing.admindesk import AdminClient, shape, visit
from tests.routing.playsession import IN_TRANSACTION, READY, Client, Stage, done, query

WRITE = "UPDATE t SET a = 1"


def in_transaction(stage: Stage, serial: int = 1) -> Client:
    client = visit(stage.client(), serial)
    client.asks("BEGIN")
    stage.sent("n1")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    client.take()
    return client


def commit(stage: Stage, client: Client) -> None:
    client.asks("COMMIT")
    stage.sent("n1")
    stage.answers("n1", done("COMMIT"))


def test_pause_waits_for_transactions_holds_new_ones_and_resume_lets_them_go() -> None:
    stage = Stage()
    works, admin = in_transaction(stage), AdminClient(stage)
    assert admin.sends(query("PAUSE app")) == b""
    other = visit(stage.client(), 2)
    other.asks(WRITE)
    admin.desk.deeds.tick()
    assert admin.take() == b""
    commit(stage, works)
    assert stage.wires["n1"][0].closed
    admin.desk.deeds.tick()
    assert shape(admin.take()) == "C(PAUSE) Z(I)"
    works.asks(WRITE)
    assert not stage.asked_for
    second = AdminClient(stage)
    assert second.ask("SHOW DATABASES")[0]["paused"] == "1"
    assert [row["waits_for"] for row in second.ask("SHOW HELD")] == ["a connection to n1, which is paused"] * 2
    assert shape(second.sends(query("RESUME app"))) == "C(RESUME) Z(I)"
    assert stage.sent("n1") == query(WRITE) * 2


def test_everything_can_be_paused_databases_that_nobody_uses_yet_too() -> None:
    stage = Stage()
    admin = AdminClient(stage)
    assert shape(admin.sends(query("PAUSE"))) == "C(PAUSE) Z(I)"
    assert admin.ask("SHOW STATE")[1] == {"key": "paused", "value": "yes"}
    with pytest.raises(AssertionError, match="paused already"):
        admin.ask("PAUSE")
    with pytest.raises(AssertionError, match="RESUME without a database"):
        admin.ask("RESUME app")
    admin.ask("RESUME")
    with pytest.raises(AssertionError, match="nothing is paused"):
        admin.ask("RESUME")
    admin.ask("PAUSE new")
    assert [row["name"] for row in admin.ask("SHOW DATABASES") if row["paused"] == "1"] == ["new"]
    with pytest.raises(AssertionError, match='"app" is not paused'):
        admin.ask("RESUME app")


def test_reconnect_closes_idle_connections_at_once_and_lent_ones_when_they_come_back() -> None:
    stage = Stage()
    works, admin = in_transaction(stage), AdminClient(stage)
    assert shape(admin.sends(query("RECONNECT"))) == "C(RECONNECT) Z(I)"
    assert admin.ask("SHOW SERVERS")[0]["close_needed"] == "1"
    waits = AdminClient(stage)
    assert waits.sends(query("WAIT_CLOSE app")) == b""
    works.asks(WRITE)
    stage.answers("n1", done("UPDATE 1", IN_TRANSACTION))
    assert works.take() == done("UPDATE 1", IN_TRANSACTION)
    commit(stage, works)
    assert stage.wires["n1"][0].closed
    waits.desk.deeds.tick()
    assert shape(waits.take()) == "C(WAIT_CLOSE) Z(I)"
    stage.sent("n1")
    works.asks(WRITE)
    assert stage.sent("n1") == query(WRITE)
    assert len(stage.wires["n1"]) == 2


def test_kill_ends_the_clients_of_a_database_and_pauses_it() -> None:
    stage = Stage()
    works, admin = in_transaction(stage), AdminClient(stage)
    idles = visit(stage.client(), 2)
    assert shape(admin.sends(query("KILL app"))) == "C(KILL) Z(I)"
    for client in (works, idles):
        assert shape(client.take()) == "E(57P01)"
        assert client.closed
    assert stage.wires["n1"][0].closed
    late = visit(stage.client(), 3)
    late.asks(WRITE)
    assert not stage.asked_for
    admin.ask("RESUME app")
    assert stage.sent("n1") == query(WRITE)


def test_one_client_can_be_ended_by_its_id() -> None:
    stage = Stage()
    first, second, admin = in_transaction(stage, 1), visit(stage.client(), 2), AdminClient(stage)
    assert shape(admin.sends(query("KILL_CLIENT 1"))) == "C(KILL_CLIENT) Z(I)"
    assert shape(first.take()) == "E(57P01)"
    assert stage.wires["n1"][0].closed  # what it was in the middle of is over, for the server too
    assert not second.closed
    with pytest.raises(AssertionError, match="no client with the id 1"):
        admin.ask("KILL_CLIENT 1")


def test_a_database_can_be_closed_to_new_clients_and_opened_again() -> None:
    stage = Stage()
    admin = AdminClient(stage)
    admin.ask("DISABLE app")
    assert stage.hub.closed == {"app"}
    assert admin.ask("SHOW DATABASES")[0]["disabled"] == "1"
    admin.ask("ENABLE app")
    assert not stage.hub.closed


def test_a_connection_that_comes_up_while_paused_is_not_kept() -> None:
    stage = Stage()
    client = visit(stage.client(), 1)
    client.asks(WRITE)
    admin = AdminClient(stage)
    assert admin.sends(query("PAUSE")) == b""
    stage.connect()
    assert stage.wires["n1"][0].closed
    admin.desk.deeds.tick()
    assert shape(admin.take()) == "C(PAUSE) Z(I)"
    admin.ask("RESUME")
    assert stage.sent("n1") == query(WRITE)
    stage.answers("n1", done("UPDATE 1", READY), place=1)
    assert client.take() == done("UPDATE 1", READY)
