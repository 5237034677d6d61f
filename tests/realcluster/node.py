"""How is one node of a real cluster started and ended, and how does a client get in?"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml

from howdah.agent.node import socket_of
from howdah.postgres.layout import AGENT_ROLE, SUPERUSER
from tests.ports import free_port
from tests.realcluster.nodeplace import Berth
from tests.realcluster.nodeprocesses import NodeProcesses
from tests.realcluster.processes import kill_below
from tests.signals import send

PASSWORD = "superuser-password"
HERE = Path(__file__).parents[2]
POSTGRES_BIN = os.environ.get("HOWDAH_TEST_POSTGRES_BIN", "")
"""The programs of another PostgreSQL than the one that agents find by themselves."""
STRIPPED = ("HOWDAH_", "REPMGR", "POSTGRES", "PG")


def loopback(_name: str) -> Berth:
    """Ports of this machine that are free, for whatever node."""
    return Berth("127.0.0.1", free_port(), free_port())


@dataclass(slots=True)
class RealNode(NodeProcesses):
    """`document` is the agent's file, `environment` more variables for it; a test may change both before a start."""

    document: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start its agent, which starts everything else."""
        self.root.mkdir(exist_ok=True)
        self.config_file.write_text(yaml.safe_dump(self.document))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(STRIPPED)}
        with self.log_file.open("ab") as output:
            process = subprocess.Popen(
                [*self.berth.within, sys.executable, "-m", "howdah", "agent", "--config", str(self.config_file)],
                cwd=HERE,
                env=kept | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started.append(process)

    def kill(self) -> None:
        """SIGKILL everything of the node at once, as a power-off does to processes."""
        send(self.processes, signal.SIGSTOP)  # so that nobody reacts to another's death
        kill_below(self.root)
        self.reap()

    def stop(self, limit_s: float = 30.0) -> int:
        """SIGTERM to the agent, and wait for its end; its exit status."""
        send((self.agent,), signal.SIGTERM)
        return self.started[-1].wait(limit_s)

    def connect(self, inside: bool = False, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A session: a client's over TCP, or `inside`, as the agent logs in, also with the gate shut."""
        parameters: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": SUPERUSER,
            "password": PASSWORD,
            "dbname": "postgres",
            "connect_timeout": 2,
            "client_encoding": "utf8",  # an adopted database may have none of its own
            "autocommit": True,
        }
        if inside:
            parameters |= {"host": socket_of(self.layout, self.port), "user": AGENT_ROLE}
        return psycopg.connect(**(parameters | options))

    def sql(self, statement: str, inside: bool = False, **options: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement in a session of its own."""
        with self.connect(inside, **options) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, inside: bool = False) -> Any:
        """The first column of the first row; None if there is none, or the server does not let us in."""
        try:
            rows = self.sql(statement, inside)
        except psycopg.Error:
            return None
        return rows[0][0] if rows else None

    def writable(self) -> bool:
        """Whether a client is let in and could write here now."""
        return self.value("SELECT NOT pg_is_in_recovery()") is True


def agent_document(
    name: str, root: Path, berth: Berth, store: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of one agent of a test cluster."""
    return {
        "cluster": "test",
        "node": {"name": name, "root": str(root)},
        "postgresql": {
            "listen": berth.host,
            "port": berth.port,
            **({"bin": POSTGRES_BIN} if POSTGRES_BIN else {}),
        },
        "api": {"listen": berth.host, "port": berth.api_port},
        "store": dict(store),
        "secrets": {"superuser": PASSWORD, "replication": "replication-password", "api_token": "a-token-for-tests"},
        "initial": {"config": dict(config)},
    }
