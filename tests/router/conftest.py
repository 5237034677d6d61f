"""A real cluster for the modules that ask for one, healthy at the start of each test."""

from tests.realcluster.shared import cluster, pytest_runtest_makereport, shared_cluster

__all__ = ["cluster", "pytest_runtest_makereport", "shared_cluster"]
