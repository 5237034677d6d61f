"""Does the cluster get over the death of the primary's processes? (F1, F2, F75, F3, F13)"""

import os
import signal

from tests.features.operator import order
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing
from tests.signals import send


def test_a_killed_postmaster_is_started_again_in_place(cluster: RealCluster) -> None:
    """F1: the agent restarts it under its lease: same holder, same term, same timeline, no commit lost."""
    before, primary = cluster.record(), cluster.primary()
    with writing(cluster) as load:
        os.kill(primary.postmaster, signal.SIGKILL)
        load.wait_writes()
    after = cluster.record()
    assert (after.holder, after.term, after.timelines) == (before.holder, before.term, before.timelines)
    assert primary.journal("CRASH")
    cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_second_crash_in_short_time_gives_the_lease_up(cluster: RealCluster) -> None:
    """F2: a server that keeps crashing is replaced by another one."""
    primary = cluster.primary()
    with writing(cluster) as load:
        while cluster.primary() is primary:
            os.kill(primary.postmaster, signal.SIGKILL)
            load.wait_writes()
        assert len(primary.journal("CRASH")) == 2
        cluster.wait_healthy()
        load.wait_writes()
    assert_sound(cluster, load)


def test_a_killed_backend_restarts_the_server_and_a_barrier_comes_first(cluster: RealCluster) -> None:
    """F75: an out-of-memory kill ends the whole server (restart_after_crash = off); service comes after a barrier."""
    primary = cluster.primary()
    if primary.journal("CRASH"):  # a second one in short time would give the lease up
        order(primary, "switchover")
        primary = cluster.wait_serving(other_than=primary.name)
        cluster.wait_healthy()
    served = len(primary.journal("Serve"))
    with writing(cluster) as load:
        backend = primary.value("SELECT pid FROM pg_stat_activity WHERE query LIKE 'INSERT%' LIMIT 1", inside=True)
        os.kill(backend, signal.SIGKILL)
        eventually(lambda: len(primary.journal("Serve")) > served, "it serves again, by a barrier and a renewal")
        load.wait_writes()
    assert cluster.primary() is primary
    cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_dead_node_is_replaced_and_comes_back_as_a_standby(cluster: RealCluster) -> None:
    """F13: everything of the primary's node ends at once; later it is there again."""
    dead = cluster.primary()
    term = cluster.record().term
    with writing(cluster) as load:
        dead.kill()
        load.wait_writes()
        assert cluster.wait_serving(other_than=dead.name, above_term=term)
        dead.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert not dead.writable()
    assert_sound(cluster, load)


def test_a_stopped_postmaster_is_noticed_by_a_new_connection_and_killed(cluster: RealCluster) -> None:
    """F3: sessions that are open go on, so only a fresh login shows it."""
    primary = cluster.primary()
    stopped = primary.postmaster
    with writing(cluster) as load:
        send((stopped,), signal.SIGSTOP)
        eventually(lambda: primary.postmaster != stopped, "the stopped postmaster is killed")
        load.wait_writes()
    cluster.wait_healthy()
    assert_sound(cluster, load)
