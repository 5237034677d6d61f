"""A real cluster whose record is kept by a real etcd."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from howdah.agent.keeper import RECORD
from howdah.cluster.record import Record, read_record
from howdah.ports.store import StoreUnavailable
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.etcd.server import LocalEtcd
from howdah.stores.settings import EtcdSettings
from tests.realcluster.cluster import RealCluster, StoreServer
from tests.realcluster.processes import eventually
from tests.stores.etcdtrio import EtcdTrio


class EtcdServer(StoreServer):
    """One etcd, in the place of the store's process."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.etcd = LocalEtcd(directory)

    @property
    def endpoint(self) -> str:
        """Its address for clients."""
        return self.etcd.ports.endpoint

    def start(self) -> None:
        """Start it; returns once it answers."""
        self.etcd.start()
        eventually(self._answers_now, "etcd answers")

    def _answers_now(self) -> bool:
        try:
            self.read(RECORD)
        except StoreUnavailable:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Signal it; after SIGKILL it is gone when this returns."""
        if self.etcd.pid is not None and number is not signal.SIGKILL:
            os.kill(self.etcd.pid, number)
        elif self.etcd.pid is not None:
            self.etcd.kill()

    def wipe(self) -> None:
        """Lose everything that it knew. It must be stopped."""
        shutil.rmtree(self.directory / "data")

    def back_up(self) -> None:
        """Keep a copy. It must be stopped."""
        shutil.copytree(self.directory / "data", self.directory / "copy")

    def put_back(self) -> None:
        """Go back to the copy. It must be stopped."""
        self.wipe()
        shutil.copytree(self.directory / "copy", self.directory / "data")

    def record(self) -> Record | None:
        """The cluster's record. Raises StoreUnavailable."""
        text = self.read(RECORD)
        return read_record(text) if text is not None else None

    def read(self, name: str) -> str | None:
        """One document's text. Raises StoreUnavailable."""
        return asyncio.run(self._read_now(name))

    async def _read_now(self, name: str) -> str | None:
        store = EtcdStore(EtcdSettings((self.endpoint,), "test", request_timeout_ms=2000))
        try:
            found = await store.read(name)
        finally:
            await store.close()
        return found.text if found else None


class EtcdCluster(RealCluster):
    """The same cluster, on etcd."""

    def __init__(self, names: tuple[str, ...] = ("n1", "n2", "n3"), config: Mapping[str, Any] | None = None) -> None:
        super().__init__(names, config)
        self.etcd = EtcdServer(self.root / "store")
        self.store = self.etcd
        for node in self.nodes.values():
            node.document["store"] = {"kind": "etcd", "endpoints": [self.etcd.endpoint]}


class TrioServer(StoreServer):
    """Three etcd members that speak TLS, in the place of the store's process."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.trio = EtcdTrio(directory)

    def start(self) -> None:
        """Start all of them; returns once they answer."""
        self.trio.start()

    def send(self, number: signal.Signals) -> None:
        """Signal all of them; after SIGKILL they are gone when this returns."""
        if number is signal.SIGKILL:
            self.trio.close()
            return
        for name in self.trio.members:
            self.trio.send(name, number)

    def record(self) -> Record | None:
        """The cluster's record. Raises StoreUnavailable."""
        return asyncio.run(self._record())

    async def _record(self) -> Record | None:
        store = EtcdStore(self.trio.settings(timeout_ms=5000))
        try:
            found = await store.read(RECORD)
        finally:
            await store.close()
        return read_record(found.text) if found else None


class SecuredCluster(RealCluster):
    """The same cluster as in production: three etcd members, and every connection of the agents is TLS."""

    def __init__(self) -> None:
        super().__init__()
        server = TrioServer(self.root / "store")
        self.trio, self.store = server.trio, server
        authority, client = self.trio.authority, self.trio.client
        for name, node in self.nodes.items():
            node.document["store"] = {
                "kind": "etcd",
                "endpoints": list(self.trio.endpoints),
                "ca_file": str(authority.file),
                "cert_file": str(client.certificate),
                "key_file": str(client.key),
            }
            own = authority.issue(name)
            node.document["api"] |= {
                "cert_file": str(own.certificate),
                "key_file": str(own.key),
                "ca_file": str(authority.file),
            }


@contextlib.contextmanager
def etcd_cluster() -> Iterator[EtcdCluster]:
    """A started cluster; when the block fails, the error carries the cluster's story."""
    cluster = EtcdCluster()
    try:
        cluster.start()
        yield cluster
    except BaseException as error:
        error.add_note(cluster.story())
        raise
    finally:
        cluster.close()
