"""A real store process in a directory of its own, for tests."""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from howdah.ports.store import Store, StoreUnavailable
from howdah.stores.settings import SqliteSettings
from howdah.stores.sqlite.client import SqliteStore, server_command
from howdah.stores.sqlite.socketpath import SOCKET_NAME, socket_path
from tests.stores.contract import closing
from tests.stores.faults import SHORT_TIMEOUT_MS, HoldingRelay, ServerRig, run_apart

START_SECONDS = 20.0


class SqliteRig(ServerRig):
    """`close` ends the process and removes every file."""

    def __init__(self, below: str = "store") -> None:
        self.root = Path(tempfile.mkdtemp(prefix="howdah-", dir="/tmp"))
        self.directory = self.root / below
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def client(self) -> SqliteStore:
        return SqliteStore(SqliteSettings(self.directory, request_timeout_ms=10_000))

    def hasty_client(self) -> SqliteStore:
        return SqliteStore(SqliteSettings(self.directory, request_timeout_ms=SHORT_TIMEOUT_MS))

    @contextlib.asynccontextmanager
    async def relayed(self) -> AsyncIterator[tuple[HoldingRelay, Store]]:
        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            with socket_path(self.directory) as path:
                return await asyncio.open_unix_connection(path)

        relay = HoldingRelay(connect)
        place = Path(tempfile.mkdtemp(dir=self.root))
        relay_server = await asyncio.start_unix_server(relay.accept, place / SOCKET_NAME)
        async with relay_server, closing(SqliteStore(SqliteSettings(place, SHORT_TIMEOUT_MS))) as far:
            yield relay, far

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start a process without waiting for it. Its standard error can be read."""
        return subprocess.Popen(
            server_command(self.directory), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )

    def start(self) -> None:
        self._process = self.spawn()
        run_apart(self._wait_until_ready())

    async def _wait_until_ready(self) -> None:
        async with asyncio.timeout(START_SECONDS), closing(self.client()) as store:
            while True:
                try:
                    await store.read("probe")
                    return
                except StoreUnavailable:
                    assert self.process.poll() is None
                    await asyncio.sleep(0.01)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def wipe(self) -> None:
        shutil.rmtree(self.directory)

    def back_up(self) -> None:
        shutil.copytree(self.directory, self.root / "copy", ignore=shutil.ignore_patterns(SOCKET_NAME))

    def put_back(self) -> None:
        shutil.rmtree(self.directory)
        shutil.copytree(self.root / "copy", self.directory)

    def close(self) -> None:
        try:
            self.kill()
        finally:
            shutil.rmtree(self.root)


def refused(rig: SqliteRig) -> str:
    """Start a process that must not stay: what it says on standard error."""
    process = rig.spawn()
    try:
        _, words = process.communicate(timeout=START_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 1, (process.returncode, words)
    return words.decode()
