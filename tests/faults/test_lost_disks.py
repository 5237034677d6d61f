"""What if disks of voters are lost that are needed for k? New ones take their places, and no commit is lost."""

import shutil
import time

import psycopg
import pytest

from tests.features.operator import explained
from tests.realcluster.cluster import PARAMETERS, RealCluster, real_cluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing

CLUSTER_CONFIG = {"postgresql": {"parameters": {**PARAMETERS, "max_connections": "400"}}}
"""While commits wait, clients that give up leave backends behind; they are superusers here, so nothing is reserved."""


def lose_disk(node: RealNode) -> None:
    """Data, identity, promises: all that the node ever had."""
    assert not node.processes
    shutil.rmtree(node.root)


def voter_ids(cluster: RealCluster) -> dict[str, str]:
    return {voter.name: voter.id for voter in cluster.record().voters}


def test_both_standbys_disks_are_lost_at_once_and_writes_come_back_by_themselves(cluster: RealCluster) -> None:
    primary, standbys = cluster.primary(), cluster.standbys()
    before, old = cluster.record(), voter_ids(cluster)
    assert set(old) == {node.name for node in standbys}
    with writing(cluster) as load:
        for node in standbys:
            node.freeze()  # so that no voter is dropped before the other is gone
        for node in standbys:
            node.kill()
            lose_disk(node)
        eventually(
            lambda: "writes wait until 1 of the voters" in explained(primary), "the primary says that writes wait"
        )
        time.sleep(4)  # longer than a dead voter is waited for: neither may be dropped
        assert voter_ids(cluster) == old
        acknowledged = load.acknowledged
        time.sleep(1)
        assert load.acknowledged == acknowledged
        first, second = standbys
        first.start()
        load.wait_writes()
        assert voter_ids(cluster)[first.name] != old[first.name]
        second.start()
        cluster.wait_healthy()
        load.wait_writes()
    after = cluster.record()
    assert after.holder == before.holder
    assert after.term > before.term
    assert not set(voter_ids(cluster).values()) & set(old.values())
    assert_sound(cluster, load)
    # What they flushed since counts: the primary may go now.
    primary.kill()
    cluster.wait_serving(other_than=primary.name)
    assert_sound(cluster, load, standbys=False)
    primary.start()
    cluster.wait_healthy()


def test_superusers_who_gave_up_hold_every_connection_and_a_lost_disk_s_place_still_passes_on() -> None:
    """Their commits wait for a flush, and so do their backends, reserved connections and all. The proofs by which the
    new disk gets the place need connections as new as ever."""
    with real_cluster() as cluster:
        primary, standbys = cluster.wait_healthy(), cluster.standbys()
        primary.sql("CREATE TABLE of_many (value int)")
        for node in standbys:
            node.freeze()  # so that no voter is dropped before the other is gone
        for node in standbys:
            node.kill()
            lose_disk(node)
        left = leave_commits(primary)
        assert left > int(PARAMETERS["max_connections"]) // 2
        with pytest.raises(psycopg.OperationalError, match=r"too many clients|reserved"):
            primary.sql("SELECT 1")
        standbys[0].start()
        eventually(primary.writable, "the new disk has the place, and connections are free again")
        assert cluster.primary() is primary
        eventually(lambda: primary.value("SELECT count(*) FROM of_many") == left, "every one of them is there")
        standbys[1].start()
        cluster.wait_healthy()


def leave_commits(primary: RealNode) -> int:
    """Sessions that commit and are closed at once, until the server takes no more; how many committed."""
    count = 0
    while True:
        try:
            session = primary.connect()
        except psycopg.OperationalError:
            return count
        session.pgconn.send_query(b"INSERT INTO of_many VALUES (1)")
        while session.pgconn.flush():
            pass
        session.close()
        count += 1


def test_the_only_voter_s_disk_is_lost_after_the_other_was_dropped(cluster: RealCluster) -> None:
    primary, (dropped, only) = cluster.primary(), cluster.standbys()
    with writing(cluster) as load:
        dropped.kill()
        eventually(lambda: set(voter_ids(cluster)) == {only.name}, "a dead voter is dropped")
        old = voter_ids(cluster)
        load.wait_writes()
        only.kill()
        lose_disk(only)
        only.start()
        load.wait_writes()
        assert voter_ids(cluster)[only.name] != old[only.name]
        lose_disk(dropped)
        dropped.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert cluster.primary() is primary
    assert_sound(cluster, load)


def test_four_of_five_disks_are_lost_and_k_stays_2() -> None:
    with real_cluster(("n1", "n2", "n3", "n4", "n5"), CLUSTER_CONFIG) as cluster:
        cluster.wait_healthy()
        standbys, old = cluster.standbys(), voter_ids(cluster)
        with writing(cluster) as load:
            for node in standbys:
                node.freeze()
            for node in standbys:
                node.kill()
                lose_disk(node)
            for node in standbys[:2]:
                node.start()
            load.wait_writes()
            assert cluster.record().k == 2
            for node in standbys[2:]:
                node.start()
            cluster.wait_healthy()
            load.wait_writes()
        assert not set(voter_ids(cluster).values()) & set(old.values())
        assert_sound(cluster, load)
