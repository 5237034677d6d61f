"""What if one standby alone cannot reach the store?"""

from collections.abc import Iterator

import pytest

from tests.realcluster.cluster import RealCluster, real_cluster
from tests.realcluster.storeproxy import StoreProxy
from tests.realcluster.workload import assert_sound, writing

CUT_OFF = "n3"


@pytest.fixture
def proxied() -> Iterator[tuple[RealCluster, StoreProxy]]:
    """A healthy cluster whose third node reaches the store through a proxy."""
    with real_cluster(started=False) as cluster:
        proxy = StoreProxy(cluster.root / "proxy", cluster.store.directory)
        cluster[CUT_OFF].document["store"]["directory"] = str(proxy.directory)
        proxy.heal()
        try:
            cluster.start()
            cluster.wait_healthy()
            yield cluster, proxy
        finally:
            proxy.cut()


def test_a_standby_without_the_store_follows_the_next_primary_and_flushes_its_commits(
    proxied: tuple[RealCluster, StoreProxy],
) -> None:
    """The old primary stays dead, so no commit of the next one is acknowledged unless this very standby follows it;
    and it is elected only with this standby's vote."""
    cluster, proxy = proxied
    dead, standby = cluster.primary(), cluster[CUT_OFF]
    assert dead.name != CUT_OFF
    with writing(cluster) as load:
        proxy.cut()
        dead.kill()
        following = cluster.wait_serving(other_than=dead.name)
        assert following.name != CUT_OFF
        load.wait_writes()
        assert standby.journal("HEARSAY")
        assert standby.state.promise == cluster.record().term
        assert standby.value("SELECT sender_port FROM pg_stat_wal_receiver", inside=True) == following.port
        proxy.heal()
        dead.start()
        cluster.wait_healthy()
    assert_sound(cluster, load)
