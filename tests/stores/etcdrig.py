"""A real etcd in a directory of its own, for tests."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from howdah.ports.store import Store
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.etcd.server import LocalEtcd
from howdah.stores.settings import EtcdSettings
from tests.stores.contract import closing
from tests.stores.faults import SHORT_TIMEOUT_MS, HoldingRelay, ServerRig, run_apart

START_SECONDS = 30.0


class EtcdRig(ServerRig):
    """`close` ends the process and removes every file."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="howdah-", dir="/tmp"))
        self.etcd = LocalEtcd(self.root / "etcd")

    @property
    def pid(self) -> int:
        assert self.etcd.pid is not None
        return self.etcd.pid

    def client(self) -> EtcdStore:
        return EtcdStore(EtcdSettings((self.etcd.ports.endpoint,), "test", request_timeout_ms=10_000))

    def hasty_client(self) -> EtcdStore:
        return EtcdStore(EtcdSettings((self.etcd.ports.endpoint,), "test", request_timeout_ms=SHORT_TIMEOUT_MS))

    @contextlib.asynccontextmanager
    async def relayed(self) -> AsyncIterator[tuple[HoldingRelay, Store]]:
        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", self.etcd.ports.client)

        relay = HoldingRelay(connect)
        relay_server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
        port = relay_server.sockets[0].getsockname()[1]
        far = EtcdStore(EtcdSettings((f"http://127.0.0.1:{port}",), "test", request_timeout_ms=SHORT_TIMEOUT_MS))
        async with relay_server, closing(far):
            yield relay, far

    def start(self) -> None:
        self.etcd.start()
        run_apart(self.etcd.wait_until_healthy(START_SECONDS))

    def kill(self) -> None:
        self.etcd.kill()

    def wipe(self) -> None:
        shutil.rmtree(self.root / "etcd" / "data")

    def back_up(self) -> None:
        shutil.copytree(self.root / "etcd" / "data", self.root / "copy")

    def put_back(self) -> None:
        self.wipe()
        shutil.copytree(self.root / "copy", self.root / "etcd" / "data")

    def close(self) -> None:
        try:
            self.kill()
        finally:
            shutil.rmtree(self.root)
