"""What if a data directory is deleted, damaged, or lacks log that nobody has any more? (F36, F37, F38, F39)"""

import shutil
import time

from tests.realcluster.cluster import RealCluster, slot_of
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing

CLUSTER_CONFIG = {
    "postgresql": {
        "parameters": {
            "dynamic_shared_memory_type": "mmap",
            "shared_buffers": "16MB",
            "max_connections": "60",
            "max_slot_wal_keep_size": "32MB",
            "min_wal_size": "32MB",
            "max_wal_size": "64MB",
        }
    }
}
"""A dead standby is given up after 32 MB of log, so that this test need not write gigabytes."""


def test_a_standby_whose_log_is_gone_from_the_primary_is_cloned_anew(cluster: RealCluster) -> None:
    """F36: its slot is lost, so it can never stream again."""
    primary, behind = cluster.primary(), cluster.standbys()[0]
    lost = (
        f"SELECT wal_status IN ('lost', 'unreserved') FROM pg_replication_slots WHERE slot_name = '{slot_of(behind)}'"
    )
    with writing(cluster) as load:
        behind.kill()
        clones = len(behind.journal("CLONE"))
        while primary.value(lost) is False:
            primary.sql("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 8000000)), pg_switch_wal()")
            primary.sql("CHECKPOINT")
        primary.sql("CHECKPOINT")
        behind.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert len(behind.journal("CLONE")) > clones
    assert_sound(cluster, load)


def test_a_data_directory_deleted_under_a_standby_is_cloned_again(cluster: RealCluster) -> None:
    """F37: the primary and the other standby hold everything it held."""
    before, standby = cluster.record(), cluster.standbys()[0]
    clones = len(standby.journal("CLONE"))
    with writing(cluster) as load:
        shutil.rmtree(standby.layout.data, ignore_errors=True)
        eventually(lambda: len(standby.journal("CLONE")) > clones, "it is cloned", 60)
        cluster.wait_healthy()
        load.wait_writes()
    assert cluster.record().holder == before.holder
    assert_sound(cluster, load)


def test_a_data_directory_deleted_under_the_primary_costs_a_failover(cluster: RealCluster) -> None:
    """F38: its walsenders and backends live on without a directory: they are killed before anybody else leads."""
    primary = cluster.primary()
    with writing(cluster) as load:
        shutil.rmtree(primary.layout.data, ignore_errors=True)
        cluster.wait_serving(other_than=primary.name)
        load.wait_writes()
        cluster.wait_healthy()
        load.wait_writes()
    assert primary.journal("CLONE")
    assert_sound(cluster, load)


def test_the_last_copy_is_never_wiped_whatever_is_wrong_with_it(cluster: RealCluster) -> None:
    """F39: both standbys' directories are away and the primary's control file is damaged. Nothing is initialised and
    nothing removed; once all is back, everything is."""
    primary, standbys = cluster.primary(), cluster.standbys()
    with writing(cluster) as load:
        pass
    for node in cluster.nodes.values():
        node.freeze()
    for node in cluster.nodes.values():
        node.kill()
    for node in standbys:
        node.layout.data.rename(node.root / "away")
    control = primary.layout.data / "global" / "pg_control"
    intact = control.read_bytes()
    control.write_bytes(bytes(len(intact)))
    inode = primary.layout.data.stat().st_ino
    for node in cluster.nodes.values():
        node.start()
    eventually(lambda: all(len(node.journal()) > 3 for node in cluster.nodes.values()), "every agent decides")
    time.sleep(8)  # longer than a lease
    assert primary.layout.data.stat().st_ino == inode
    assert not any(node.layout.data.exists() for node in standbys), "nobody initialises over a lost cluster"
    assert primary.processes
    for node in cluster.nodes.values():
        node.kill()
    control.write_bytes(intact)
    for node in standbys:
        (node.root / "away").rename(node.layout.data)
    for node in cluster.nodes.values():
        node.start()
    cluster.wait_healthy()
    assert_sound(cluster, load)
