"""Where does a real node lie and listen, and what does it write there?"""

from dataclasses import dataclass
from pathlib import Path

from howdah.agent.statefile import StateFile
from howdah.cluster.localstate import LocalState
from howdah.postgres.layout import NodeLayout
from howdah.telemetry.journal import Entry, read_journal


@dataclass(frozen=True, slots=True)
class Berth:
    """Where a node listens, and the command before the agent's own that brings it there."""

    host: str
    port: int
    api_port: int
    within: tuple[str, ...] = ()


@dataclass(slots=True)
class NodePlace:
    """`root` is the node's directory."""

    name: str
    root: Path
    berth: Berth

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
    def state(self) -> LocalState:
        """What the agent keeps on disk."""
        return StateFile(self.layout.state).load()

    def journal(self, rule: str = "", since: str = "") -> list[Entry]:
        """What the agent decided and did, oldest first; `rule` picks one, `since` is an ISO time."""
        return [e for e in read_journal(self.layout.log) if e.at >= since and rule in ("", e.rule)]
