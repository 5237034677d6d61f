"""What does an agent ask of its own PostgreSQL server?

Four interfaces: the process, the data directory, a server in recovery, and a primary. Methods that talk SQL use the
reserved connections and `synchronous_commit = local`, so that they never wait for standbys themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from howdah.cluster.serverfacts import DirectoryFacts, ReplayView, ServerFacts, Walsender
from howdah.values.address import Address
from howdah.values.lsn import Lsn


class PostgresFailure(Exception):
    """An operation on the local server failed; the message names the thing and the mend."""


class SqlFailed(PostgresFailure):
    """No answer to a statement: refused, reset, timed out, or an error of the server."""


class ConnectionsTaken(SqlFailed):
    """The server answered a login: all its connections are taken, those reserved for superusers too, or clients that
    have not proved yet who they are stand in the way. It is alive."""


class ServerSurvives(PostgresFailure):
    """A process of the server could not be ended in time. It must not be taken for gone."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a standby streams from, under which name and through which slot ("": none)."""

    address: Address
    application_name: str
    slot: str


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """All that the agent writes into the server's configuration files.

    `upstream` None blanks primary_conninfo and restore_command. `sync_names` is the whole text of
    synchronous_standby_names. `gate_open` lets clients in (otherwise only agents and replication).
    `parameters` are the operator's; protected ones have been refused before they come here.
    `may_lower` is set only just before a planned restart of a primary: otherwise the parameters that hot standby
    compares are not written lower than the log asks for, so that the server can always start in recovery.
    `running`: the files are for a reload, and will be written again before the next start; so they are replaced in one
    step, but need not outlast a crash of the machine. That keeps three fsyncs off the path of a failover.
    """

    upstream: Upstream | None
    sync_names: str
    gate_open: bool
    parameters: Mapping[str, str] = field(default_factory=dict)
    replay_delay_ms: int = 0
    may_lower: bool = False
    running: bool = False


@dataclass(frozen=True, slots=True)
class ProcessView:
    """`alive` counts processes whose working directory is the data directory, children of dead ones too."""

    postmaster: int | None
    alive: int


class ServerProcess(Protocol):
    """The server as processes. "Stopped" means that no process of it is left."""

    def view(self) -> ProcessView:
        """What runs now. Cheap: no SQL."""
        ...

    async def start(self, recovery: bool, limit_ms: int) -> None:
        """Start with (or without) standby.signal; return once the agent can log in. Verifies first that nothing
        of an earlier start is left. Raises PostgresFailure with the log's last lines."""
        ...

    async def stop_fast(self, limit_ms: int) -> bool:
        """Fast shutdown. True: ended by itself within the limit, all gone. False: still running."""
        ...

    async def kill(self) -> None:
        """SIGKILL every process of the server until none is left. Raises ServerSurvives."""
        ...

    async def reload(self) -> None:
        """SIGHUP to the postmaster; each process applies it at its own time."""
        ...

    async def exited(self) -> None:
        """Return when the postmaster that runs now has ended (at once if none runs)."""
        ...


class DataDirectory(Protocol):
    """The server's files. A clone is made beside the old directory, which goes only at `install_clone`."""

    def inspect(self) -> DirectoryFacts:
        """What lies there now."""
        ...

    def configure(self, settings: ServerSettings) -> None:
        """Write configuration and pg_hba files. Takes effect at the next start or reload."""
        ...

    async def initialise(self) -> Mapping[str, str]:
        """initdb with checksums, SCRAM and the roles that agents use; the directory must be EMPTY, or made so
        before by an agent that died before it gave it its identity: then nothing is made anew. Or an existing
        directory is adopted: then the parameters that it had set and that may go on as the cluster's, else none."""
        ...

    async def clone(self, source: Address) -> None:
        """pg_basebackup from that server into the directory beside, under a name no voter has."""
        ...

    def install_clone(self, keep_aside: bool = False) -> None:
        """Put the finished clone in the old directory's place; the old one is kept until `discard_old`, or
        (`keep_aside`) for ever, under another name."""
        ...

    async def discard_old(self) -> None:
        """Delete replaced directories and unfinished clones, beside the event loop: it may take minutes."""
        ...

    async def rewind(self, source: Address) -> None:
        """pg_rewind against that server; the server must be stopped. Keeps diverged WAL aside."""
        ...

    def write_identity(self, identity: str) -> None:
        """Write the member id into the directory, durably (last step of a clone or rewind)."""
        ...


class Standby(Protocol):
    """SQL on a server in recovery."""

    async def observe(self, new_connection: bool = True) -> ServerFacts:
        """Everything of a running server, primary too. A new connection also shows that the server lets one in, and
        the settings as the postmaster has them; within a procedure that proved both a kept one does. Raises
        SqlFailed."""
        ...

    async def replay(self, new_connection: bool = True) -> ReplayView:
        """What the revocation's proofs need. Only a new connection shows the setting as the postmaster has it; for the
        other proofs a kept one does."""
        ...

    async def pause_replay(self) -> None:
        """Ask for `paused`; reaching it is seen in `replay`."""
        ...

    async def resume_replay(self) -> None:
        """Resume replay; no effect if it runs."""
        ...

    async def end_conflicting_queries(self) -> int:
        """End client queries on this standby, which could hold replay; how many."""
        ...

    async def next_timeline(self) -> int:
        """The timeline that a promotion would make now: PostgreSQL looks one number at a time from its own."""
        ...

    async def promote(self, limit_ms: int) -> bool:
        """Promote and wait; True once it is out of recovery. False does not cancel the promotion."""
        ...


@dataclass(frozen=True, slots=True)
class ClientWork:
    """`routers`: connections by which routers look at this server. `transactions`: client sessions, theirs excepted,
    that are in a statement or a transaction."""

    routers: int
    transactions: int


class Primary(Protocol):
    """SQL on a primary."""

    async def write_barrier(self, term: int, holder: str) -> Lsn:
        """Write the term row of schema howdah and return the LSN after its commit."""
        ...

    async def walsenders(self) -> tuple[Walsender, ...]:
        """pg_stat_replication as it is now (on a kept connection: this is polled)."""
        ...

    async def end_walsenders(self, pids: tuple[int, ...]) -> None:
        """Terminate these walsenders and wait until they are gone."""
        ...

    async def end_client_sessions(self) -> int:
        """Terminate every client backend but the agent's; how many there were."""
        ...

    async def client_work(self) -> ClientWork:
        """What clients do at this moment."""
        ...

    async def show(self, name: str) -> str:
        """A setting as a new connection sees it."""
        ...

    async def loaded(self) -> str:
        """When the postmaster last read its settings, as a new connection was told: another word after each reload
        that was carried out."""
        ...

    async def checkpoint(self) -> None:
        """CHECKPOINT, to its end."""
        ...

    async def oldest_wal(self) -> Lsn:
        """Where the WAL that is still kept begins: a standby whose log ends before it can never stream from here."""
        ...

    async def keep_slots(self, names: tuple[str, ...], drop_others: bool) -> tuple[str, ...]:
        """Make the missing slots of the nodes of these names, replace those whose WAL is lost, and (if asked) drop
        other `howdah_*` ones that nobody uses; what it did, in sentences."""
        ...
