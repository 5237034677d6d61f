"""Replication slots: for members, not for those that left; and a standby whose WAL is gone is cloned anew."""

import signal

from tests.features.operator import configure, order
from tests.realcluster.cluster import PARAMETERS, RealCluster, slot_of
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing
from tests.signals import send

CLUSTER_CONFIG = {"postgresql": {"parameters": {**PARAMETERS, "max_slot_wal_keep_size": "32MB", "wal_keep_size": "0"}}}


def slots(node: RealNode) -> set[str]:
    return {str(row[0]) for row in node.sql("SELECT slot_name FROM pg_replication_slots")}


def clones(node: RealNode) -> int:
    """How many clones of this node were finished."""
    return sum(1 for entry in node.journal("Clone") if entry.sentence == "done")


def test_the_primary_has_a_slot_for_each_member_and_a_former_primary_none(cluster: RealCluster) -> None:
    old = cluster.primary()
    assert slots(old) == {slot_of(node) for node in cluster.standbys()}
    order(old, "switchover")
    new = cluster.wait_serving(other_than=old.name)
    cluster.wait_healthy()
    assert slots(new) == {slot_of(node) for node in cluster.standbys()}
    eventually(lambda: slots(old) == set(), "the former primary holds no WAL back")


def test_a_standby_whose_wal_is_gone_is_cloned_anew_by_itself(cluster: RealCluster) -> None:
    primary, standby = cluster.primary(), cluster.standbys()[0]
    before = clones(standby)
    standby.kill()
    with writing(cluster) as load:
        for _ in range(8):
            primary.sql("CREATE TABLE bulk AS SELECT repeat('x', 1000) FROM generate_series(1, 12000)")
            primary.sql("DROP TABLE bulk")
            primary.sql("SELECT pg_switch_wal()")
            primary.sql("CHECKPOINT")
        gone = f"dropped slot {slot_of(standby)}: the WAL it stood for is gone"
        eventually(lambda: [e for e in primary.journal("SLOTS") if e.sentence == gone], "the WAL that it needs is gone")
        standby.start()
        eventually(lambda: clones(standby) > before, "it is cloned", 60)
        cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_node_that_is_removed_loses_vote_membership_and_slot_and_can_come_back(cluster: RealCluster) -> None:
    primary = cluster.primary()
    leaves, stays = cluster.standbys()
    send((leaves.agent,), signal.SIGSTOP)  # so that it does nothing about it meanwhile
    leaves.kill()
    names = f"{primary.name},{stays.name}"
    assert configure(cluster, "mode", "quorum").done
    assert configure(cluster, "k", 1).done
    assert configure(cluster, "nodes", names).done
    eventually(lambda: {v.name for v in cluster.record().voters} == {stays.name}, "it is no voter")
    eventually(lambda: {m.name for m in cluster.record().members} == {primary.name, stays.name}, "it is no member")
    eventually(lambda: slots(primary) == {slot_of(stays)}, "its slot is gone")
    assert configure(cluster, "nodes", "n1,n2,n3").done
    leaves.start()
    cluster.wait_healthy()
