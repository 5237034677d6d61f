"""How many standbys flush a commit before it is acknowledged: none (async), one, or more; and from one to the other."""

import signal
import time

from tests.features.operator import configure, explained, look
from tests.realcluster.cluster import PARAMETERS, RealCluster, real_cluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing
from tests.signals import send

LEASE_S = 5
CLUSTER_CONFIG = {"postgresql": {"parameters": PARAMETERS}}


def k_of(cluster: RealCluster) -> tuple[str, int]:
    record = cluster.record()
    return (record.mode.value, record.k)


def wait_streaming(primary: RealNode, count: int) -> None:
    eventually(
        lambda: primary.value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == count,
        f"{count} standbys stream from {primary.name}",
    )


def test_two_nodes_are_async_and_the_standby_takes_over_when_the_lease_is_out() -> None:
    with real_cluster(("n1", "n2")) as cluster:
        primary = cluster.wait_serving()
        assert k_of(cluster) == ("async", 0)
        wait_streaming(primary, 1)
        assert primary.value("SHOW synchronous_standby_names") == ""
        primary.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
        end = primary.value("SELECT pg_current_wal_flush_lsn()")
        eventually(lambda: cluster["n2"].value(f"SELECT pg_last_wal_replay_lsn() >= '{end}'"), "n2 has it all")
        assert "a failover may lose the last ones" in explained(cluster["n2"])
        killed = time.monotonic()
        primary.kill()
        assert cluster.wait_serving(other_than="n1").name == "n2"
        # Suspicion is not used: nothing but the lease keeps an old primary from acknowledging.
        assert time.monotonic() - killed > LEASE_S - 1.5
        assert cluster["n2"].value("SELECT count(*) FROM kept") == 1000
        cluster["n1"].start()
        wait_streaming(cluster["n2"], 1)


def test_a_standby_too_far_behind_is_not_elected_in_async_mode() -> None:
    config = {"policy": {"async_lag_max": "1MB"}, "postgresql": {"parameters": PARAMETERS}}
    with real_cluster(("n1", "n2"), config) as cluster:
        primary, standby = cluster.wait_healthy(), cluster["n2"]  # under its voter's name: no new receiver to come
        receiver = standby.titled("walreceiver")
        send((receiver,), signal.SIGSTOP)
        primary.sql("CREATE TABLE far AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
        counter = cluster.record().lease_counter
        eventually(lambda: cluster.record().lease_counter > counter + 1, "the record says how far the primary is")
        primary.kill()
        send((receiver,), signal.SIGKILL)
        eventually(lambda: standby.journal("ELECT"), "the standby would stand")
        time.sleep(3)
        assert cluster.record().holder.name == "n1"
        primary.start()
        assert cluster.wait_serving() is primary
        wait_streaming(primary, 1)
        eventually(lambda: standby.value("SELECT count(*) FROM far") == 20000, "the standby has it all again")


def test_the_mode_changes_both_ways_without_an_interruption(cluster: RealCluster) -> None:
    primary = cluster.wait_healthy()
    assert k_of(cluster) == ("quorum", 1)
    with writing(cluster) as load:
        assert configure(cluster, "mode", "async").done
        eventually(lambda: k_of(cluster) == ("async", 0), "nobody has to flush any more")
        eventually(lambda: primary.value("SHOW synchronous_standby_names") == "", "nobody is waited for")
        load.wait_writes()
        assert configure(cluster, "mode", "quorum").done
        eventually(lambda: k_of(cluster) == ("quorum", 1), "one has to flush again")
        load.wait_writes()
        cluster.wait_healthy()
    assert_sound(cluster, load)
    assert load.outage() < 1
    assert str(primary.value("SHOW synchronous_standby_names")).startswith("ANY 1 (")


def test_three_nodes_in_async_mode_elect_the_one_that_has_most(cluster: RealCluster) -> None:
    primary = cluster.primary()
    behind, ahead = cluster.standbys()
    assert configure(cluster, "mode", "async").done
    eventually(lambda: k_of(cluster) == ("async", 0), "nobody has to flush any more")
    receiver = behind.titled("walreceiver")
    send((receiver,), signal.SIGSTOP)
    primary.sql("CREATE TABLE most AS SELECT generate_series(1, 1000) AS number")
    end = primary.value("SELECT pg_current_wal_flush_lsn()")
    eventually(lambda: ahead.value(f"SELECT pg_last_wal_replay_lsn() >= '{end}'"), "one standby has it all")
    primary.kill()
    send((receiver,), signal.SIGKILL)
    assert cluster.wait_serving(other_than=primary.name) is ahead
    assert ahead.value("SELECT count(*) FROM most") == 1000
    primary.start()
    assert configure(cluster, "mode", "quorum").done
    cluster.wait_healthy()


def test_five_nodes_wait_for_two_and_survive_two() -> None:
    names = ("n1", "n2", "n3", "n4", "n5")
    with real_cluster(names) as cluster:
        cluster.wait_healthy()
        assert k_of(cluster) == ("quorum", 2)
        assert str(cluster.primary().value("SHOW synchronous_standby_names")).startswith("ANY 2 (")
        with writing(cluster) as load:
            cluster["n1"].kill()
            second = cluster.wait_serving(other_than="n1")
            load.wait_writes()
            # The dead one is dropped from the voters while two of the rest can flush: the next failure is survived.
            eventually(lambda: "n1" not in {v.name for v in cluster.record().voters}, "n1 is no voter any more")
            term = cluster.record().term
            second.kill()
            cluster.wait_serving(other_than=second.name, above_term=term)
            load.wait_writes()
            cluster["n1"].start()
            second.start()
            cluster.wait_healthy()
        assert_sound(cluster, load)
        assert k_of(cluster) == ("quorum", 2)
        assert look(cluster.primary(), "cluster")["sync"]["num_sync"] == 2
