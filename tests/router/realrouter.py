"""A router process in front of a real cluster."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from howdah.postgres.layout import SUPERUSER
from tests.ports import free_port
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import HERE, PASSWORD
from tests.realcluster.processes import eventually


@dataclass
class RealRouter:
    """`log`: what it wrote."""

    port: int
    log: str
    process: subprocess.Popen[bytes]

    def conninfo(self, **options: Any) -> str:
        """Where an application connects to."""
        where = {"host": "127.0.0.1", "port": self.port, "user": SUPERUSER, "password": PASSWORD, "dbname": "postgres"}
        return psycopg.conninfo.make_conninfo("", **{**where, **options})

    def connect(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A client."""
        return psycopg.connect(self.conninfo(), autocommit=True, **options)


@contextlib.contextmanager
def router_before(cluster: RealCluster, package: Path | None = None, **settings: Any) -> Iterator[RealRouter]:
    """Ends with the block; every client that is left is gone then. `package`: a directory with another copy of
    Howdah that is to run."""
    port = free_port()
    node = cluster.primary()
    document = {
        "listen": {"port": port},
        "health": {"port": 0},
        "store": {"kind": "sqlite", "directory": str(cluster.store.directory)},
        "secrets": {"router_file": str(node.layout.root / "secrets" / "router")},
        **settings,
    }
    directory = cluster.root / f"router-{port}"
    directory.mkdir()
    file = directory / "router.yaml"
    file.write_text(yaml.safe_dump(document))
    log = directory / "router.log"
    command = [sys.executable, "-m", "howdah", "router", "--config", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(package)} if package is not None else None
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=HERE, env=environment, stdout=output, stderr=output)
    router = RealRouter(port, str(log), process)
    try:
        eventually(lambda: _answers(router), f"the router answers: {log.read_text()[-2000:]}")
        yield router
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert "Traceback" not in log.read_text(), log.read_text()[-4000:]


def _answers(router: RealRouter) -> bool:
    assert router.process.poll() is None, "the router ended"
    with contextlib.suppress(psycopg.Error), router.connect(connect_timeout=5) as client:
        client.execute("SELECT 1")
        return True
    return False
