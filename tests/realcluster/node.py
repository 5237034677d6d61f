"""One node of a real cluster, as a test handles it: its files, its processes, its server."""

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
from howdah.agent.statefile import StateFile
from howdah.cluster.localstate import LocalState
from howdah.postgres import gone
from howdah.postgres.account import choose_account
from howdah.postgres.layout import AGENT_ROLE, SUPERUSER, NodeLayout
from howdah.telemetry.journal import Entry, read_journal
from tests.ports import free_port
from tests.realcluster.processes import command_line, eventually, kill_below, processes_below
from tests.signals import send

PASSWORD = "superuser-password"
HERE = Path(__file__).parents[2]
POSTGRES_BIN = os.environ.get("HOWDAH_TEST_POSTGRES_BIN", "")
"""The programs of another PostgreSQL than the one that agents find by themselves."""
STRIPPED = ("HOWDAH_", "REPMGR", "POSTGRES", "PG")


@dataclass(frozen=True, slots=True)
class Berth:
    """Where a node listens, and the command before the agent's own that brings it there."""

    host: str
    port: int
    api_port: int
    within: tuple[str, ...] = ()


def loopback(_name: str) -> Berth:
    """Ports of this machine that are free, for whatever node."""
    return Berth("127.0.0.1", free_port(), free_port())


@dataclass(slots=True)
class RealNode:
    """`document` is the agent's file, `environment` more variables for it; a test may change both before a start."""

    name: str
    root: Path
    berth: Berth
    document: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """The address of its server and its agent."""
        return self.berth.host

    @property
    def port(self) -> int:
        """Its server's port."""
        return self.berth.port

    @property
    def api_port(self) -> int:
        """Its agent's port."""
        return self.berth.api_port

    @property
    def layout(self) -> NodeLayout:
        """Where its parts lie."""
        return NodeLayout(self.root)

    @property
    def config_file(self) -> Path:
        """The agent's settings."""
        return self.root / "agent.yaml"

    @property
    def log_file(self) -> Path:
        """What the agent writes to its standard output and error."""
        return self.root / "agent.out"

    @property
    def agent(self) -> int:
        """The agent's pid; 0 when none runs."""
        if not self.started or self.started[-1].poll() is not None:
            return 0
        return self.started[-1].pid

    @property
    def postmaster(self) -> int:
        """The postmaster's pid, 0 when none runs."""
        pid = gone.recorded_postmaster(self.layout.data)
        return pid if pid and gone.belongs(pid, self.layout.data) else 0

    @property
    def server(self) -> tuple[int, ...]:
        """Every process of its server."""
        return gone.processes_of(self.layout.data)

    @property
    def processes(self) -> tuple[int, ...]:
        """Every process of the node: agent, dead-man, server, programs under way."""
        return processes_below(self.root)

    @property
    def deadman(self) -> int:
        """The dead-man's pid, 0 when none runs."""
        return next((pid for pid in self.processes if "deadman" in command_line(pid)), 0)

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

    def reap(self) -> None:
        """Take the exit status of agents that ended."""
        for process in self.started:
            process.poll()

    def freeze(self) -> tuple[int, ...]:
        """SIGSTOP everything of the node; who was stopped."""
        frozen: tuple[int, ...] = ()
        while True:
            found = self.processes
            if set(found) <= set(frozen):
                return frozen
            send(found, signal.SIGSTOP)
            frozen = found

    def thaw(self) -> None:
        """SIGCONT everything of the node."""
        send(self.processes, signal.SIGCONT)

    def stop(self, limit_s: float = 30.0) -> int:
        """SIGTERM to the agent, and wait for its end; its exit status."""
        send((self.agent,), signal.SIGTERM)
        return self.started[-1].wait(limit_s)

    def titled(self, title: str) -> int:
        """The pid of the server's process with this in its title ("startup", "walreceiver", "checkpointer")."""

        def look() -> int:
            return next((pid for pid in self.server if title in command_line(pid)), 0)

        return eventually(look, f"{self.name} has a process {title!r}")

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
            parameters |= {"host": socket_of(self.layout, self.port, choose_account()), "user": AGENT_ROLE}
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

    @property
    def state(self) -> LocalState:
        """What the agent keeps on disk."""
        return StateFile(self.layout.state).load()

    def journal(self, rule: str = "", since: str = "") -> list[Entry]:
        """What the agent decided and did, oldest first; `rule` picks one, `since` is an ISO time."""
        return [e for e in read_journal(self.layout.log) if e.at >= since and rule in ("", e.rule)]

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
