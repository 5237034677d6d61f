"""Can the router be asked and told, by the drivers and collectors that talk with PgBouncer?"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.rows import dict_row

from tests.ports import free_port
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.router.realrouter import RealRouter, router_before

EXPORTER = {
    "STATS_TOTALS": "database query_count query_time bytes_received bytes_sent wait_time xact_count xact_time "
    "client_parse_count server_parse_count bind_count",
    "POOLS": "database user cl_active cl_active_cancel_req cl_waiting cl_waiting_cancel_req sv_active "
    "sv_active_cancel sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait",
    "DATABASES": "name host port database force_user pool_size reserve_pool pool_mode max_connections "
    "current_connections paused disabled",
}
"""What Prometheus' pgbouncer_exporter asks with SHOW, and the columns that it reads."""


@contextlib.contextmanager
def admin_of(router: RealRouter, **options: Any) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """An admin."""
    with psycopg.connect(
        router.conninfo(dbname="howdah"), autocommit=True, row_factory=dict_row, **options
    ) as connection:
        yield connection


def test_drivers_get_every_table_in_both_query_protocols(cluster: RealCluster) -> None:
    with router_before(cluster) as router, router.connect() as client, admin_of(router) as admin:
        client.execute("SELECT 1")
        simple = psycopg.ClientCursor(admin, row_factory=dict_row)
        binary = admin.cursor(binary=True)
        for name in (
            *("STATS", "STATS_TOTALS", "STATS_AVERAGES", "TOTALS", "POOLS", "CLIENTS", "SERVERS", "SOCKETS", "LISTS"),
            *("DATABASES", "USERS", "CONFIG", "VERSION", "MEM", "STATE", "PEERS", "DNS_HOSTS", "DNS_ZONES"),
            *("NODES", "PINS", "HELD", "ACTIVE_SOCKETS", "PEER_POOLS"),
        ):
            one, other = simple.execute(f"SHOW {name};").fetchall(), binary.execute(f"SHOW {name}").fetchall()
            assert [list(row) for row in one] == [list(row) for row in other], name
        assert [row["application_name"] for row in admin.execute("SHOW CLIENTS") if row["database"] == "howdah"]
        assert {row["role"] for row in admin.execute("SHOW NODES")} == {"primary", "standby"}
        row = admin.execute("SHOW ROUTE %s", ("INSERT INTO t VALUES (1)",)).fetchone()
        assert row is not None
        assert (row["goes_to"], row["node"], row["why"]) == ("the primary", cluster.primary().name, "INSERT writes")
        with pytest.raises(psycopg.errors.SyntaxError, match="SHOW HELP"):
            admin.execute("SHOW POOL")
        admin.prepare_threshold = 0
        for _ in range(3):
            assert admin.execute("SHOW VERSION").fetchone()
        with admin.transaction():
            admin.execute("SHOW VERSION")


def test_the_exporter_finds_the_columns_that_it_reads_as_numbers_and_labels(cluster: RealCluster) -> None:
    with router_before(cluster) as router, router.connect() as client, admin_of(router) as admin:
        client.execute("CREATE TABLE IF NOT EXISTS counted (number int)")
        client.execute("SELECT count(*) FROM counted")
        for name, columns in EXPORTER.items():
            rows = admin.execute(f"SHOW {name};".encode()).fetchall()
            assert rows, name
            for row in rows:
                assert set(columns.split()) <= set(row), name
                assert all(value is None or type(value) in (int, str) for value in row.values())
        lists = {row["list"]: row["items"] for row in admin.execute("SHOW LISTS;")}
        assert lists["used_clients"] == 2
        config = {row["key"]: row["value"] for row in admin.execute("SHOW CONFIG;")}
        assert (float(config["max_client_conn"]), float(config["max_user_connections"])) == (5000, 0)
        (version,) = admin.execute("SHOW VERSION;").fetchall()
        assert version["version"].startswith("PgBouncer 1.")
        stats = {row["database"]: row for row in admin.execute("SHOW STATS")}
        assert stats["postgres"]["total_query_count"] >= 2
        assert stats["postgres"]["total_sent"] > 0


def test_pause_holds_clients_and_resume_lets_them_go(cluster: RealCluster) -> None:
    with router_before(cluster) as router, router.connect() as client, admin_of(router) as admin:
        client.execute("SELECT 1")
        admin.execute("PAUSE postgres")
        assert not admin.execute("SHOW SERVERS").fetchall()
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(client.execute("SELECT 7").fetchone()))
        thread.start()
        eventually(lambda: len(admin.execute("SHOW HELD").fetchall()) == 1, "the client waits")
        assert not answers
        assert [row["cl_waiting"] for row in admin.execute("SHOW POOLS") if row["database"] == "postgres"] == [1]
        admin.execute("RESUME postgres")
        thread.join(timeout=60)
        assert answers == [(7,)]


def test_kill_ends_clients_and_disable_keeps_new_ones_out(cluster: RealCluster) -> None:
    with router_before(cluster) as router, admin_of(router) as admin:
        with router.connect() as client:
            client.execute("SELECT 1")
            admin.execute("DISABLE postgres")
            with pytest.raises(psycopg.OperationalError, match='"postgres" is disabled'):
                router.connect()
            admin.execute("ENABLE postgres")
            (mine,) = [row["id"] for row in admin.execute("SHOW CLIENTS") if row["database"] == "postgres"]
            admin.execute("KILL_CLIENT %s", (mine,))
            with pytest.raises(psycopg.errors.AdminShutdown):
                client.execute("SELECT 1")
        with router.connect() as client:
            client.execute("SELECT 1")
            admin.execute("KILL postgres")
            with pytest.raises(psycopg.errors.AdminShutdown):
                client.execute("SELECT 1")
        admin.execute("RESUME postgres")
        with router.connect() as client:
            client.execute("SELECT 1")


def test_reconnect_takes_other_server_connections_from_then_on(cluster: RealCluster) -> None:
    with router_before(cluster, routing={"reads": "primary"}) as router, router.connect() as client:
        first = client.execute("SELECT pg_backend_pid()").fetchone()
        with admin_of(router) as admin:
            shown = {row["remote_pid"] for row in admin.execute("SHOW SERVERS")}
            assert first is not None
            assert first[0] in shown
            admin.execute("RECONNECT")
            admin.execute("WAIT_CLOSE")
        assert client.execute("SELECT pg_backend_pid()").fetchone() != first


def test_strangers_are_told_that_they_may_not_and_observers_may_only_look(cluster: RealCluster) -> None:
    cluster.primary().sql("DROP ROLE IF EXISTS watcher")
    cluster.primary().sql("CREATE ROLE watcher LOGIN PASSWORD 'looks'")
    who = {"user": "watcher", "password": "looks", "dbname": "howdah"}
    with (
        router_before(cluster) as router,
        pytest.raises(psycopg.OperationalError, match=r"login\.admins and login\.observers"),
    ):
        psycopg.connect(router.conninfo(**who))
    with (
        router_before(cluster, login={"observers": ["watcher"]}) as router,
        psycopg.connect(router.conninfo(**who), autocommit=True) as watcher,
    ):
        assert watcher.execute("SHOW POOLS").description
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"login\.admins"):
            watcher.execute("PAUSE")


def test_shutdown_ends_the_process(cluster: RealCluster) -> None:
    with router_before(cluster) as router:
        with router.connect() as client, admin_of(router) as admin:
            client.execute("BEGIN")
            admin.execute("SHUTDOWN WAIT_FOR_CLIENTS")
            time.sleep(0.5)
            assert router.process.poll() is None
            client.execute("COMMIT")
        eventually(lambda: router.process.poll() == 0, "the router ends once its clients left")


def test_health_and_metrics_are_answered_beside_the_clients(cluster: RealCluster) -> None:
    health = free_port()
    with router_before(cluster, health={"port": health}) as router, router.connect() as client:
        client.execute("SELECT 1")
        with httpx.Client(base_url=f"http://127.0.0.1:{health}") as rest:
            for path in ("/health", "/liveness", "/readiness"):
                assert rest.get(path).status_code == 200, path
            assert rest.get("/health").json()["primary"] == cluster.primary().name
            families = {family.name: family for family in text_string_to_metric_families(rest.get("/metrics").text)}
        queries = families["howdah_router_queries"].samples
        assert sum(sample.value for sample in queries if sample.labels["database"] == "postgres") >= 1
        roles = {sample.labels["node"]: sample.labels["role"] for sample in families["howdah_router_node_role"].samples}
        assert roles[cluster.primary().name] == "primary"
        assert families["howdah_router_answer_seconds"].type == "histogram"
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(router.conninfo(password="wrong"))
        text = httpx.get(f"http://127.0.0.1:{health}/metrics").text
        (refused,) = [line for line in text.splitlines() if line.startswith("howdah_router_logins_refused_total{")]
        assert float(refused.split()[-1]) >= 1


def test_settings_are_changed_one_by_one_and_read_again_while_clients_work(cluster: RealCluster) -> None:
    with router_before(cluster, pools={"size": 3}) as router, router.connect() as client, admin_of(router) as admin:

        def size() -> str:
            return next(str(row["value"]) for row in admin.execute("SHOW CONFIG") if row["key"] == "pools.size")

        client.execute("BEGIN")
        admin.execute("SET default_pool_size = 7")
        assert size() == "7"
        assert next(row["pool_size"] for row in admin.execute("SHOW DATABASES") if row["name"] == "postgres") == 7
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=r"did you mean 'pools\.size'"):
            admin.execute("SET pools.sice = 7")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="started again"):
            admin.execute("SET listen.port = 7777")
        admin.execute("RELOAD")
        assert size() == "3"
        client.execute("COMMIT")
