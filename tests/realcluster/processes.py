"""Which processes are a real node's, and how are they signalled?

Found by their working directory or by the node's path in their command line, as a person would with ps; pids are
looked up at each call, so that none is stale.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from howdah.postgres import gone
from tests.signals import send

PROC = Path("/proc")
LIMIT_S = 90.0
"""For every wait: long enough for a busy machine, never reached by a healthy one."""

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
    """The first true answer of `look`. Raises AssertionError when there is none within the limit."""
    deadline = time.monotonic() + limit_s
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened within {limit_s:.0f} s: {what}")
        time.sleep(0.02)


def command_line(pid: int) -> str:
    """The words of a process's command line, or its title if it set one; "" if it is gone or defunct."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def processes_below(root: Path) -> tuple[int, ...]:
    """Every live process that works in a directory of `root`, or has a path below `root` in its command line."""
    names = {"data", "data.clone", "data.old"}
    with contextlib.suppress(OSError):
        names |= {entry.name for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)}
    found = {pid for name in names for pid in gone.processes_of(root / name)}
    found |= {pid for pid in all_pids() if f"{root}/" in command_line(pid) + " "}
    return tuple(sorted(found - {os.getpid(), os.getppid()}))


def all_pids() -> Iterator[int]:
    """Every process number there is now."""
    return (int(entry.name) for entry in os.scandir(PROC) if entry.name.isdigit())


def kill_below(root: Path) -> None:
    """SIGKILL everything of a node until two looks in a row find nobody."""
    empty = 0
    while empty < 2:
        found = processes_below(root)
        send(found, signal.SIGKILL)
        empty = 0 if found else empty + 1
        time.sleep(0.003)
