"""A whole cluster of `howdah up`, run through the command line, and removed whatever happens."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from howdah.local.place import Place
from howdah.local.processes import ClusterProcesses, look, server_directories, wait_until
from howdah.postgres import gone

FIRST_PORT = 16500 + 200 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Test files that run side by side look for ports in different places."""
NAMES = tuple(f"n{number}" for number in range(1, 6))


class UpCluster:
    """The command line on one directory."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root)

    def howdah(self, *words: str, limit_s: float = 150) -> subprocess.CompletedProcess[str]:
        """Run a command; its output is kept."""
        return subprocess.run(
            [sys.executable, "-m", "howdah", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The tests' own, with this cluster named."""
        return {**os.environ, "HOWDAH_DATA": str(self.place.root)}

    def done(self, *words: str) -> str:
        """Run a command that must succeed; what it prints."""
        answer = self.howdah(*words)
        assert answer.returncode == 0, f"{words}: {answer.stdout}\n{answer.stderr}"
        return answer.stdout

    def up(self, *words: str) -> str:
        """Start it, detached."""
        return self.done("up", "--detach", "--port", str(self.port), *words)

    @property
    def port(self) -> int:
        """The router's port: what it was, or where to begin to look."""
        if not self.place.exists:
            return FIRST_PORT
        return int(self.place.plan.read_text().partition("port: ")[2].split()[0])

    def status(self) -> dict[str, Any]:
        """The document of `status --json`."""
        document = json.loads(self.howdah("status", "--json").stdout)
        assert isinstance(document, dict)
        return document

    def states(self) -> dict[str, str]:
        """Each node's state."""
        return {node["name"]: node["state"] for node in self.status()["nodes"]}

    def processes(self) -> ClusterProcesses:
        """What runs of it."""
        return look(self.place, NAMES)

    def heals(self, limit_s: float = 60) -> bool:
        """Whether a primary serves and everybody follows within the limit."""

        def healthy() -> bool:
            document = self.status()
            return document["serving"] and {n["state"] for n in document["nodes"]} <= {"running", "streaming"}

        return wait_until(healthy, limit_s)

    def remove(self) -> None:
        """Kill what is left and delete the directory."""
        left = self.processes()
        for pid in (
            *left.agents.values(),
            *left.deadmen.values(),
            *((left.store,) if left.store else ()),
            *((left.router,) if left.router else ()),
        ):
            os.kill(pid, 9)
        for name in left.servers:
            for data in server_directories(self.place, name):
                gone.kill_all(data, 10_000)
        shutil.rmtree(self.place.root.parent, ignore_errors=True)


@contextmanager
def up_cluster() -> Iterator[UpCluster]:
    """A directory under /tmp that any account can enter, and nothing of it left afterwards."""
    parent = Path(tempfile.mkdtemp(prefix="howdah-up-", dir="/tmp"))
    parent.chmod(0o755)
    cluster = UpCluster(parent / "cluster")
    try:
        yield cluster
    finally:
        cluster.remove()
