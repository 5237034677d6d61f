"""One real cluster for the tests of a module; a failed test tells what its cluster did."""

from collections.abc import Generator

import pytest

from tests.realcluster.cluster import RealCluster
from tests.realcluster.shared import STORY, cluster, shared_cluster

__all__ = ["cluster", "shared_cluster"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Also for a cluster that a module's own fixture made."""
    report = yield
    found = getattr(item, "funcargs", {}).get("cluster")
    if isinstance(found, RealCluster) and report.failed:
        story = found.story()
        report.sections.append(("what the cluster did", story))
        item.stash[STORY] = story
    return report
