"""A router process in front of one real server, without agents: for what a router does whatever its cluster does."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from howdah.agent.intentions import CONFIG
from howdah.agent.keeper import RECORD
from howdah.cluster.record import Mode, write_record
from howdah.configuration.intents import write_document
from tests.ports import free_port
from tests.postgres.sqlserver import SqlServer
from tests.realcluster.node import HERE
from tests.realcluster.processes import eventually
from tests.router.loginfarm import ROUTER_PASSWORD
from tests.router.records import FIRST, N1, write, write_address
from tests.stores.contract import closing
from tests.stores.sqliterig import SqliteRig


@dataclass
class Lone:
    """A server, and a store that says that it leads."""

    server: SqlServer
    store: SqliteRig

    def sql(self, statement: str) -> str:
        """Ask the server itself."""
        return str(self.server.sql(statement))


@pytest.fixture(scope="session")
def lone(server: SqlServer) -> Iterator[Lone]:
    """One server that leads for ever."""
    server.sql("INSERT INTO howdah.term VALUES (true, 1)")
    store = SqliteRig()
    store.start()
    try:
        identifier = server.sql("SELECT system_identifier FROM pg_control_system()")
        asyncio.run(_write(store, server.port, identifier))
        yield Lone(server, store)
    finally:
        store.close()


async def _write(store: SqliteRig, port: int, identifier: str) -> None:
    async with closing(store.client()) as client:
        await write(client, CONFIG, write_document({"nodes": ["n1"]}))
        await write_address(client, "n1", port)
        record = replace(FIRST, system_identifier=identifier, voters=(), k=0, mode=Mode.ASYNC, members=(N1,))
        await write(client, RECORD, write_record(record))


class LoneRouter:
    """`file`: its settings. `directory`: its own, with a socket in it if one is asked for."""

    def __init__(self, lone: Lone, directory: Path, settings: Mapping[str, Any], port: int = 0) -> None:
        self.port = port or free_port()
        self.directory = directory
        self.file = directory / f"router-{os.urandom(4).hex()}.yaml"
        self.log_file = self.file.with_suffix(".log")
        self.document: dict[str, Any] = {
            "cluster": "test",
            "health": {"port": 0},
            "store": {"kind": "sqlite", "directory": str(lone.store.directory)},
            "secrets": {"router": ROUTER_PASSWORD},
            "tls": {"servers": {"mode": "disable"}},
            **settings,
        }
        self.document["listen"] = {"port": self.port, **settings.get("listen", {})}
        self.write()
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, **settings: Any) -> None:
        """Its settings, some of them anew."""
        self.document |= settings
        self.file.write_text(yaml.safe_dump(self.document))

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, without waiting."""
        words = [sys.executable, "-m", "howdah", "router", "--config", str(self.file)]
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(words, cwd=HERE, stdout=output, stderr=output)
        return self.process

    @property
    def log(self) -> str:
        """What it wrote."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        """Signal the process."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end: its exit status."""
        assert self.process is not None
        return self.process.wait(timeout=60)

    def until_logged(self, words: str) -> None:
        """It says so."""
        eventually(lambda: words in self.log, f"the router says {words!r}: {self.log[-3000:]}")

    def conninfo(self, user: str = "trusted", **options: Any) -> str:
        """Where an application connects to."""
        where = {"host": "127.0.0.1", "port": self.port, "user": user, "password": "secret", "dbname": "postgres"}
        return psycopg.conninfo.make_conninfo("", **{**where, "connect_timeout": 30, "sslmode": "disable", **options})

    def connect(self, user: str = "trusted", **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A client."""
        return psycopg.connect(self.conninfo(user, **options), autocommit=True)

    def refusal(self, user: str = "trusted", **options: Any) -> psycopg.OperationalError:
        """Why no client can come in."""
        with pytest.raises(psycopg.OperationalError) as refused:
            self.connect(user, **options).close()
        return refused.value

    def raw(self) -> socket.socket:
        """A connection that says nothing yet."""
        opened = socket.create_connection(("127.0.0.1", self.port))
        opened.settimeout(60)
        return opened

    def answers(self) -> bool:
        """Whether a client gets in."""
        assert self.process is not None
        assert self.process.poll() is None, self.log
        with contextlib.suppress(psycopg.Error), self.connect() as client:
            client.execute("SELECT 1")
            return True
        return False


@contextlib.contextmanager
def router_of(lone: Lone, port: int = 0, directory: Path | None = None, **settings: Any) -> Iterator[LoneRouter]:
    """Ends with the block, and has made no mistake."""
    own = directory or Path(tempfile.mkdtemp(prefix="howdah-router-", dir="/tmp"))
    settings.setdefault("login", {"hba": ["local all all peer", "host all trusted all trust", "host all all all md5"]})
    router = LoneRouter(lone, own, settings, port)
    process = router.start()
    try:
        eventually(lambda: "takes clients at" in router.log or process.poll() is not None, "the router begins")
        yield router
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            said = router.log
            if directory is None:
                shutil.rmtree(own)
    assert "Traceback" not in said, said[-4000:]
