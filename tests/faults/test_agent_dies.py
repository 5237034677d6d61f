"""What if the agent is killed, stopped or frozen while its server goes on? (F8, F9, F10, F11, F12)"""

import os
import shutil
import signal

from tests.realcluster.cluster import RealCluster, freeze, real_cluster, thaw
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing

LONG_LEASE = {"lease_ttl": "30s", "gate": "22s", "kill": "24s", "deadman": "26s"}
"""So that a busy machine has the time to start an agent within it."""


def test_an_agent_that_is_restarted_within_its_lease_interrupts_nobody() -> None:
    """F8: the server runs on, the new agent adopts it and keeps the lease."""
    with real_cluster(config={"policy": LONG_LEASE}) as cluster:
        primary = cluster.wait_healthy()
        before, postmaster = cluster.record(), primary.postmaster
        with writing(cluster) as load:
            os.kill(primary.agent, signal.SIGKILL)
            primary.started[-1].wait()
            primary.start()
            eventually(lambda: cluster.record().lease_counter > before.lease_counter + 3, "the new agent renews")
            load.wait_writes()
        after = cluster.record()
        assert (after.holder, after.term) == (before.holder, before.term)
        assert primary.postmaster == postmaster
        assert not [write for write in load.history if write.detail]
        cluster.wait_healthy()
        assert_sound(cluster, load)


def test_a_primary_whose_dead_man_cannot_be_started_any_more_leaves_the_lead_to_another(cluster: RealCluster) -> None:
    """Something else lies where its socket belongs. Nobody is let in without it, and the agent lives and renews."""
    primary = cluster.primary()
    in_its_place = primary.root / "deadman.sock"
    with writing(cluster) as load:
        os.kill(primary.deadman, signal.SIGKILL)
        in_its_place.unlink()
        in_its_place.mkdir()
        (in_its_place / "in the way").touch()
        cluster.wait_serving(other_than=primary.name)
        load.wait_writes()
        assert any(entry.rule == "LEADS IN VAIN" for entry in primary.journal())
        shutil.rmtree(in_its_place)
        cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_dead_agent_s_server_is_killed_by_the_dead_man_and_another_leads(cluster: RealCluster) -> None:
    """F9: nobody restarts the agent. Its server must be gone before the lease has run out for the others."""
    orphan = cluster.primary()
    with writing(cluster) as load:
        os.kill(orphan.agent, signal.SIGKILL)
        cluster.wait_serving(other_than=orphan.name)
        assert not orphan.server
        load.wait_writes()
        orphan.start()
        cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_stopped_agent_is_replaced_and_follows_when_it_wakes(cluster: RealCluster) -> None:
    """F10: SIGSTOP for longer than the lease. Awake again it sees a higher term and comes back as a standby."""
    sleeper = cluster.primary()
    with writing(cluster) as load:
        freeze((sleeper.agent,))
        cluster.wait_serving(other_than=sleeper.name)
        load.wait_writes()
        thaw((sleeper.agent,))
        cluster.wait_healthy()
        load.wait_writes()
    assert cluster.primary() is not sleeper
    assert_sound(cluster, load)


def test_a_frozen_node_never_acknowledges_again_and_comes_back_as_a_standby(cluster: RealCluster) -> None:
    """F11: agent, dead-man and server frozen together, as a paused virtual machine is; then thawed."""
    frozen = cluster.primary()
    with writing(cluster) as load:
        frozen.freeze()
        cluster.wait_serving(other_than=frozen.name)
        load.wait_writes()
        frozen.thaw()
        cluster.wait_healthy()
        load.wait_writes()
    assert cluster.primary() is not frozen
    assert_sound(cluster, load)


def test_with_agent_and_dead_man_frozen_the_old_server_lives_but_no_commit_is_acknowledged(
    cluster: RealCluster,
) -> None:
    """F12: nobody is left to kill the old primary. Only the revocation keeps it from acknowledging."""
    old = cluster.primary()
    with writing(cluster) as load:
        freeze((old.agent, old.deadman))
        new = cluster.wait_serving(other_than=old.name)
        assert old.postmaster, "the old primary is alive"
        session = old.connect()
        try:
            waits = f"SELECT wait_event FROM pg_stat_activity WHERE pid = {session.info.backend_pid}"
            session.pgconn.send_query(f"INSERT INTO {load.table} VALUES ('written too late')".encode())
            eventually(lambda: old.value(waits, inside=True) == "SyncRep", "the commit on the old primary waits")
            new.sql("CREATE TABLE written_by_the_new_primary ()")
            assert old.value(waits, inside=True) == "SyncRep", "and goes on waiting"
        finally:
            session.pgconn.finish()
        thaw((old.agent, old.deadman))
        cluster.wait_healthy()
        load.wait_writes()
    assert cluster.primary() is new
    assert_sound(cluster, load)
