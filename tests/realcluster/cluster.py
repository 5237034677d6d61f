"""A real cluster for tests: a store process and agents, with real servers, in a directory that goes away.

    with real_cluster() as cluster:
        cluster.wait_healthy()
        cluster.primary().kill()
        cluster.wait_serving(other_than="n1")

Everything is a process of its own. A guard process ends them all and removes the files, however the run ends.
"""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from howdah.agent.intentions import CONFIG
from howdah.agent.keeper import RECORD
from howdah.cluster.record import Record, read_record
from howdah.configuration.intents import read_intents
from howdah.ports.store import StoreUnavailable
from howdah.stores.settings import SqliteSettings
from howdah.stores.sqlite.client import SqliteStore, server_command
from howdah.values.member import slot_name
from tests.realcluster.node import HERE, RealNode, agent_document, loopback
from tests.realcluster.nodeplace import Berth
from tests.realcluster.processes import LIMIT_S, eventually, processes_below
from tests.realcluster.story import story_of
from tests.signals import send

PARAMETERS = {"dynamic_shared_memory_type": "mmap", "shared_buffers": "16MB", "max_connections": "60"}
"""Small servers; a killed one leaves nothing in /dev/shm."""


class StoreServer:
    """The store's process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns once it answers."""
        self.directory.mkdir(exist_ok=True)
        with (self.directory.parent / "store.out").open("ab") as output:
            self._process = subprocess.Popen(
                server_command(self.directory), cwd=HERE, stdout=output, stderr=output, start_new_session=True
            )
        eventually(self._answers, "the store answers")

    def _answers(self) -> bool:
        try:
            asyncio.run(self._read(RECORD))
        except StoreUnavailable:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Signal it; after SIGKILL it is gone when this returns."""
        if self._process is not None and self._process.poll() is None:
            send((self._process.pid,), number)
            if number is signal.SIGKILL:
                self._process.wait()

    def record(self) -> Record | None:
        """The cluster's record. Raises StoreUnavailable."""
        text = asyncio.run(self._read(RECORD))
        return read_record(text) if text is not None else None

    def ordered(self) -> bool:
        """Whether somebody's order of a switchover is still to be carried out. Raises StoreUnavailable."""
        text = asyncio.run(self._read(CONFIG))
        return text is not None and read_intents(text).switchover is not None

    async def _read(self, name: str) -> str | None:
        store = SqliteStore(SqliteSettings(self.directory, request_timeout_ms=2000))
        try:
            found = await store.read(name)
        finally:
            await store.close()
        return found.text if found else None


class RealCluster:
    """Nodes and store. `start` it; `close` ends everything."""

    def __init__(
        self,
        names: tuple[str, ...] = ("n1", "n2", "n3"),
        config: Mapping[str, Any] | None = None,
        berth: Callable[[str], Berth] = loopback,
    ) -> None:
        """`config` is merged into the cluster's first settings (policy, mode, postgresql.parameters); `berth` says
        where each node listens."""
        self.root = Path(tempfile.mkdtemp(prefix="howdah-real-", dir="/tmp"))
        self.root.chmod(0o755)
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "tests.realcluster.guard", str(self.root)],
            cwd=HERE,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.store = StoreServer(self.root / "store")
        whole = {"nodes": list(names), "postgresql": {"parameters": PARAMETERS}, **(config or {})}
        address = {"kind": "sqlite", "directory": str(self.store.directory)}
        self.nodes: dict[str, RealNode] = {}
        for name in names:
            place = berth(name)
            document = agent_document(name, self.root / name, place, address, whole)
            self.nodes[name] = RealNode(name, self.root / name, place, document)

    def __getitem__(self, name: str) -> RealNode:
        return self.nodes[name]

    def start(self) -> None:
        """Start the store and every agent. Does not wait for them."""
        self.store.start()
        for node in self.nodes.values():
            node.start()

    def close(self) -> None:
        """End everything and remove the files."""
        self._guard.communicate(timeout=60)
        for node in self.nodes.values():
            node.reap()
            for process in node.started:
                process.wait()
        with contextlib.suppress(ProcessLookupError):
            self.store.send(signal.SIGKILL)
        survivors = [pid for name in ("", *self.nodes) for pid in processes_below(self.root / name)]
        assert not survivors, survivors
        assert not self.root.exists(), self.root

    def record(self) -> Record:
        """The record; fails when there is none or the store is away."""
        record = self.store.record()
        assert record is not None
        return record

    def primary(self) -> RealNode:
        """The node that the record names."""
        return self.nodes[self.record().holder.name]

    def standbys(self) -> list[RealNode]:
        """The others."""
        primary = self.primary()
        return [node for node in self.nodes.values() if node is not primary]

    def wait_serving(self, other_than: str = "", above_term: int = 0, limit_s: float = LIMIT_S) -> RealNode:
        """Wait until some node serves (that is another one, or in a higher term), and takes a client's write."""

        def look() -> RealNode | None:
            try:
                record = self.store.record()
            except StoreUnavailable:
                return None
            if record is None or not record.serving or record.holder.name == other_than or record.term <= above_term:
                return None
            node = self.nodes[record.holder.name]
            return node if node.writable() else None

        what = "a primary serves" + (f" that is not {other_than}" if other_than else "")
        return eventually(look, what, limit_s) or self.primary()

    def wait_healthy(self, limit_s: float = LIMIT_S) -> RealNode:
        """Wait until one node serves and every other one streams from it and votes; the primary."""

        def look() -> bool:
            return not self.ailing()

        try:
            eventually(look, "the cluster is healthy", limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.ailing()}") from error
        return self.primary()

    def ailing(self) -> str:
        """What keeps the cluster from being healthy; "" if nothing does."""
        try:
            record = self.store.record()
        except StoreUnavailable as error:
            return str(error)
        if record is None or not record.serving:
            return "nobody serves"
        deaf = [node.name for node in self.nodes.values() if not _listens(node)]
        if deaf:
            return f"the agents of {deaf} do not answer"
        others = set(self.nodes) - {record.holder.name}
        voters = {voter.name for voter in record.voters}
        if voters != others or (len(self.nodes) > 2 and record.k != len(self.nodes) // 2):
            return f"the voters are {sorted(voters)}, k is {record.k}"
        try:
            rows = self.nodes[record.holder.name].sql(
                "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'"
            )
        except psycopg.Error as error:
            return f"{record.holder.name} does not let clients in: {error}"
        missing = {f"{name}.t{record.term}" for name in others} - {row[0] for row in rows}
        if missing:
            return f"{sorted(missing)} do not stream"
        return ""

    def conninfo(self) -> str:
        """How a client finds the primary: libpq's multi-host form, at random, so that not every client waits for the
        same frozen host first."""
        hosts = ",".join(node.host for node in self.nodes.values())
        ports = ",".join(str(node.port) for node in self.nodes.values())
        return (
            f"host={hosts} port={ports} user=postgres password=superuser-password dbname=postgres "
            "target_session_attrs=read-write load_balance_hosts=random connect_timeout=2"
        )

    def story(self) -> str:
        """What every agent decided and did, in one order; for failures."""
        return story_of(self.root, self.nodes.values())


def _listens(node: RealNode) -> bool:
    try:
        socket.create_connection((node.host, node.api_port), timeout=1).close()
    except OSError:
        return False
    return True


def freeze(pids: tuple[int, ...]) -> None:
    """SIGSTOP these processes."""
    send(pids, signal.SIGSTOP)


def thaw(pids: tuple[int, ...]) -> None:
    """SIGCONT these processes."""
    send(pids, signal.SIGCONT)


def slot_of(node: RealNode) -> str:
    """The name of this node's replication slot on the primary."""
    return slot_name(node.name)


@contextlib.contextmanager
def real_cluster(
    names: tuple[str, ...] = ("n1", "n2", "n3"), config: Mapping[str, Any] | None = None, *, started: bool = True
) -> Iterator[RealCluster]:
    """A cluster, started unless the test first changes something; a failure carries the cluster's story."""
    cluster = RealCluster(names, config)
    try:
        if started:
            cluster.start()
        yield cluster
    except BaseException as error:
        error.add_note(cluster.story())
        raise
    finally:
        cluster.close()
