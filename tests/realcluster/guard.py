"""Who tidies up when a test run ends, in whatever way it ends? (`python -m tests.realcluster.guard DIR`)

A process in a session of its own that waits for the end of its standard input. The run holds the other end: when it
closes it, or is killed, the guard kills every process of every node below DIR and removes DIR, the file systems that
are mounted below it, and the servers' shared memory.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from howdah.postgres.account import choose_account
from tests.realcluster.processes import PROC, kill_below, processes_below

LOOK_S = 2.0
IPC_RMID = 0


def main() -> None:
    """Watch, then tidy up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    root = Path(sys.argv[1])
    segments: set[int] = set()
    while not select.select([sys.stdin], [], [], LOOK_S)[0]:
        segments |= segments_of(root)
    segments |= segments_of(root)
    nodes = [entry for entry in root.iterdir() if entry.is_dir()]
    for node in nodes:
        kill_below(node)
    for process in processes_below(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    for segment in segments:
        remove(segment)
    for place in mounts_below(root):
        subprocess.run(["umount", "--lazy", place], check=False)
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)  # a process may have been writing a last file


def segments_of(root: Path) -> set[int]:
    """System V segments that a living process of the cluster made; a killed server leaves its own behind."""
    account = choose_account()
    owner = account.uid if account else os.geteuid()
    rows = [line.split() for line in (PROC / "sysvipc" / "shm").read_text().splitlines()[1:]]
    made = {int(row[4]): int(row[1]) for row in rows if int(row[7]) == owner}
    living = {pid for node in root.iterdir() if node.is_dir() for pid in processes_below(node)} if made else set()
    return {identifier for creator, identifier in made.items() if creator in living}


def mounts_below(root: Path) -> tuple[str, ...]:
    """File systems that a test mounted below the root, the latest first."""
    places = [line.split()[1] for line in (PROC / "mounts").read_text().splitlines()]
    return tuple(place for place in reversed(places) if place.startswith(f"{root}/"))


def remove(segment: int) -> None:
    """One that PostgreSQL removed meanwhile is fine."""
    ctypes.CDLL(None).shmctl(segment, IPC_RMID, None)


if __name__ == "__main__":
    main()
