"""Real nodes under /tmp, made by the code under test: initialised once, copied for each test."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import psycopg

from howdah.ports.postgres import ServerSettings, Upstream
from howdah.postgres import gone
from howdah.postgres.account import choose_account, own
from howdah.postgres.directory import NodeDirectory
from howdah.postgres.installation import Installation
from howdah.postgres.layout import AGENT_ROLE, NodeLayout
from howdah.postgres.process import PostgresProcess
from howdah.postgres.secrets import ClusterSecrets, generate_secrets, passfile_of, write_secrets
from howdah.postgres.settings import ServerPlace
from howdah.postgres.site import CLOSED, Site
from howdah.values.address import Address
from tests.ports import free_port
from tests.waiting import until

SMALL = {"shared_buffers": "8MB", "max_connections": "30", "max_wal_size": "64MB", "dynamic_shared_memory_type": "mmap"}
START_LIMIT_MS = 60_000

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in an event loop of its own."""
    return asyncio.run(work)


@dataclass(slots=True)
class Node:
    """One node: its site, and what tests do with it."""

    site: Site
    lines: list[str]

    @property
    def layout(self) -> NodeLayout:
        return self.site.layout

    @property
    def data(self) -> Path:
        return self.site.layout.data

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.site.place.port)

    def directory(self) -> NodeDirectory:
        """A new object, as an agent that was just started makes it."""
        return NodeDirectory(self.site)

    def process(self) -> PostgresProcess:
        return PostgresProcess(self.site.layout, self.site.installation, self.site.account)

    async def start(self, recovery: bool = False) -> None:
        await self.process().start(recovery, START_LIMIT_MS)

    async def stop(self) -> None:
        assert await self.process().stop_fast(30_000)

    async def reload(self) -> None:
        await self.process().reload()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement as the agent: its own role, by peer, over the socket."""
        host = f"host='{self.site.place.socket}' port={self.site.place.port} connect_timeout=5"
        where = f"{host} user={AGENT_ROLE} dbname=postgres options='-c synchronous_commit=local'"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def value(self, statement: str) -> Any:
        """The only value of a statement's answer."""
        ((answer,),) = self.sql(statement)
        return answer

    def client(self, user: str = "postgres", password: str = "", database: str = "postgres") -> str:
        """A connection string as a client's, over TCP."""
        secret = password or self.site.secrets.superuser
        where = f"host=127.0.0.1 port={self.site.place.port} connect_timeout=5"
        return f"{where} user={user} password={secret} dbname={database}"

    def settings(self, upstream: "Node | None" = None, gate_open: bool = False, **changes: Any) -> ServerSettings:
        """Small settings, following `upstream` under this node's name."""
        follows = Upstream(upstream.address, f"{self.site.place.name}.t1", "") if upstream else None
        settings = replace(CLOSED, upstream=follows, gate_open=gate_open, parameters=SMALL)
        return replace(settings, **changes)


class Farm:
    """The nodes of one test, under one directory, killed and removed with it."""

    def __init__(self, template: Path | None, installation: Installation, secrets: ClusterSecrets) -> None:
        self.account = choose_account()
        self.installation = installation
        self.secrets = secrets
        self.root = _directory(self.account)
        self.nodes: list[Node] = []
        self._template = template

    def empty(self, name: str) -> Node:
        """A node without data."""
        layout = NodeLayout(self.root / name)
        layout.root.mkdir()
        own(layout.root, self.account)
        write_secrets(layout.secrets, self.secrets, self.account)
        socket = self.root / f"s-{name}"
        socket.mkdir()
        own(socket, self.account)
        place = ServerPlace(name, ("127.0.0.1",), free_port(), str(socket), passfile_of(layout))
        users = {pwd.getpwuid(os.geteuid()).pw_name, self.account.name if self.account else ""} - {""}
        lines: list[str] = []
        site = Site(
            layout, self.installation, self.account, place, self.secrets, sorted(users), lines.append, sync=False
        )
        node = Node(site, lines)
        self.nodes.append(node)
        return node

    def first(self, name: str = "n1") -> Node:
        """A node with the data of a new cluster, configured with a closed gate."""
        node = self.empty(name)
        if self._template is None:
            run(node.directory().initialise())
        else:
            subprocess.run(["cp", "-a", str(self._template), str(node.data)], check=True)
        node.directory().write_identity(f"id-{name}")
        node.directory().configure(node.settings())
        return node

    async def standby_of(self, source: Node, name: str) -> Node:
        """A clone of a running node, started and following it."""
        node = self.empty(name)
        directory = node.directory()
        await directory.clone(source.address)
        directory.install_clone()
        directory.configure(node.settings(upstream=source))
        directory.write_identity(f"id-{name}")
        await node.start(recovery=True)
        await until(lambda: bool(source.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")))
        return node

    def close(self) -> None:
        for node in self.nodes:
            for place in (node.layout.clone, node.data):
                gone.kill_all(place, 10_000)
        shutil.rmtree(self.root)


def _directory(account: Any) -> Path:
    root = Path(tempfile.mkdtemp(prefix="howdah-files-", dir="/tmp"))
    root.chmod(0o755)
    own(root, account)
    return root


@contextmanager
def farm_maker(installation: Installation) -> Iterator[Callable[[], Farm]]:
    """Farms that share one cluster, initialised here once."""
    secrets = generate_secrets()
    first = Farm(None, installation, secrets)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        node = first.empty("template")
        run(node.directory().initialise())
        yield lambda: Farm(node.data, installation, secrets)
    finally:
        first.close()
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """A terminated test run cleans up as an interrupted one does."""
    raise KeyboardInterrupt
