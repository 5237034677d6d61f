"""What if everything loses power, and comes back in whatever order? (F40, F41)"""

import itertools
import signal
import time

import pytest

from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing

ORDERS = tuple(itertools.permutations(("the primary", "a voter", "the other voter")))


def power_off(cluster: RealCluster) -> None:
    """Every node at once, and the store."""
    for node in cluster.nodes.values():
        node.freeze()  # so that nobody sees another one die first
    for node in cluster.nodes.values():
        node.kill()
    cluster.store.send(signal.SIGKILL)


@pytest.mark.parametrize("order", ORDERS, ids=", then ".join)
def test_after_a_power_off_nodes_may_return_in_any_order(cluster: RealCluster, order: tuple[str, ...]) -> None:
    """F40: writable again once there are enough; every acknowledged commit is there; a second node is enough."""
    standbys = cluster.standbys()
    roles = {"the primary": cluster.primary(), "a voter": standbys[0], "the other voter": standbys[1]}
    with writing(cluster) as load:
        power_off(cluster)
    cluster.store.start()
    first, second, third = (roles[role] for role in order)
    first.start()
    eventually(lambda: first.value("SELECT 1", inside=True), f"{first.name} starts")
    assert not first.writable(), "one alone cannot know that it has every acknowledged commit flushed by a quorum"
    second.start()
    cluster.wait_serving()
    third.start()
    cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_stale_server_that_is_no_voter_stays_read_only_alone(cluster: RealCluster) -> None:
    """F41: it was away for long, was dropped from the voters, and returns first: for ever read-only."""
    stale, other = cluster.standbys()
    with writing(cluster) as load:
        stale.kill()
        eventually(lambda: stale.name not in {v.name for v in cluster.record().voters}, "it is dropped")
        load.wait_writes()
        power_off(cluster)
    cluster.store.start()
    stale.start()
    eventually(lambda: stale.value("SELECT pg_is_in_recovery()", inside=True), "it runs in recovery")
    eventually(lambda: any("not a voter" in e.sentence for e in stale.journal()), "it says why it does not lead")
    for _ in range(20):
        assert stale.value("SELECT pg_is_in_recovery()", inside=True) is True
        time.sleep(0.1)
    for node in cluster.nodes.values():
        if node is not stale:
            node.start()
    cluster.wait_healthy()
    assert other.agent
    assert_sound(cluster, load)
