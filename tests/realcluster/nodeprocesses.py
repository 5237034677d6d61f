"""Which processes does a real node have, and how does a test stop them and let them go on?"""

import signal
import subprocess
from dataclasses import dataclass, field

from howdah.postgres import gone
from tests.realcluster.nodeplace import NodePlace
from tests.realcluster.processes import command_line, eventually, processes_below
from tests.signals import send


@dataclass(slots=True)
class NodeProcesses(NodePlace):
    """`started`: the agents that a test has started, the last one last."""

    started: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

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

    def titled(self, title: str) -> int:
        """The pid of the server's process with this in its title ("startup", "walreceiver", "checkpointer")."""

        def look() -> int:
            return next((pid for pid in self.server if title in command_line(pid)), 0)

        return eventually(look, f"{self.name} has a process {title!r}")

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
