"""A whole cluster's life with its record on etcd."""

import signal
from collections.abc import Iterator

import pytest

from tests.features.etcdcluster import EtcdCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing


@pytest.fixture(scope="module")
def started() -> Iterator[EtcdCluster]:
    cluster = EtcdCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def cluster(started: EtcdCluster) -> EtcdCluster:
    started.wait_healthy()
    return started


def test_a_cluster_begins_on_etcd_and_survives_its_primary(cluster: EtcdCluster) -> None:
    before = cluster.record()
    assert (before.holder.name, before.k, len(before.voters)) == ("n1", 1, 2)
    with writing(cluster) as load:
        cluster["n1"].kill()
        cluster.wait_serving(other_than="n1")
        load.wait_writes()
        cluster["n1"].start()
        cluster.wait_healthy()
    assert_sound(cluster, load)
    assert cluster.record().term > before.term


def test_a_restarted_etcd_interrupts_nobody(cluster: EtcdCluster) -> None:
    before = cluster.record()
    with writing(cluster) as load:
        cluster.etcd.send(signal.SIGKILL)
        load.wait_writes()
        cluster.etcd.start()
        eventually(lambda: cluster.record().lease_counter > before.lease_counter + 1, "the lease is renewed again")
        load.wait_writes()
    assert_sound(cluster, load)
    assert cluster.record().basis == before.basis
    assert load.outage() < 2


def test_while_etcd_hangs_the_primary_goes_on_by_its_voters_word(cluster: EtcdCluster) -> None:
    before = cluster.record()
    lease_s = 5
    with writing(cluster) as load:
        cluster.etcd.send(signal.SIGSTOP)
        try:
            load.wait_writes(int(100 * 8 * lease_s * 1.4))  # far beyond the lease
        finally:
            cluster.etcd.send(signal.SIGCONT)
        load.wait_writes()
    assert_sound(cluster, load)
    assert cluster.record().basis == before.basis


def test_an_etcd_that_was_wiped_gets_the_record_back_from_the_primary_that_serves(cluster: EtcdCluster) -> None:
    before = cluster.record()
    with writing(cluster) as load:
        cluster.etcd.send(signal.SIGKILL)
        cluster.etcd.wipe()
        cluster.etcd.start()
        eventually(lambda: cluster.etcd.record() is not None, "the record is written again")
        load.wait_writes()
    assert_sound(cluster, load)
    after = cluster.record()
    assert (after.term, after.holder, after.voters, after.k) == (before.term, before.holder, before.voters, before.k)
    assert after.generation == before.generation + 1
    # The operator's settings come back too, and a failover works on what was written.
    eventually(lambda: cluster.etcd.read("config"), "the cluster's settings are written again")
    cluster.primary().kill()
    cluster.wait_serving(other_than=before.holder.name)
    cluster[before.holder.name].start()


def test_an_etcd_that_went_back_deposes_nobody_and_is_set_right_by_the_primary_that_serves(
    cluster: EtcdCluster,
) -> None:
    cluster.etcd.send(signal.SIGKILL)
    cluster.etcd.back_up()
    cluster.etcd.start()
    cluster.wait_healthy()
    old = cluster.primary()
    old.kill()
    cluster.wait_serving(other_than=old.name)
    old.start()
    cluster.wait_healthy()
    before = cluster.record()
    with writing(cluster) as load:
        cluster.etcd.send(signal.SIGKILL)
        cluster.etcd.put_back()
        cluster.etcd.start()
        eventually(lambda: cluster.record().generation > before.generation, "the record is set right")
        load.wait_writes()
    assert_sound(cluster, load)
    after = cluster.record()
    assert (after.term, after.holder, after.voters, after.k) == (before.term, before.holder, before.voters, before.k)
    assert [entry for entry in cluster.primary().journal("RECORD LOST") if "went back to an old copy" in entry.sentence]
