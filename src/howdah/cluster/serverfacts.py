"""What can be seen of a PostgreSQL server and of its data directory?"""

from dataclasses import dataclass
from enum import StrEnum

from howdah.values.address import Address
from howdah.values.lsn import NO_LSN, Lsn


class DirectoryState(StrEnum):
    """What the data directory is, judged without starting it."""

    EMPTY = "empty"
    FOREIGN = "foreign"  # something else than this node's data: never touched
    READY = "ready"
    BROKEN = "broken"  # ours, but pg_control or the like is missing or unreadable


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """The data directory from outside. `identity` is the id inside it; `clean` means shut down cleanly, `full` that
    its file system has no room for another segment of WAL."""

    state: DirectoryState
    identity: str = ""
    system_identifier: str = ""
    major_version: int = 0
    clean: bool = False
    timeline: int = 0
    checkpoint_lsn: Lsn = NO_LSN
    end_lsn: Lsn = NO_LSN  # end of the shutdown checkpoint's record if `clean`, else NO_LSN
    explanation: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One ancestor in a timeline history file: this timeline ended at that LSN."""

    timeline: int
    end_lsn: Lsn


@dataclass(frozen=True, slots=True)
class Walsender:
    """A row of pg_stat_replication. `started_ms` is backend_start in wall milliseconds."""

    pid: int
    application_name: str
    state: str
    flush_lsn: Lsn
    replay_lsn: Lsn
    sync_priority: int
    started_ms: int


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One observation of a running server through a new connection.

    `timeline` is that of the last WAL record (IDENTIFY_SYSTEM), `history` its ancestors, oldest first.
    `end_lsn` is the flushed end of the log: on a standby the larger of received and replayed.
    `upstream` is where primary_conninfo points now (None: blank); `receiving` whether a receiver streams.
    """

    in_recovery: bool
    system_identifier: str
    timeline: int
    history: tuple[HistoryStep, ...]
    end_lsn: Lsn
    replay_lsn: Lsn
    checkpoint_timeline: int
    upstream: Address | None = None
    upstream_name: str = ""  # application_name in primary_conninfo
    receiving: bool = False
    replay_paused: bool = False
    replay_lag_ms: int = 0
    sync_setting: str = ""
    clients: int = 0
    version: int = 0  # server_version_num
    collation: str = ""
    sensitive: tuple[tuple[str, int], ...] = ()  # max_connections and its like, which hot standby checks
    pending_restart: tuple[str, ...] = ()
    walsenders: tuple[Walsender, ...] = ()
    slots: tuple[str, ...] = ()
    lost_slot: bool = False  # the primary no longer has the WAL this standby needs


@dataclass(frozen=True, slots=True)
class ReplayView:
    """What the proofs of a revocation look at, read together in one new connection.

    `receivers` counts `walreceiver` rows of pg_stat_activity: one that is still connecting has no row in
    pg_stat_wal_receiver. `startup_waits` is the wait event of the startup process.
    """

    shown_conninfo: str
    shown_restore_command: str
    pause_state: str  # "not paused" | "pause requested" | "paused"
    receivers: int
    startup_waits: str
    received_lsn: Lsn
    replayed_lsn: Lsn
    timeline: int
