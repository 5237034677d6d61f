"""Which drivers' own test suites can be had, and how is one run against an address?

They come from the package registries, in the versions named here, into a directory that is kept between runs. What a
suite wants beside a database is left out by name: sources of the driver that are checked for style, TLS to a server of
its own, other products.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ASYNCPG = "0.30.0"
PGX = "v5.12.0"
PQ = "v1.12.3"
LIMIT_S = 900

Results = dict[str, str]
"""By test: passed, failed or skipped."""


@dataclass(frozen=True, slots=True)
class Where:
    """An address, and the superuser there."""

    host: str
    port: int
    user: str
    password: str
    database: str

    def environment(self) -> dict[str, str]:
        """libpq's variables, which all suites read."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("PG")},
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
            "PGSSLMODE": "disable",
            "PGX_TEST_DATABASE": f"host={self.host} port={self.port} user={self.user} password={self.password} "
            f"dbname={self.database} sslmode=disable",
        }


@dataclass(frozen=True, slots=True)
class Suite:
    """`setup`: SQL that the suite takes for granted. `run`: with its address and directory, and a file for its log."""

    name: str
    about: str
    setup: tuple[str, ...]
    prepare: Callable[[Path], None]
    run: Callable[[Path, Where, Path], Results]


def _shell(command: list[str], log: Path, **options: Any) -> str:
    """Run it to its end, or to LIMIT_S; what it printed."""
    with log.open("ab") as output:
        try:
            subprocess.run(command, stdout=output, stderr=output, timeout=LIMIT_S, check=False, **options)
        except subprocess.TimeoutExpired:
            output.write(b"\nit did not end in time\n")
    return log.read_text(errors="replace")


# asyncpg: Python, binary formats, named statements, its own parser of the protocol


def _prepare_asyncpg(directory: Path) -> None:
    if (directory / "tests").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(directory / "venv")], check=True)
    pip = [str(directory / "venv/bin/python"), "-m", "pip", "-q"]
    subprocess.run([*pip, "install", f"asyncpg=={ASYNCPG}", "pytest", "distro"], check=True)
    (directory / "pytest.ini").write_text("[pytest]\n")  # and not the one of this project
    download = ["download", "--no-deps", "--no-binary", ":all:", "-d", str(directory), f"asyncpg=={ASYNCPG}"]
    subprocess.run([*pip, *download], check=True)
    with tarfile.open(next(directory.glob("asyncpg-*.tar.gz"))) as archive:
        for member in archive.getmembers():
            _, _, rest = member.name.partition("/")
            if rest.startswith("tests/"):
                member.name = rest
                archive.extract(member, directory, filter="data")


def _run_asyncpg(directory: Path, where: Where, log: Path) -> Results:
    left_out = ("test__sourcecode", "test_test", "test__environment", "test_adversity")
    command = [str(directory / "venv/bin/python"), "-m", "pytest", "-p", "no:cacheprovider", "-v", "--tb=short"]
    command += [f"--ignore=tests/{name}.py" for name in left_out]
    text = _shell([*command, "tests"], log, cwd=directory, env=where.environment())
    found = re.findall(r"^tests/(\S+?)\.py::(\S+) (PASSED|FAILED|SKIPPED|ERROR)", text, re.MULTILINE)
    words = {"PASSED": "passed", "SKIPPED": "skipped"}
    return {f"{file}.{test.split('::')[-1]}": words.get(word, "failed") for file, test, word in found}


# Go


def _go_module(module: str, version: str, packages: dict[str, str]) -> Callable[[Path], None]:
    def prepare(directory: Path) -> None:
        if all((directory / f"{name}.test").exists() for name in packages):
            return
        directory.mkdir(parents=True, exist_ok=True)
        told = subprocess.run(
            ["go", "mod", "download", "-json", f"{module}@{version}"], check=True, capture_output=True, cwd="/"
        )
        source = json.loads(told.stdout)["Dir"]
        subprocess.run(["cp", "-r", "--no-preserve=mode", f"{source}/.", str(directory / "source")], check=True)
        for name, package in packages.items():
            command = ["go", "test", "-c", "-o", str(directory / f"{name}.test"), package]
            subprocess.run(command, check=True, cwd=directory / "source")

    return prepare


def _go_results(text: str) -> Results:
    words = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
    found = dict.fromkeys(re.findall(r"^=== RUN   ([^\s/]+)$", text, re.MULTILINE), "failed")
    ended = re.findall(r"^--- (PASS|FAIL|SKIP): (\S+)", text, re.MULTILINE)
    return found | {test: words[word] for word, test in ended}


def _run_go(packages: dict[str, str], left_out: str) -> Callable[[Path, Where, Path], Results]:
    def run(directory: Path, where: Where, log: Path) -> Results:
        results: Results = {}
        for name, package in packages.items():
            command = [str(directory / f"{name}.test"), "-test.v", "-test.timeout", "300s", "-test.parallel", "2"]
            command += ["-test.skip", left_out]
            place = {"cwd": directory / "source" / package, "env": where.environment()}
            found = _go_results(_shell(command, log.with_suffix(f".{name}.log"), **place))
            for test in [test for test, word in found.items() if word == "failed"]:
                alone = [*command, "-test.run", f"^{test}$", "-test.timeout", "30s"]  # one that panics ends the others
                found |= _go_results(_shell(alone, log.with_suffix(f".{name}.{test}.log"), **place))
            results |= {f"{name}.{test}": word for test, word in found.items()}
        return results

    return run


_PGX = {"pgx": ".", "pgconn": "./pgconn"}
_PQ = {"pq": "."}

SUITES = (
    Suite("asyncpg", f"asyncpg {ASYNCPG} (Python; binary)", (), _prepare_asyncpg, _run_asyncpg),
    Suite(
        "pgx",
        f"pgx {PGX} (Go; binary, pipelined)",
        (
            "CREATE EXTENSION IF NOT EXISTS hstore",
            "CREATE EXTENSION IF NOT EXISTS ltree",
            "CREATE DOMAIN uint64 AS numeric(20,0)",
        ),
        _go_module("github.com/jackc/pgx/v5", PGX, _PGX),
        _run_go(_PGX, "Stress|TLS|CrateDB|Cockroach|PgBouncer|Fuzz"),
    ),
    Suite(
        "pq", f"lib/pq {PQ} (Go; text)", (), _go_module("github.com/lib/pq", PQ, _PQ), _run_go(_PQ, "SSL|Fuzz|Kerberos")
    ),
)
