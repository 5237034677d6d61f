"""How much processor time and memory did these processes use? From the operating system."""

from collections.abc import Iterable
from pathlib import Path

import psutil


def family(pid: int) -> list[int]:
    """The process and everything below it."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def processor_s(pids: Iterable[int]) -> float:
    """User and system time of these processes so far, in seconds; of one that has gone, nothing."""
    return sum(_precise_s(pid) for pid in pids)


def _precise_s(pid: int) -> float:
    """In nanoseconds of all its threads where the kernel keeps that, else in the 10 ms of utime and stime."""
    try:
        tasks = [task / "schedstat" for task in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    except (OSError, IndexError, ValueError):
        pass
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def memory_bytes(pids: Iterable[int]) -> int:
    """What these processes hold in memory, with their share of what several use (PSS)."""
    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total
