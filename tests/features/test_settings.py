"""PostgreSQL's settings, from the cluster's configuration into every server."""

from functools import partial
from pathlib import Path

import psycopg

from tests.features.operator import ask, configure, explained, look, shows, start_time, started_again
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually


def everywhere(cluster: RealCluster, name: str, value: str) -> None:
    for node in cluster.nodes.values():
        eventually(partial(shows, node, name, value), f"{name} is {value} on {node.name}")


def pending(node: RealNode) -> list[str]:
    found: list[str] = look(node, "status").get("pending_restart", [])
    return found


def waits_for_restart(node: RealNode, parameter: str) -> bool:
    return parameter in pending(node)


def waits_for_nothing(node: RealNode) -> bool:
    return not pending(node)


def lacks(file: Path, words: str) -> bool:
    return words not in file.read_text()


def restart(cluster: RealCluster, node: RealNode) -> None:
    begun = start_time(node)
    assert ask(node, "restart").done
    eventually(lambda: started_again(node, begun), f"{node.name} restarts")
    cluster.wait_healthy()


def test_a_setting_reaches_every_server_without_a_restart_and_goes_again(cluster: RealCluster) -> None:
    begun = {node.name: start_time(node) for node in cluster.nodes.values()}
    assert configure(cluster, "postgresql.parameters.work_mem", "64MB").done
    everywhere(cluster, "work_mem", "64MB")
    assert configure(cluster, "postgresql.parameters.work_mem", None).done
    everywhere(cluster, "work_mem", "4MB")
    assert {node.name: start_time(node) for node in cluster.nodes.values()} == begun
    assert not any(pending(node) for node in cluster.nodes.values())


def test_a_setting_that_needs_a_restart_shows_as_pending_until_then(cluster: RealCluster) -> None:
    assert configure(cluster, "postgresql.parameters.track_activity_query_size", "2048").done
    for node in cluster.nodes.values():
        eventually(partial(waits_for_restart, node, "track_activity_query_size"), f"{node.name} waits for a restart")
    primary = cluster.primary()
    assert f"{primary.name} is pending a restart for track_activity_query_size" in explained(primary)
    for node in (*cluster.standbys(), primary):
        restart(cluster, node)
        assert node.value("SHOW track_activity_query_size") == "2kB"
        eventually(partial(waits_for_nothing, node), f"{node.name} waits for nothing any more")


def test_max_connections_is_raised_on_the_standbys_first_and_lowered_on_the_primary_first(
    cluster: RealCluster,
) -> None:
    primary, standbys = cluster.primary(), cluster.standbys()
    assert configure(cluster, "postgresql.parameters.max_connections", 80).done
    for node in cluster.nodes.values():
        eventually(partial(waits_for_restart, node, "max_connections"), f"{node.name} waits for a restart")
    restart(cluster, primary)  # too early: hot standby would stop on the others
    assert primary.value("SHOW max_connections") == "60"
    for node in standbys:
        restart(cluster, node)
        assert node.value("SHOW max_connections") == "80"
    restart(cluster, primary)
    everywhere(cluster, "max_connections", "80")

    assert configure(cluster, "postgresql.parameters.max_connections", 50).done
    restart(cluster, standbys[0])  # too early
    assert standbys[0].value("SHOW max_connections") == "80"
    restart(cluster, primary)
    assert primary.value("SHOW max_connections") == "50"
    for node in standbys:
        restart(cluster, node)
    everywhere(cluster, "max_connections", "50")
    assert configure(cluster, "postgresql.parameters.max_connections", 60).done
    for node in (*standbys, primary):
        restart(cluster, node)
    assert cluster.primary() is primary


def test_what_the_protocol_owns_is_refused_with_the_reason(cluster: RealCluster) -> None:
    for name, value, why in (
        ("synchronous_standby_names", "*", "which commits are acknowledged"),
        ("fsync", "off", "a crash of the machine could lose"),
        ("synchronous_commit", "local", "acknowledged that no standby has on disk"),
        ("max_slot_wal_keep_size", "-1", "fills the primary's disk"),
        ("restart_after_crash", "on", "the agent restarts the server"),
        ("primary_conninfo", "host=elsewhere", "from whom this server receives"),
    ):
        answer = configure(cluster, f"postgresql.parameters.{name}", value)
        assert not answer.done
        assert name in answer.text
        assert why in answer.text, answer.text


def test_a_value_that_postgresql_does_not_take_is_refused_before_anybody_has_it(cluster: RealCluster) -> None:
    for name, value in (("work_mem", "banana"), ("no_such_parameter", "1"), ("max_locks_per_transaction", "1")):
        answer = configure(cluster, f"postgresql.parameters.{name}", value)
        assert not answer.done
        assert f"refuses {name}" in answer.text, answer.text
    assert not any(pending(node) for node in cluster.nodes.values())


def test_alter_system_of_a_protected_setting_is_taken_back_and_of_another_one_stays(cluster: RealCluster) -> None:
    for node in cluster.nodes.values():
        before = node.value("SHOW synchronous_standby_names")
        with node.connect() as session:
            session.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
            session.execute("ALTER SYSTEM SET log_min_duration_statement = '5s'")
        eventually(partial(lacks, node.layout.data / "postgresql.auto.conf", "synchronous"), "the line is gone")
        eventually(partial(shows, node, "log_min_duration_statement", "5s"), "the other line stays")
        assert node.value("SHOW synchronous_standby_names") == before
        assert [entry for entry in node.journal("ALTER SYSTEM") if "synchronous_standby_names" in entry.sentence]
    cluster.wait_healthy()


def test_a_client_cannot_outlive_the_gate_by_a_reserved_connection(cluster: RealCluster) -> None:
    """The settings that keep connections for the agent are in force: clients alone cannot lock it out."""
    primary = cluster.primary()
    sessions: list[psycopg.Connection[tuple[object, ...]]] = []
    role = "CREATE ROLE app LOGIN PASSWORD 'app'"
    primary.sql(role)
    try:
        while len(sessions) < 100:
            sessions.append(primary.connect(user="app", password="app"))
    except psycopg.OperationalError as error:
        assert "reserved" in str(error) or "too many" in str(error)
    else:
        raise AssertionError("clients are never refused")
    finally:
        eventually(lambda: look(primary, "cluster").get("serving"), "the agent still gets in")
        for session in sessions:
            session.close()
    assert cluster.wait_healthy() is primary
