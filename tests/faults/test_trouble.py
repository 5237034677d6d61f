"""What about a stopped startup process, a full disk, and a wrong password? (F5, F30, F69)"""

import os
import resource
import signal

import psutil

from tests.realcluster.cluster import RealCluster, freeze
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing
from tests.signals import send

HALF_A_SEGMENT = 8 * 1024 * 1024


def test_a_standby_whose_startup_process_is_stopped_votes_only_after_a_new_start(cluster: RealCluster) -> None:
    """F5: it cannot prove that it stopped receiving, so its vote is withheld; then it is killed and started blank."""
    primary = cluster.primary()
    stuck, _ = cluster.standbys()
    with writing(cluster) as load:
        freeze((stuck.titled("startup"),))
        primary.kill()
        cluster.wait_serving(other_than=primary.name)
        load.wait_writes()
        assert any("started anew, blank" in entry.sentence for entry in stuck.journal("REVOKE"))
        primary.start()
        cluster.wait_healthy()
    assert_sound(cluster, load)


def limit_files(node: RealNode, size: int) -> None:
    """Let no program that the agent starts from now on write beyond this offset of a file: like a full disk for log
    files of 16 MB. Only the soft limit changes, so that anybody may take it back; its running server is killed."""
    agent = psutil.Process(node.agent)
    _, hard = agent.rlimit(resource.RLIMIT_FSIZE)
    agent.rlimit(resource.RLIMIT_FSIZE, (size, hard))
    send(node.server, signal.SIGKILL)


def test_a_primary_that_cannot_write_its_log_is_replaced(cluster: RealCluster) -> None:
    """F30: it panics or cannot start, and gives the lease up; with room again it follows."""
    full = cluster.primary()
    with writing(cluster) as load:
        limit_files(full, HALF_A_SEGMENT)
        filling = "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 9000000))"
        eventually(lambda: full.value(filling, inside=True) is None and cluster.primary() is not full, "it gives up")
        cluster.wait_serving(other_than=full.name)
        load.wait_writes()
        limit_files(full, resource.RLIM_INFINITY)
        cluster.wait_healthy()
        load.wait_writes()
    assert "File too large" in (full.layout.log / "postgresql.log").read_text(errors="replace")
    assert_sound(cluster, load)


def test_a_standby_that_may_not_log_in_is_neither_rewound_nor_cloned(cluster: RealCluster) -> None:
    """F69: the replication password was changed behind our backs. The standby leaves the voters; its data stays."""
    primary, locked_out = cluster.primary(), cluster.standbys()[0]
    inode = locked_out.layout.data.stat().st_ino
    with writing(cluster) as load:
        primary.sql("ALTER ROLE howdah_replication PASSWORD 'another one'", inside=True)
        os.kill(locked_out.titled("walreceiver"), signal.SIGTERM)
        eventually(lambda: locked_out.name not in {v.name for v in cluster.record().voters}, "it leaves the voters")
        load.wait_writes()
        primary.sql("ALTER ROLE howdah_replication PASSWORD 'replication-password'", inside=True)
        cluster.wait_healthy()
        load.wait_writes()
    assert locked_out.layout.data.stat().st_ino == inode
    assert cluster.primary() is primary
    assert_sound(cluster, load)
