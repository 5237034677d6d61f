"""Does an application that knows one address get through what a cluster goes through?"""

import threading
import time
from collections import Counter

import psycopg
import pytest

from tests.features.operator import order
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import CONNECTIONS, Workload, assert_sound
from tests.router.realrouter import RealRouter, router_before

PORT_OF = "SELECT inet_server_port()"


def test_drivers_get_everything_through_the_router_that_they_get_directly(cluster: RealCluster) -> None:
    with router_before(cluster) as router, router.connect() as client:
        client.execute("DROP TABLE IF EXISTS things")
        client.execute("CREATE TABLE things (number int, word text)")
        with client.pipeline():
            answers = [client.execute("SELECT %s::int", (number,)) for number in range(20)]
        assert [answer.fetchone() for answer in answers] == [(number,) for number in range(20)]
        with client.cursor().copy("COPY things FROM STDIN") as copy:
            for number in range(20_000):
                copy.write_row((number, "word"))
        assert client.execute("SELECT count(*) FROM things").fetchone() == (20_000,)
        with client.cursor().copy("COPY things TO STDOUT") as copy:
            assert sum(1 for _ in copy.rows()) == 20_000
        for size in (1_000, 100_000, 1_048_500, 5_000_000):  # below and above what is kept whole
            assert client.execute("SELECT length(%s::text)", ("x" * size,)).fetchone() == (size,)
            assert psycopg.ClientCursor(client).execute("SELECT length(%s)", ("x" * size,)).fetchone() == (size,)
        row = client.execute("SELECT repeat('y', 20000000)").fetchone()
        assert row is not None
        assert len(row[0]) == 20_000_000
        with client.transaction(), client.cursor("named") as cursor:
            cursor.execute("SELECT * FROM things ORDER BY number")
            assert len(cursor.fetchmany(500)) == 500
        client.prepare_threshold = 1
        for number in range(5):
            assert client.execute("SELECT %s::int + count(*) FROM things", (number,)).fetchone() == (20_000 + number,)
        with pytest.raises(psycopg.errors.DivisionByZero):
            client.execute("SELECT 1/0")
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_session_settings_notifications_and_temporary_tables_work_as_on_a_server(cluster: RealCluster) -> None:
    with (
        router_before(cluster, pools={"size": 2}) as router,
        router.connect() as first,
        router.connect(options="-c work_mem=7MB") as second,
    ):
        first.execute("SET work_mem = '5MB'")
        with pytest.raises(psycopg.errors.DivisionByZero), first.transaction():
            first.execute("SET work_mem = '9MB'")
            first.execute("SELECT 1/0")
        for _ in range(4):
            assert first.execute("SHOW work_mem").fetchone() == ("5MB",)
            assert second.execute("SHOW work_mem").fetchone() == ("7MB",)
        first.execute("LISTEN news")
        second.execute("NOTIFY news, 'hello'")
        assert [news.payload for news in first.notifies(timeout=30, stop_after=1)] == ["hello"]
        second.execute("CREATE TEMPORARY TABLE mine (number int)")
        second.execute("INSERT INTO mine VALUES (1)")
        assert second.execute("SELECT * FROM mine").fetchall() == [(1,)]


def test_a_cancel_reaches_the_statement_that_runs_and_no_other(cluster: RealCluster) -> None:
    with router_before(cluster) as router, router.connect() as client, router.connect() as other:
        threading.Timer(0.5, client.cancel).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.execute("SELECT pg_sleep(60)")
        assert other.execute("SELECT 1").fetchone() == (1,)
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_cancel_that_comes_too_late_hits_nothing_that_is_sent_after_it(cluster: RealCluster) -> None:
    with router_before(cluster, pools={"mode": "session"}) as router, router.connect() as client:
        for number in range(50):
            client.execute("SELECT 1")
            client.cancel()  # returns when the router has ended that connection
            assert client.execute("SELECT %s::int", (number,)).fetchone() == (number,)


def test_reads_are_spread_over_standbys_and_show_what_the_session_wrote(cluster: RealCluster) -> None:
    with router_before(cluster) as router, router.connect() as client:
        client.execute("DROP TABLE IF EXISTS written")
        client.execute("CREATE TABLE written (number int)")
        seen: Counter[int] = Counter()
        for number in range(100):
            client.execute("INSERT INTO written VALUES (%s)", (number,))
            for _ in range(5):
                row = client.execute(
                    "/* howdah: standby */ SELECT count(*), inet_server_port() FROM written"
                ).fetchone()
                assert row is not None
                assert row[0] == number + 1
                seen[row[1]] += 1
                time.sleep(0.005)
        assert {node.port for node in cluster.standbys()} & set(seen)


def _writing(router: RealRouter, cluster: RealCluster, table: str) -> Workload:
    cluster.wait_serving().sql(f"DROP TABLE IF EXISTS {table}")
    cluster.wait_serving().sql(f"CREATE TABLE {table} (value text)")
    load = Workload([router.conninfo()] * CONNECTIONS, table)
    load.start()
    load.wait_writes(20)
    return load


@pytest.mark.parametrize("how", ["killed", "handed over"])
def test_clients_keep_their_connections_through_a_role_change_and_no_commit_is_lost(
    cluster: RealCluster, how: str
) -> None:
    with router_before(cluster) as router, router.connect() as idle:
        idle.execute("SET application_name = 'waits'")
        load = _writing(router, cluster, f"change_{how[:4]}")
        try:
            old = cluster.primary()
            if how == "killed":
                old.kill()
            else:
                order(old, "switchover")
            cluster.wait_serving(other_than=old.name)
            load.wait_writes()
        finally:
            load.stop()
        assert idle.execute("SHOW application_name").fetchone() == ("waits",)
        idle.execute("CREATE TABLE IF NOT EXISTS after_all (number int)")
        if how == "killed":
            old.start()
        cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_planned_hand_over_is_no_error_for_anybody_between_transactions(cluster: RealCluster) -> None:
    with router_before(cluster) as router:
        cluster.wait_serving().sql("CREATE TABLE IF NOT EXISTS handed (number int)")
        failures: list[str] = []
        stop = threading.Event()

        def work() -> None:
            with router.connect() as client:
                while not stop.is_set():
                    try:
                        client.execute("INSERT INTO handed VALUES (1)")
                    except psycopg.Error as error:
                        failures.append(f"{error.sqlstate} {error}")
                        return
                    time.sleep(0.01)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        old = cluster.primary()
        term = cluster.record().term
        order(old, "switchover")
        eventually(lambda: cluster.record().term > term, "another term begins")
        cluster.wait_healthy()
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures
