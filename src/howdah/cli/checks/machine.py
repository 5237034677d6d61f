"""Is this machine fit: Python, the account, directories, disk space?"""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from howdah.cli.checks.finding import Finding, fail, ok, warn
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account, choose_account, enter_fault

OLDEST_PYTHON = (3, 11)
FREE_BYTES_WARN = 2 << 30
"""Below it a busy server fills the disk within minutes."""
FREE_BYTES_FAIL = 200 << 20
"""Below it initdb and a few segments of WAL do not fit."""


def check_python() -> Finding:
    """The interpreter and the system."""
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return fail("python", f"Python {version} is too old: 3.11 at least is needed.")
    if not sys.platform.startswith("linux"):
        return warn("python", f"Python {version} on {sys.platform}: agents are made and tested for Linux.")
    return ok("python", f"{version} at {sys.executable}")


def check_account(name: str = "") -> tuple[Account | None, Finding]:
    """Who PostgreSQL runs as."""
    try:
        account = choose_account(name or None)
    except PostgresFailure as failure:
        return None, fail("account", str(failure))
    if account is None:
        return None, ok("account", f"PostgreSQL runs as this user ({os.geteuid()})")
    return account, ok("account", f"this is root; PostgreSQL runs as {account.name}")


def check_directory(subject: str, directory: Path, account: Account | None) -> Iterator[Finding]:
    """May the account enter it, can it be written, and is there space?"""
    if fault := enter_fault(account, directory):
        yield fail(subject, fault)
        return
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"howdah")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        yield fail(subject, f"{existing} cannot be written: {error.strerror}. Mend its file system or its rights.")
        return
    free = shutil.disk_usage(existing).free
    text = f"{existing} can be written; {free / (1 << 30):.1f} GB are free"
    if free < FREE_BYTES_FAIL:
        yield fail(subject, f"{text}: too little for PostgreSQL. Free some space.")
    elif free < FREE_BYTES_WARN:
        yield warn(subject, f"{text}: a busy server fills that quickly.")
    else:
        yield ok(subject, text)
