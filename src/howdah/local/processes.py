"""Which processes of the cluster run? (Found by their command lines; no file can be out of date.)"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from howdah.local.place import Place
from howdah.local.refused import Refused
from howdah.postgres import gone
from howdah.postgres.layout import NodeLayout
from howdah.postgres.sharedmemory import release_shared_memory

PROC = Path("/proc")
AGENT_WORDS = ("-m", "howdah", "agent", "--config")
ROUTER_WORDS = ("-m", "howdah", "router", "--config")
STORE_WORDS = ("-m", "howdah.stores.sqlite.server", "--directory")
ETCD_WORD = "--data-dir"
DEADMAN_WORD = "howdah.agent.deadman.process"
POLL_S = 0.1
KILL_LIMIT_S = 10.0
"""SIGKILL takes milliseconds, unless the disk hangs."""


@dataclass(frozen=True, slots=True)
class Running:
    """A live process and its command line."""

    pid: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterProcesses:
    """One look. Nodes are names; servers are all processes that work in a node's data directories."""

    agents: dict[str, int]
    deadmen: dict[str, int]
    servers: dict[str, tuple[int, ...]]
    store: int | None
    router: int | None = None

    @property
    def any(self) -> bool:
        """Whether anything of the cluster is left."""
        return bool(self.agents or self.deadmen or self.servers or self.store or self.router)

    def of_node(self, name: str) -> str:
        """A node's processes in words; "" if there are none."""
        parts = [f"agent {self.agents[name]}"] if name in self.agents else []
        parts += [f"dead-man {self.deadmen[name]}"] if name in self.deadmen else []
        if servers := self.servers.get(name):
            parts.append(f"PostgreSQL {', '.join(map(str, servers))}")
        return ", ".join(parts)


def look(place: Place, names: Collection[str]) -> ClusterProcesses:
    """Look for everything. A millisecond for each process of the machine and node: no loop should do it often."""
    found = look_for_daemons(place, names)
    servers = {name: pids for name in names if (pids := server_processes(place, name))}
    return replace(found, servers=servers)


def look_for_daemons(place: Place, names: Collection[str]) -> ClusterProcesses:
    """Look through /proc once for what has a telling command line: agents, dead-men, the store and the
    router; no servers."""
    agents: dict[str, int] = {}
    deadmen: dict[str, int] = {}
    store = router = None
    files = {str(place.agent_file(name)): name for name in names}
    datas = {str(NodeLayout(place.node(name)).data): name for name in names}
    for process in running():
        words = process.words
        if word := after(words, AGENT_WORDS):
            if word in files:
                agents[files[word]] = process.pid
        elif after(words, ROUTER_WORDS) == str(place.router.file):
            if router is None or _parent(process.pid) != router:  # its workers have the same command line
                router = process.pid
        elif any(DEADMAN_WORD in word for word in words):
            if (data := after(words, ("--data",))) in datas:
                deadmen[datas[data]] = process.pid
        elif after(words, STORE_WORDS) == str(place.store) or _is_etcd(words, place):
            store = process.pid
    return ClusterProcesses(agents, deadmen, {}, store, router)


def _parent(pid: int) -> int:
    """0 for a process that is gone."""
    try:
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def release_what_was_killed(place: Place, names: Iterable[str]) -> None:
    """Remove the shared memory that killed servers of these nodes left; a server that runs keeps its own."""
    for name in names:
        for data in server_directories(place, name):
            with contextlib.suppress(OSError):
                release_shared_memory(data.stat())


def server_directories(place: Place, name: str) -> tuple[Path, ...]:
    """Where processes of a node's server may work: also in one that is being cloned or that was replaced."""
    layout = NodeLayout(place.node(name))
    return (layout.data, *(other for other in (layout.clone, layout.old) if other.exists()))


def server_processes(place: Place, name: str) -> tuple[int, ...]:
    """Every process of a node's server."""
    return tuple(pid for data in server_directories(place, name) for pid in gone.processes_of(data))


def running() -> Iterator[Running]:
    """Every process whose command line can be read; defunct ones have none."""
    for entry in os.scandir(PROC):
        if not entry.name.isdigit():
            continue
        try:
            line = (PROC / entry.name / "cmdline").read_bytes()
        except OSError:
            continue  # ended meanwhile, or another user's that is hidden
        if line:
            yield Running(int(entry.name), tuple(os.fsdecode(word) for word in line.rstrip(b"\0").split(b"\0")))


def after(words: tuple[str, ...], pattern: tuple[str, ...]) -> str:
    """The word behind the first place where these words stand in a row; "" if there is none."""
    length = len(pattern)
    for start in range(len(words) - length):
        if words[start : start + length] == pattern:
            return words[start + length]
    return ""


def end(pid: int, number: signal.Signals) -> None:
    """Signal one process. One that is gone is fine; raises Refused if it belongs to somebody else."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise Refused(
            f"process {pid} of the cluster belongs to another user. Run this as the one who started it, or as root."
        ) from None


def wait_until(condition: Callable[[], bool], limit_s: float) -> bool:
    """Look again and again; whether the condition held within the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def _is_etcd(words: tuple[str, ...], place: Place) -> bool:
    return after(words, (ETCD_WORD,)) == str(place.store / "data")
