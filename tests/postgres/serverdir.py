"""A real, freshly initialised server directory under /tmp, gone again at the end of the `with` block."""

import atexit
import contextlib
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from howdah.postgres import gone
from howdah.postgres.account import Account, choose_account, enter_fault, own, run_as
from howdah.postgres.installation import Installation, find_installation, reachable_installation
from howdah.postgres.layout import SUPERUSER, NodeLayout
from howdah.postgres.process import PostgresProcess
from howdah.postgres.sharedmemory import release_shared_memory
from tests.ports import free_port

START_LIMIT_MS = 60_000
WAIT_LIMIT_S = 30.0

SHORT_LIVED_AGENT = """
import asyncio, sys
from pathlib import Path
from howdah.postgres.account import choose_account
from howdah.postgres.installation import inspect_installation
from howdah.postgres.layout import NodeLayout
from howdah.postgres.process import PostgresProcess

process = PostgresProcess(NodeLayout(Path(sys.argv[1])), inspect_installation(Path(sys.argv[2])), choose_account())
asyncio.run(process.start(False, 60000))
"""


@dataclass(frozen=True, slots=True)
class ServerDirectory:
    """One node's directory, and the port its server is to use (its socket lies in `root` too)."""

    layout: NodeLayout
    installation: Installation
    account: Account | None
    port: int

    def process(self) -> PostgresProcess:
        """A new object for the same server, as an agent that was just started makes it."""
        return PostgresProcess(self.layout, self.installation, self.account)

    def start_by_another_agent(self) -> None:
        """Start the server from a process that ends at once and leaves it to whoever adopts it."""
        arguments = [str(self.layout.root), str(self.installation.bin)]
        subprocess.run([sys.executable, "-c", SHORT_LIVED_AGENT, *arguments], check=True)

    def start_query(self, sql: str) -> "subprocess.Popen[bytes]":
        """Run a statement through psql in the background; the caller waits for it."""
        return subprocess.Popen(
            [self.installation.program("psql"), "-X", "-At", *self._address(), "-c", sql],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **run_as(self.account),
        )

    def query(self, sql: str) -> str:
        """The answer to one statement, rows a line each."""
        process = self.start_query(sql)
        answer, _ = process.communicate(timeout=WAIT_LIMIT_S)
        if process.returncode != 0:
            raise AssertionError(f"psql failed with {process.returncode} for {sql}")
        return answer.decode().strip()

    def _address(self) -> list[str]:
        return ["-h", str(self.layout.root), "-p", str(self.port), "-U", SUPERUSER, "-d", "postgres"]


@contextlib.contextmanager
def server_directory() -> Iterator[ServerDirectory]:
    """A directory as initdb leaves it, with a free port; every process of it is killed afterwards."""
    account = choose_account()
    installation = usable_installation()
    root = Path(tempfile.mkdtemp(prefix="howdah-test-", dir="/tmp"))
    root.chmod(0o755)
    own(root, account)
    layout = NodeLayout(root / "n1")
    try:
        layout.root.mkdir()
        own(layout.root, account)
        subprocess.run(["cp", "-a", str(_template()), str(layout.data)], check=True)
        port = free_port()
        with (layout.data / "postgresql.conf").open("a") as file:
            file.write(f"port = {port}\nunix_socket_directories = '{layout.root}'\n")
        yield ServerDirectory(layout, installation, account, port)
    finally:
        survivors = gone.kill_all(layout.data, 10_000)
        if layout.data.exists():
            release_shared_memory(layout.data.stat())
        shutil.rmtree(root)
        if survivors:
            raise AssertionError(f"processes {survivors} survive")


def shared_files(server: ServerDirectory) -> set[str]:
    """The files in /dev/shm that processes of this server have mapped."""
    found = set()
    for pid in gone.processes_of(server.layout.data):
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if "/dev/shm/PostgreSQL." in line:
                found.add(line.split()[5])
    return found


def is_file(path: str) -> bool:
    """Whether the file is there."""
    return Path(path).is_file()


@functools.cache
def usable_installation() -> Installation:
    """The installation that tests use, copied to where the account can run it if it cannot."""
    account = choose_account()
    installation = find_installation()
    if not enter_fault(account, installation.bin):
        return installation
    return reachable_installation(installation, account, _temporary())


@functools.cache
def _temporary() -> Path:
    place = Path(tempfile.mkdtemp(prefix="howdah-test-", dir="/tmp"))
    place.chmod(0o755)
    own(place, choose_account())
    atexit.register(shutil.rmtree, place)
    return place


@functools.cache
def _template() -> Path:
    """One small initdb for all tests of this run."""
    data = _temporary() / "template"
    subprocess.run(
        [
            *(usable_installation().program("initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust"),
            *("--no-sync", "--no-instructions", "--wal-segsize=1", "--locale=C", "-k"),
            *("-c", "shared_buffers=8MB", "-c", "listen_addresses=127.0.0.1"),
            *("-c", "min_wal_size=2MB", "-c", "max_wal_size=8MB", "-c", "max_connections=20"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        **run_as(choose_account()),
    )
    return data
