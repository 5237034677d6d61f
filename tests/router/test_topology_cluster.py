"""Does a router's knowledge of a real cluster keep up with it, and never claim more than it knows?"""

import signal
import time

import pytest

from howdah.routing.freshness import NEVER
from tests.features.operator import order
from tests.realcluster.cluster import RealCluster, freeze, thaw
from tests.realcluster.processes import eventually
from tests.router.eye import Eye, eye_on
from tests.signals import send


def names(cluster: RealCluster) -> tuple[str, set[str]]:
    return cluster.primary().name, {node.name for node in cluster.standbys()}


def until_all_read(eye: Eye, standbys: set[str]) -> None:
    eventually(lambda: eye.readers() == standbys, f"{standbys} can be read from")


@pytest.mark.parametrize("agents", [False, True], ids=["by the store", "by the agents"])
def test_a_killed_primary_s_successor_is_found_and_the_dead_one_follows_as_a_standby(
    cluster: RealCluster, agents: bool
) -> None:
    first, standbys = names(cluster)
    with eye_on(cluster, agents=agents) as eye:
        eye.until_writable(first)
        until_all_read(eye, standbys)
        cluster[first].kill()
        second = cluster.wait_serving(other_than=first).name
        eye.until_writable(second)
        assert eye.changes.index(f"PrimaryLost {first}") < eye.changes.index(f"PrimaryServes {second}")
        cluster[first].start()
        cluster.wait_healthy()
        until_all_read(eye, {*standbys, first} - {second})
        assert eye.writable() == second


def test_a_switchover_is_followed(cluster: RealCluster) -> None:
    first, standbys = names(cluster)
    second = min(standbys)
    with eye_on(cluster) as eye:
        eye.until_writable(first)
        order(cluster[first], "switchover", {"to": second})
        eye.until_writable(second)
        cluster.wait_healthy()
        until_all_read(eye, {*standbys, first} - {second})
        assert eye.fleet.targets[first].lag_bytes is not None


def test_what_a_session_wrote_is_on_every_standby_that_it_may_read_from(cluster: RealCluster) -> None:
    first, standbys = names(cluster)
    primary = cluster[first]
    primary.sql("CREATE TABLE IF NOT EXISTS seen (number int PRIMARY KEY)")
    primary.sql("TRUNCATE seen")
    with eye_on(cluster) as eye:
        eye.until_writable(first)
        until_all_read(eye, standbys)
        by_standbys = 0
        with primary.connect() as session:
            for number in range(60):
                # Also for commits that are acknowledged before they are flushed.
                session.execute(f"SET synchronous_commit = {'off' if number % 2 else 'on'}".encode())
                session.execute(b"INSERT INTO seen VALUES (%s)", (number,))
                wrote_ms = eye.ask(lambda now_ms: now_ms)
                for _ in range(4):
                    where = eye.reader(wrote_ms)
                    assert where is not None
                    if where.name != first:
                        by_standbys += 1
                        assert cluster[where.name].value("SELECT max(number) FROM seen") == number
                        break
                    time.sleep(0.06)
        assert by_standbys > 20, by_standbys


def test_a_frozen_standby_gets_no_reads_until_it_moves(cluster: RealCluster) -> None:
    first, standbys = names(cluster)
    frozen = min(standbys)
    more = {"knowledge": {"probe_timeout": "500ms"}}
    with eye_on(cluster, more) as eye:
        until_all_read(eye, standbys)
        pids = cluster[frozen].server
        freeze(pids)
        try:
            eventually(lambda: eye.readers() == standbys - {frozen}, f"{frozen} gets no reads")
            assert eye.writable() == first
        finally:
            thaw(pids)
        until_all_read(eye, standbys)


def test_a_standby_whose_replay_stands_still_is_not_fresh(cluster: RealCluster) -> None:
    first, standbys = names(cluster)
    still, other = sorted(standbys)
    with eye_on(cluster) as eye:
        until_all_read(eye, standbys)
        cluster[still].sql("SELECT pg_wal_replay_pause()", inside=True)
        try:
            cluster[first].sql("CREATE TABLE IF NOT EXISTS later (number int)")
            wrote_ms = eye.ask(lambda now_ms: now_ms)

            def fresh() -> str:
                where = eye.reader(wrote_ms)
                return where.name if where else ""

            eventually(lambda: fresh() == other, f"{other} has replayed it")
            assert {fresh() for _ in range(20)} == {other}
        finally:
            cluster[still].sql("SELECT pg_wal_replay_resume()", inside=True)


def test_the_primary_s_word_does_while_the_store_is_away_and_nobody_s_does_not(cluster: RealCluster) -> None:
    """The store's process is stopped: the cluster goes on by its voters' word, and so does the router. Then the
    primary's server is stopped too: past the limit nothing is writable."""
    first, standbys = names(cluster)
    with eye_on(cluster, {"knowledge": {"limit": "4s"}}) as eye:
        eye.until_writable(first)
        until_all_read(eye, standbys)
        cluster.store.send(signal.SIGSTOP)
        try:
            time.sleep(6)
            assert eye.writable() == first
            agent, pids = cluster[first].agent, cluster[first].server
            send((agent,), signal.SIGSTOP)
            freeze(pids)
            try:
                eventually(lambda: not eye.writable(), "nothing is writable")
                assert eye.reader(NEVER) is not None
            finally:
                thaw(pids)
                send((agent,), signal.SIGCONT)
        finally:
            cluster.store.send(signal.SIGCONT)
        cluster.wait_healthy()
        eye.until_writable(cluster.primary().name)


def test_a_server_of_another_cluster_at_a_node_s_address_is_not_used(cluster: RealCluster) -> None:
    first, standbys = names(cluster)
    with eye_on(cluster) as eye:
        until_all_read(eye, standbys)

        def estrange(_now_ms: float) -> None:
            eye.fleet._identifier = "1"  # as if the record had always been of another cluster

        eye.ask(estrange)
        send(tuple(cluster[name].titled("howdah_router") for name in standbys), signal.SIGTERM)
        eventually(lambda: not eye.readers(), "no standby is used")
        eventually(
            lambda: all("of another cluster" in eye.fleet.targets[name].trouble for name in standbys), "it is told"
        )
        assert first not in eye.readers()


def test_a_switchover_lets_a_transaction_end_that_was_under_way(cluster: RealCluster) -> None:
    """The router is told to hold new ones first, and the gate closes once none is left."""
    first, standbys = names(cluster)
    cluster[first].sql("CREATE TABLE IF NOT EXISTS drained (number int)")
    with eye_on(cluster) as eye:
        eye.until_writable(first)
        until_all_read(eye, standbys)
        with cluster[first].connect(autocommit=False) as session:
            session.execute("INSERT INTO drained VALUES (1)")
            order(cluster[first], "switchover", {"to": min(standbys)})
            eventually(lambda: f"HandingOver {first}" in eye.changes, "new transactions are held")
            assert not eye.writable()
            session.execute("INSERT INTO drained VALUES (2)")
            session.commit()
        eye.until_writable(min(standbys))
        eventually(lambda: cluster[min(standbys)].value("SELECT count(*) FROM drained") == 2, "both rows are there")
        told = [change for change in eye.changes if change.endswith(first)]
        assert told.index(f"HandingOver {first}") < told.index(f"PrimaryLost {first}")
