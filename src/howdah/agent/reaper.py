"""Who takes the exit status of processes that ended and that nobody in this agent waits for?

When a postmaster is killed its children become orphans. They go to process 1, or to the nearest ancestor that asked
for them: this agent, as process 1 of a container or as a subreaper. Unless somebody waits for them they stay defunct
for ever, and a defunct postmaster's number makes PostgreSQL's own checks believe that it runs.

The difficulty is not to steal a status from its owner: an asyncio subprocess, `subprocess.run` in a thread, or the
postmaster's `PostgresProcess`. Nothing in the kernel tells an orphan from a child of ours. But an owner takes the
status as soon as it may run, and an orphan has no owner. So a child is reaped here only when it was seen defunct in
several rounds, with the event loop running in between, and if nobody keeps its number.
"""

import asyncio
import ctypes
import os
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
ROUND_MS = 500
"""Between two rounds. An idle round costs one system call."""
ROUNDS_OWNED = 4
"""In so many rounds a child must have been seen defunct. Rounds, not time: an agent that was frozen has had no
chance to wait for anything, and after it goes on its owners get theirs first."""
STATE_FIELD, PARENT_FIELD, START_FIELD = 0, 1, 19
"""Of /proc/<pid>/stat, counted from behind the program's name (proc(5): fields 3, 4 and 22)."""


def become_subreaper() -> bool:
    """Ask that orphans among our descendants come to us; whether the kernel agreed."""
    return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


class Reaper:
    """Reaps orphans. One per process."""

    def __init__(self) -> None:
        """Nobody is kept, nothing was seen."""
        self._kept: set[int] = set()
        self._seen: dict[tuple[int, int], int] = {}  # (number, start time) -> rounds

    def keep(self, pid: int) -> None:
        """Never reap this child: its owner may come late."""
        self._kept.add(pid)

    def release(self, pid: int) -> None:
        """Its owner has the status, or wants it no more."""
        self._kept.discard(pid)

    def round(self) -> tuple[int, ...]:
        """Look once, and reap the children that have been defunct for long enough; which ones."""
        try:
            any_ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            any_ended = None
        ended = _defunct_children() if any_ended is not None else set()
        self._seen = {child: self._seen.get(child, 0) + 1 for child in ended}
        ripe = [
            pid for (pid, _), rounds in sorted(self._seen.items()) if rounds >= ROUNDS_OWNED and pid not in self._kept
        ]
        return tuple(pid for pid in ripe if _reap(pid))

    async def run(self) -> None:
        """Rounds until cancelled."""
        while True:
            self.round()
            await asyncio.sleep(ROUND_MS / 1000)


def _defunct_children() -> set[tuple[int, int]]:
    """Our ended children with their start times, in clock ticks since boot (a number can be used again)."""
    ourselves = os.getpid()
    found = set()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            fields = (Path(entry) / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[STATE_FIELD] == b"Z" and int(fields[PARENT_FIELD]) == ourselves:
            found.add((int(entry.name), int(fields[START_FIELD])))
    return found


def _reap(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # its owner came after all
        return False
