"""A whole cluster's life with its record on the Kubernetes API: who stands behind its Service, and what if the API is
away?"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from howdah.cli.checks.finding import Level
from howdah.cli.checks.store import check_store
from howdah.configuration.load import load_agent
from howdah.ports.store import StoreUnavailable
from tests.features.kubernetescluster import ADDRESSES, KubernetesCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def started() -> Iterator[KubernetesCluster]:
    cluster = KubernetesCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def cluster(started: KubernetesCluster) -> KubernetesCluster:
    started.wait_healthy()
    return started


def stands(cluster: KubernetesCluster, name: str) -> bool:
    """Whether this node alone stands behind the Service."""
    try:
        return cluster.api.standing() == [ADDRESSES[name]]
    except StoreUnavailable:
        return False


def test_a_cluster_begins_on_kubernetes_and_its_service_follows_the_primary(cluster: KubernetesCluster) -> None:
    before = cluster.record()
    eventually(lambda: stands(cluster, "n1"), "n1 stands behind the Service")
    with writing(cluster) as load:
        cluster["n1"].kill()
        new = cluster.wait_serving(other_than="n1").name
        eventually(lambda: stands(cluster, new), "the new primary stands behind the Service")
        load.wait_writes()
        cluster["n1"].start()
        cluster.wait_healthy()
    assert_sound(cluster, load)
    assert cluster.record().term > before.term
    assert stands(cluster, cluster.primary().name)
    reasons = {event["reason"] for event in cluster.api.events()}
    assert {"RolePrimary", "RoleStandby"} <= reasons


def test_an_api_server_that_is_stopped_interrupts_nobody(cluster: KubernetesCluster) -> None:
    before = cluster.record()
    lease_s = 5
    with writing(cluster) as load:
        cluster.api.send(signal.SIGKILL)
        time.sleep(2 * lease_s)
        load.wait_writes()
        cluster.api.start()
        eventually(lambda: cluster.record().lease_counter > before.lease_counter + 1, "the lease is renewed again")
        load.wait_writes()
    assert_sound(cluster, load)
    assert cluster.record().basis == before.basis
    assert load.outage() < 1
    assert stands(cluster, before.holder.name)


def test_an_api_server_that_hangs_interrupts_nobody(cluster: KubernetesCluster) -> None:
    before = cluster.record()
    lease_s = 5
    with writing(cluster) as load:
        cluster.api.send(signal.SIGSTOP)
        try:
            time.sleep(2 * lease_s)
            load.wait_writes()
        finally:
            cluster.api.send(signal.SIGCONT)
        load.wait_writes()
    assert_sound(cluster, load)
    assert cluster.record().basis == before.basis


def test_a_record_that_was_deleted_by_hand_is_written_again_by_the_primary_that_serves(
    cluster: KubernetesCluster,
) -> None:
    before = cluster.record()
    with writing(cluster) as load:
        cluster.api.delete("record")
        eventually(lambda: cluster.api.record() is not None, "the record is written again")
        load.wait_writes()
    assert_sound(cluster, load)
    after = cluster.record()
    assert (after.term, after.holder, after.generation) == (before.term, before.holder, before.generation + 1)


def test_doctor_finds_nothing_wrong_and_names_rights_that_are_missing(
    cluster: KubernetesCluster, tmp_path: Path
) -> None:
    settings = load_agent(cluster["n1"].config_file, {}).settings
    found = list(check_store(settings, running=True))
    assert [finding.level for finding in found] == [Level.OK], found
    assert "kubernetes answers; " in found[0].sentence
    token = tmp_path / "token"
    token.write_text("nobody-token")
    store = settings.store.model_copy(update={"token_file": token})
    (refused,) = check_store(settings.model_copy(update={"store": store}), running=True)
    assert refused.level is Level.FAIL
    assert "may not get configmaps test-record in namespace default" in refused.sentence
    assert "may not patch configmaps test-node-n3 in namespace default" in refused.sentence
    assert "may not create events in namespace default" in refused.sentence


def test_a_stopped_primary_leaves_nobody_behind_the_service_of_a_cluster_that_is_down(
    cluster: KubernetesCluster,
) -> None:
    for node in cluster.standbys():
        node.kill()
    cluster.primary().stop()
    assert cluster.api.standing() == []
    for node in cluster.nodes.values():
        node.start()
    name = cluster.wait_healthy().name
    eventually(lambda: stands(cluster, name), "the primary stands behind the Service again")
