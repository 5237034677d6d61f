"""Does a session go where it asks to, in the words that drivers have for it, and what do the servers show of it?"""

import time

import psycopg
import pytest
from psycopg import errors

from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.router.realrouter import RealRouter, router_before

PORT = "SELECT inet_server_port()"
Client = psycopg.Connection[tuple[object, ...]]


def asking(router: RealRouter, *wishes: str) -> Client:
    """A client with these settings."""
    return router.connect(options=" ".join(f"-c {wish}" for wish in wishes))


def port(client: Client, hint: str = "") -> object:
    """The server that answers."""
    row = client.execute(f"{hint} {PORT}").fetchone()
    assert row is not None
    return row[0]


def test_a_session_goes_where_it_asks_to(cluster: RealCluster) -> None:
    primary, standbys = cluster.primary().port, {node.port for node in cluster.standbys()}
    with router_before(cluster) as router, asking(router, "howdah.route=standby") as client:
        client.execute("SELECT 1")
        eventually(lambda: port(client) in standbys, "a standby answers")
        assert client.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        with pytest.raises(errors.ReadOnlySqlTransaction):
            client.execute("CREATE TABLE nowhere (number int)")
        assert port(client, "/* howdah: primary */") == primary
        client.execute("SET howdah.route = 'primary'")
        assert {port(client) for _ in range(5)} == {primary}
        assert client.execute("SHOW howdah.route").fetchone() == ("primary",)
        assert client.execute("SHOW howdah.consistency").fetchone() == ("session",)
        with client.transaction(force_rollback=True):
            client.execute("SET howdah.route = 'auto'")
        assert client.execute("SHOW howdah.route").fetchone() == ("primary",)
        with pytest.raises(errors.InvalidParameterValue, match="it may be auto, primary, standby, any"):
            client.execute("SET howdah.route = 'nowhere'")
        client.execute("RESET howdah.route")
        eventually(lambda: port(client) in standbys, "a standby has what the session wrote, and answers")
        with pytest.raises(psycopg.OperationalError, match="it may be"):
            asking(router, "howdah.route=nowhere")


def test_what_binds_a_session_and_what_it_names_is_as_on_a_server(cluster: RealCluster) -> None:
    with router_before(cluster, pools={"size": 2}) as router, router.connect() as first, router.connect() as second:
        simple = psycopg.ClientCursor(first)
        simple.execute("CREATE SEQUENCE IF NOT EXISTS counted")
        number = simple.execute("SELECT nextval('counted')").fetchone()
        assert simple.execute("SELECT currval('counted')").fetchone() == number
        with pytest.raises(errors.ObjectNotInPrerequisiteState):
            second.execute("SELECT currval('counted')")
        simple.execute("PREPARE mine AS SELECT 41 + $1::int")
        with pytest.raises(errors.InvalidSqlStatementName):
            psycopg.ClientCursor(second).execute("EXECUTE mine(1)")
        assert simple.execute("EXECUTE mine(1)").fetchone() == (42,)
        simple.execute("DEALLOCATE mine")
        for client in (first, second):
            client.prepare_threshold = 0
            assert client.execute("SELECT %s::int + 1", (1,)).fetchone() == (2,)
            psycopg.ClientCursor(client).execute("DEALLOCATE ALL")
            assert client.execute("SELECT %s::int + 2", (1,)).fetchone() == (3,)
        simple.execute("DISCARD ALL")
        assert first.execute("SELECT 1").fetchone() == (1,)


def test_the_servers_show_a_client_s_name_and_where_it_is(cluster: RealCluster) -> None:
    with (
        router_before(cluster, pools={"client_address": True}) as router,
        router.connect(application_name="shop") as client,
    ):
        row = client.execute("/* howdah: primary */ SELECT current_setting('application_name')").fetchone()
        assert row == ("shop - 127.0.0.1",)
        seen = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shop - 127.0.0.1'"
        assert cluster.primary().value(seen) == 1


def test_a_database_that_the_servers_let_nobody_into_is_no_long_wait(cluster: RealCluster) -> None:
    with router_before(cluster) as router:
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(router.conninfo(dbname="nowhere"))
        assert time.monotonic() - began < 30
