"""How are processes signalled so that the signal has worked when the call returns?

SIGSTOP reaches one thread of a process; the others run on until that one gets a processor and stops them, which on a
busy machine is long enough to answer a request or two. So it is waited for.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

STOP_LIMIT_S = 30.0
"""A thread that is in the middle of a write to a slow disk stops after it."""


def send(pids: tuple[int, ...], number: signal.Signals) -> None:
    """Signal each; one that is gone is fine. After SIGSTOP none of their threads runs any more."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    if number is signal.SIGSTOP:
        for pid in pids:
            _wait_until_stopped(pid)


def threads_that_run(pid: int) -> list[str]:
    """Its threads that are neither stopped nor gone, each as its line in /proc."""
    found = []
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            line = stat.read_text()
            if line.rpartition(")")[2].split()[0] not in "TtZX":
                found.append(line)
    return found


def _wait_until_stopped(pid: int) -> None:
    deadline = time.monotonic() + STOP_LIMIT_S
    while running := threads_that_run(pid):
        if time.monotonic() > deadline:
            raise AssertionError(f"process {pid} does not stop: {running}")
        time.sleep(0.001)
