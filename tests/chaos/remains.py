"""Who removes a test's network when the run ends, in whatever way? (`python -m tests.chaos.remains PREFIX`)

A process in a session of its own that waits for the end of its standard input. Then it kills every process in the
network namespaces whose names begin with PREFIX, except the run that started it, and removes the namespaces.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.realcluster.processes import all_pids

PREFIX = "howdah-chaos-"
NETNS = Path("/run/netns")


def main() -> None:
    """Wait, then tidy up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    prefix = sys.argv[1]
    if not prefix.startswith(PREFIX):
        raise SystemExit(f"{prefix!r} does not begin with {PREFIX}")
    sys.stdin.read()
    while True:
        spaces = [NETNS / name for name in namespaces() if name.startswith(prefix)]
        found = [pid for space in spaces for pid in processes_in(space)]
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for space in spaces:
        subprocess.run(["ip", "netns", "delete", space.name], check=False)


def namespaces() -> list[str]:
    """The names of the machine's network namespaces."""
    return [entry.name for entry in NETNS.iterdir()] if NETNS.exists() else []


def processes_in(space: Path) -> tuple[int, ...]:
    """Whose network is this namespace's; without this process and the one that started it."""
    with contextlib.suppress(OSError):
        wanted = space.stat().st_ino
        return tuple(pid for pid in all_pids() if _network(pid) == wanted and pid not in (os.getpid(), os.getppid()))
    return ()


def _network(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return 0


if __name__ == "__main__":
    main()
