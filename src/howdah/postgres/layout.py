"""Where do the parts of one node lie on disk?"""

from dataclasses import dataclass
from pathlib import Path

SUPERUSER = "postgres"
"""The operator's superuser, made by initdb; password in `secrets/superuser`."""
AGENT_ROLE = "howdah"
"""The agent's own superuser; logs in by peer over the socket, has no password."""
REPLICATION_ROLE = "howdah_replication"
"""Streams, clones, rewinds; password in `secrets/replication`."""
ROUTER_ROLE = "howdah_router"
"""Reads who may log in, and how the servers do; password in `secrets/router`."""


@dataclass(frozen=True, slots=True)
class NodeLayout:
    """Everything of a node lies under `root` (DIR/n1)."""

    root: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "data"

    @property
    def clone(self) -> Path:
        """A clone in the making; never started here."""
        return self.root / "data.clone"

    @property
    def old(self) -> Path:
        """The directory that a clone replaced, until the clone is past the floor."""
        return self.root / "data.old"

    @property
    def kept(self) -> Path:
        """A directory that was given up with the commits in it: it is never deleted, people decide."""
        return self.root / "data.kept"

    @property
    def diverged(self) -> Path:
        """WAL that a rewind took away, kept for people."""
        return self.root / "diverged"

    @property
    def state(self) -> Path:
        """The agent's durable state (`LocalState`)."""
        return self.root / "state.json"

    @property
    def log(self) -> Path:
        """Logs of the server, the agent and the dead-man."""
        return self.root / "log"

    @property
    def secrets(self) -> Path:
        """Passwords, one a file, readable by their owner only; `passfile` is libpq's."""
        return self.root / "secrets"
