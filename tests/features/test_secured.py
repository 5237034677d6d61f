"""A whole cluster's life as in production: three etcd members, and TLS on every connection of the agents."""

import asyncio
import signal
import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.features.etcdcluster import SecuredCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing


@pytest.fixture(scope="module")
def started() -> Iterator[SecuredCluster]:
    cluster = SecuredCluster()
    try:
        cluster.start()
        yield cluster
    except BaseException as error:
        error.add_note(cluster.story())
        raise
    finally:
        cluster.close()


@pytest.fixture
def cluster(started: SecuredCluster) -> SecuredCluster:
    started.wait_healthy()
    return started


def test_rest_and_peers_speak_tls_and_the_primary_s_death_costs_no_commit(cluster: SecuredCluster) -> None:
    checks = ssl.create_default_context(cafile=cluster.trio.authority.file)
    primary = cluster.primary()
    url = f"https://127.0.0.1:{primary.api_port}/health"
    assert httpx.get(url, verify=checks, trust_env=False).json()["name"] == primary.name
    with pytest.raises(httpx.HTTPError):
        httpx.get(url.replace("https", "http"), trust_env=False)
    with writing(cluster) as load:
        primary.kill()
        cluster.wait_serving(other_than=primary.name)
        load.wait_writes()
        primary.start()
        cluster.wait_healthy()
    assert_sound(cluster, load)


def test_etcd_s_leader_dies_and_the_agents_go_on_at_another_member(cluster: SecuredCluster) -> None:
    before = cluster.record()
    with writing(cluster) as load:
        dead = asyncio.run(cluster.trio.leader())
        cluster.trio.members[dead].kill()
        try:
            eventually(lambda: cluster.record().lease_counter > before.lease_counter + 5, "the lease is renewed")
            load.wait_writes()
            assert cluster.record().basis == before.basis
            primary = cluster.primary()
            primary.kill()
            cluster.wait_serving(other_than=primary.name)
            load.wait_writes()
            primary.start()
        finally:
            cluster.trio.members[dead].start()
        asyncio.run(cluster.trio.answers())
        cluster.wait_healthy()
    assert_sound(cluster, load)


def test_without_etcd_s_quorum_the_primary_goes_on_and_nobody_is_elected(cluster: SecuredCluster) -> None:
    before = cluster.record()
    lease_s = 5
    with writing(cluster) as load:
        for name in ("e1", "e3"):
            cluster.trio.send(name, signal.SIGSTOP)
        try:
            load.wait_writes(int(100 * 8 * lease_s * 1.4))  # far beyond the lease
        finally:
            for name in ("e1", "e3"):
                cluster.trio.send(name, signal.SIGCONT)
        load.wait_writes()
        cluster.wait_healthy()
    assert_sound(cluster, load)
    after = cluster.record()
    assert (after.term, after.holder) == (before.term, before.holder)
