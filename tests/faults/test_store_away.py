"""What if the store does not answer, or has lost everything? (F23, F24, F28)"""

import shutil
import signal
import time

from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import Workload, assert_sound, writing

LEASES = 2
LEASE_S = 5.0


def test_while_the_store_is_stopped_or_dead_writes_go_on_and_nobody_changes_role(cluster: RealCluster) -> None:
    """F23: k voters confirm that they are not revoked, for much longer than the lease; then the store is back."""
    before = cluster.record()
    with writing(cluster) as load:
        cluster.store.send(signal.SIGSTOP)
        _write_for(LEASES * LEASE_S, load)
        cluster.store.send(signal.SIGCONT)
        eventually(lambda: cluster.record().lease_counter > before.lease_counter, "the holder renews again")
        cluster.store.send(signal.SIGKILL)
        _write_for(LEASES * LEASE_S, load)
        cluster.store.start()
        eventually(lambda: cluster.record().lease_counter > before.lease_counter + 2, "the holder renews again")
        load.wait_writes()
    after = cluster.record()
    assert (after.holder, after.term, after.generation) == (before.holder, before.term, before.generation)
    cluster.wait_healthy()
    assert_sound(cluster, load)


def _write_for(seconds: float, load: Workload) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        load.wait_writes(20)
        time.sleep(0.2)


def test_without_the_store_nobody_is_promoted_until_it_is_back(cluster: RealCluster) -> None:
    """F24: the primary dies while the store is away: safe and unavailable; the store returns, and somebody leads."""
    dead = cluster.primary()
    with writing(cluster) as load:
        cluster.store.send(signal.SIGKILL)
        dead.kill()
        others = [node for node in cluster.nodes.values() if node is not dead]
        end = time.monotonic() + LEASE_S + 3
        while time.monotonic() < end:
            assert not any(node.value("SELECT NOT pg_is_in_recovery()", inside=True) for node in others)
            time.sleep(0.2)
        cluster.store.start()
        cluster.wait_serving(other_than=dead.name)
        load.wait_writes()
        dead.start()
        cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_wiped_store_is_filled_again_by_the_holder_that_serves(cluster: RealCluster) -> None:
    """F28: the store has forgotten everything. No new cluster begins over existing data; the serving holder, whose
    voters confirm it, writes the record again, one generation up."""
    before = cluster.record()
    systems = {node.name: node.state.system_identifier for node in cluster.nodes.values()}
    with writing(cluster) as load:
        cluster.store.send(signal.SIGKILL)
        shutil.rmtree(cluster.store.directory)
        cluster.store.start()
        eventually(lambda: cluster.store.record(), "the record is there again")
        load.wait_writes()
    after = cluster.record()
    assert (after.holder, after.term) == (before.holder, before.term)
    assert after.generation > before.generation
    assert {node.name: node.state.system_identifier for node in cluster.nodes.values()} == systems
    cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_wiped_store_and_a_dead_node_make_nobody_primary(cluster: RealCluster) -> None:
    """F28: with no server serving, copies of the record may all be old: every server has to be there first."""
    primary = cluster.primary()
    first, second = cluster.standbys()
    with writing(cluster) as load:
        for node in cluster.nodes.values():
            node.freeze()
        for node in cluster.nodes.values():
            node.kill()
        cluster.store.send(signal.SIGKILL)
    shutil.rmtree(cluster.store.directory)
    cluster.store.start()
    first.start()
    second.start()
    eventually(
        lambda: any(e.rule == "RECORD LOST" and primary.name in e.sentence for e in first.journal()),
        f"it says that {primary.name} is missing",
    )
    assert cluster.store.record() is None
    assert not first.writable()
    assert not second.writable()
    primary.start()
    cluster.wait_serving()
    cluster.wait_healthy()
    assert_sound(cluster, load)
