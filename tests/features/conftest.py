"""One real cluster for the tests of a module."""

from tests.realcluster.shared import cluster, pytest_runtest_makereport, shared_cluster

__all__ = ["cluster", "pytest_runtest_makereport", "shared_cluster"]
