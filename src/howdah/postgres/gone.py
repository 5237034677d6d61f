"""Which processes belong to a server, and are they all gone?

A process belongs to the server whose data directory is its working directory. Process groups and parents prove
nothing: a backend outlives a killed postmaster, in a session of its own. The dead-man imports this file, so it uses
the standard library only, and none of the heavier parts of that.
"""

import ctypes
import os
import signal
import time
from pathlib import Path

PROC = Path("/proc")
DELETED = " (deleted)"
"""What the kernel adds to the path of a working directory that was removed."""
KILL_PAUSE_S = 0.002
"""Between two looks while processes end: short beside the milliseconds that freeing shared memory takes."""
EMPTY_LOOKS = 2
"""Looks in a row that must find nobody: a process that forks and ends during one look can slip through it."""


def processes_of(data: Path) -> tuple[int, ...]:
    """The live processes that work in `data`, ascending; defunct ones do not count. Costs about a millisecond.

    Found even when the directory was removed. A shell on a terminal that somebody left there is not counted.
    """
    places = _places(data)
    found = (int(entry.name) for entry in os.scandir(PROC) if entry.name.isdigit())
    return tuple(pid for pid in sorted(found) if _works_in(pid, places))


def belongs(pid: int, data: Path) -> bool:
    """Whether this one process is alive and works in `data`."""
    return _works_in(pid, _places(data))


def kill_round(data: Path) -> tuple[int, ...]:
    """SIGKILL every process of the server that is there now, the postmaster first; who they were.

    SIGKILL ends stopped processes too. It is not over before `EMPTY_LOOKS` rounds in a row found nobody.
    """
    found = processes_of(data)
    first = recorded_postmaster(data)
    for pid in sorted(found, key=lambda pid: pid != first):
        signal_process(pid, data, signal.SIGKILL)
    return found


def kill_all(data: Path, limit_ms: int) -> tuple[int, ...]:
    """SIGKILL until nobody is left; returns the survivors after `limit_ms`, () when all are proven gone.

    Blocks for as long as it takes: an event loop uses `PostgresProcess.kill`, which raises ServerSurvives.
    """
    end = time.monotonic() + limit_ms / 1000
    empty = 0
    while True:
        found = kill_round(data)
        empty = 0 if found else empty + 1
        if empty >= EMPTY_LOOKS:
            return ()
        if found and time.monotonic() >= end:
            return found
        time.sleep(KILL_PAUSE_S)


def signal_process(pid: int, data: Path, number: signal.Signals) -> bool:
    """Signal a process of the server; False if it is not (any longer) one.

    The number may pass to a stranger at any time: a pidfd is taken first, then the working directory looked at
    again, then the signal goes to the pidfd, so it reaches the process that was looked at or nobody.
    """
    handle = open_handle(pid)
    try:
        if not belongs(pid, data):
            return False
        if handle is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it lives, and we may not end it: the caller sees it survive
    finally:
        if handle is not None:
            os.close(handle)
    return True


def open_handle(pid: int) -> int | None:
    """A pidfd of this process, to be closed by the caller; None if it ended or the kernel (before 5.3) has none."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def recorded_postmaster(data: Path) -> int | None:
    """The process that postmaster.pid names, whether or not it lives; None without a readable file."""
    try:
        pid = int((data / "postmaster.pid").read_bytes().partition(b"\n")[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 0 else None


def _places(data: Path) -> tuple[str, str]:
    resolved = os.path.realpath(data)
    return resolved, resolved + DELETED


def _works_in(pid: int, places: tuple[str, str]) -> bool:
    try:
        place = str((PROC / str(pid) / "cwd").readlink())
    except PermissionError:
        place = _read_as_its_owner(pid)
    except OSError:
        return False  # ended, or defunct
    return place in places and not _is_somebodys_shell(pid)


def _read_as_its_owner(pid: int) -> str:
    """The working directory of another account's process, for a root without CAP_SYS_PTRACE; "" if it is hidden.

    That is root in an ordinary container. The kernel then compares file system ids, which belong to a thread:
    take those of the process for the length of one readlink.
    """
    if os.geteuid() != 0:
        return ""  # our own server runs under our own id, and is readable
    try:
        owner = (PROC / str(pid)).stat()
    except OSError:
        return ""
    own_gid = _LIBC.setfsgid(owner.st_gid)
    own_uid = _LIBC.setfsuid(owner.st_uid)
    try:
        return str((PROC / str(pid) / "cwd").readlink())
    except OSError:
        return ""
    finally:
        _LIBC.setfsuid(own_uid)
        _LIBC.setfsgid(own_gid)


def _is_somebodys_shell(pid: int) -> bool:
    """Whether this is a person's program: it has a terminal and is not PostgreSQL.

    Servers and what they start never have one, as the agent and pg_ctl start them in a session of their own.
    """
    try:
        terminal = int((PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[4])
        program = (PROC / str(pid) / "exe").readlink()
    except (OSError, ValueError, IndexError):
        return False
    return terminal != 0 and not program.name.startswith("postgres")


_LIBC = ctypes.CDLL(None)
