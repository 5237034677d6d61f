"""A real cluster for the modules that ask for one, healthy at the start of each test; one server for logins."""

from tests.realcluster.shared import cluster, pytest_runtest_makereport, shared_cluster
from tests.router.loginfarm import authority, server, sockets, tls_server
from tests.router.lonerouter import lone

__all__ = [
    "authority",
    "cluster",
    "lone",
    "pytest_runtest_makereport",
    "server",
    "shared_cluster",
    "sockets",
    "tls_server",
]
