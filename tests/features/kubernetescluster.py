"""A real cluster whose record is kept by a real Kubernetes API server, and whose agents steer a Service there.

No nodes and no pods: the agents run beside the API server, and the addresses of their pods are made up.
"""

import asyncio
import signal
from pathlib import Path

from howdah.agent.keeper import RECORD
from howdah.cluster.record import Record, read_record
from howdah.stores.http import JsonObject
from howdah.stores.kubernetes.api import Deed, KubernetesApi, NotThere
from howdah.stores.kubernetes.client import KubernetesStore
from tests.realcluster.cluster import RealCluster, StoreServer
from tests.signals import send
from tests.stores.kubernetesrig import ADMIN, ApiServerProcess, api_server_program

SERVICE = "db"
ADDRESSES = {"n1": "10.9.0.1", "n2": "10.9.0.2", "n3": "10.9.0.3"}


class ApiServer(StoreServer):
    """One API server and its etcd, in the place of the store's process."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        directory.mkdir()
        self.process = ApiServerProcess(directory)

    def start(self) -> None:
        """Start it; returns once it answers."""
        self.process.start()

    def send(self, number: signal.Signals) -> None:
        """Signal it; after SIGKILL it is gone when this returns, and its etcd with it."""
        if number is signal.SIGKILL:
            self.process.kill()
        elif self.process.running:
            send((self.process.pid,), number)

    def record(self) -> Record | None:
        """The cluster's record. Raises StoreUnavailable."""
        return asyncio.run(self._record())

    def standing(self) -> list[str] | None:
        """The addresses behind the Service of the primary; None before anybody wrote them. Raises StoreUnavailable."""
        deed = Deed("get", "discovery.k8s.io", "endpointslices", "default", f"{SERVICE}-ipv4")
        try:
            found = asyncio.run(self._get(deed))
        except NotThere:
            return None
        return [address for endpoint in found.get("endpoints") or [] for address in endpoint["addresses"]]

    def events(self) -> list[JsonObject]:
        """Every Event. Raises StoreUnavailable."""
        found: list[JsonObject] = asyncio.run(self._get(Deed("list", "", "events", "default")))["items"]
        return found

    def delete(self, document: str) -> None:
        """Delete it by hand."""
        asyncio.run(self._delete(Deed("delete", "", "configmaps", "default", f"test-{document}")))

    async def _delete(self, deed: Deed) -> None:
        api = KubernetesApi(self.process.settings(timeout_ms=2_000))
        try:
            await api.write(deed, "DELETE", None)
        finally:
            await api.close()

    async def _record(self) -> Record | None:
        store = KubernetesStore(self.process.settings(timeout_ms=2_000))
        try:
            found = await store.read(RECORD)
        finally:
            await store.close()
        return read_record(found.text) if found else None

    async def _get(self, deed: Deed) -> JsonObject:
        api = KubernetesApi(self.process.settings(timeout_ms=2_000))
        try:
            return await api.read(deed)
        finally:
            await api.close()


class KubernetesCluster(RealCluster):
    """The same cluster, on the Kubernetes API."""

    def __init__(self) -> None:
        api_server_program()  # where there is none the test is skipped, before anything is started
        super().__init__()
        self.api = ApiServer(self.root / "store")
        self.store = self.api
        for name, node in self.nodes.items():
            node.document["store"] = {
                "kind": "kubernetes",
                "namespace": "default",
                "prefix": "test-",
                "api": self.api.process.address,
                "ca_file": str(self.api.process.authority.file),
                "token_file": str(self.api.process.token_file(ADMIN)),
            }
            node.document["kubernetes"] = {"primary_service": SERVICE, "pod_ip": ADDRESSES[name]}
