"""One real cluster for the tests of a module, replaced when a test left it broken.

In a conftest.py: `from tests.realcluster.shared import cluster, shared_cluster, pytest_runtest_makereport`.
"""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.realcluster.cluster import RealCluster

STORY: pytest.StashKey[str] = pytest.StashKey()


class SharedCluster:
    """Makes the cluster when it is first wanted, and again when the one at hand does not get healthy."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self.current: RealCluster | None = None

    def healthy(self) -> RealCluster:
        """A cluster in which every node does what it should."""
        if self.current is None:
            self.current = RealCluster(config=self._config)
            self.current.start()
        self.current.wait_healthy()
        return self.current

    def drop(self) -> None:
        """End it; the next test gets a new one."""
        broken, self.current = self.current, None
        if broken is not None:
            broken.close()


@pytest.fixture(scope="module")
def shared_cluster(request: pytest.FixtureRequest) -> Iterator[SharedCluster]:
    """The module's cluster; `CLUSTER_CONFIG` in the module is merged into the cluster's settings."""
    shared = SharedCluster(getattr(request.module, "CLUSTER_CONFIG", {}))
    try:
        yield shared
    finally:
        shared.drop()


@pytest.fixture
def cluster(shared_cluster: SharedCluster, request: pytest.FixtureRequest) -> Iterator[RealCluster]:
    """A healthy cluster of three nodes."""
    found = shared_cluster.healthy()
    yield found
    if request.node.stash.get(STORY, ""):
        shared_cluster.drop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure is told with what every agent decided and did."""
    report = yield
    shared = getattr(item, "funcargs", {}).get("shared_cluster")
    if isinstance(shared, SharedCluster) and shared.current is not None and report.failed:
        story = shared.current.story()
        report.sections.append(("what the cluster did", story))
        item.stash[STORY] = story
    return report
