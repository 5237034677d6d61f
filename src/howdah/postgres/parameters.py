"""Which settings of PostgreSQL may an operator change, and how are they written down?

Some belong to the safety protocol: their reasons are here, one a name. Five more are compared by hot standby and so
must be changed in an order over the whole cluster (`sensitive.py`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

SENSITIVE = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)
"""A standby whose value is below the primary's pauses or stops. Source: "Hot Standby", PostgreSQL 14-18."""

_VOTES = "it decides which commits are acknowledged, and is set from the record of voters"
_FOLLOWS = "the agent decides from whom this server receives the log; a server that voted must receive nothing"
_TARGET = "a standby must replay to the end of the log"
_CRASH = "a crash of the machine could lose acknowledged commits"
_PLACE = "agents, standbys and routers know the servers by it; set the node's own address in the agent's file"
_FILES = "the agent writes this file into the data directory"
_LOG = "the agent owns the server's log file"

PROTECTED: dict[str, str] = {
    "synchronous_standby_names": _VOTES,
    "primary_conninfo": _FOLLOWS,
    "primary_slot_name": _FOLLOWS,
    "restore_command": "a voter that fetches log from an archive would move after its vote",
    "promote_trigger_file": "only an election promotes",
    "recovery_target": _TARGET,
    "recovery_target_action": _TARGET,
    "recovery_target_inclusive": _TARGET,
    "recovery_target_lsn": _TARGET,
    "recovery_target_name": _TARGET,
    "recovery_target_time": _TARGET,
    "recovery_target_timeline": _TARGET,
    "recovery_target_xid": _TARGET,
    "recovery_end_command": "it would hold up a promotion",
    "recovery_min_apply_delay": "it belongs to one node: set that node's `delay`",
    "fsync": _CRASH,
    "full_page_writes": _CRASH + ", and pg_rewind needs it",
    "data_sync_retry": _CRASH,
    "wal_log_hints": "pg_rewind needs it",
    "hot_standby": "the agent must be able to log in on a standby",
    "restart_after_crash": "the agent restarts the server, and lets clients in only after a commit that a quorum has",
    "wal_receiver_create_temp_slot": "each member streams through its own slot",
    "wal_retrieve_retry_interval": "a failover waits for it",
    "zero_damaged_pages": "it destroys data; use it by hand on a copy",
    "ignore_checksum_failure": "it hides corruption, which would then be replicated",
    "port": _PLACE,
    "listen_addresses": _PLACE,
    "cluster_name": _PLACE,
    "unix_socket_directories": "the agent logs in through this socket",
    "data_directory": _FILES,
    "config_file": _FILES,
    "hba_file": _FILES,
    "ident_file": _FILES,
    "external_pid_file": "the agent finds the server by its data directory",
    "include": "a file that is read in could override what the protocol owns",
    "include_if_exists": "a file that is read in could override what the protocol owns",
    "include_dir": "a directory that is read in could override what the protocol owns",
    "logging_collector": _LOG,
    "log_destination": _LOG,
}
"""What an operator cannot set, and why. The sentence completes "... cannot be set, because"."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A setting that may be changed within bounds. `allows` judges the value as written; `otherwise` says why not."""

    allows: Callable[[str], bool]
    otherwise: str


def _one_of(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value.strip().lower() in allowed


def _not_zero(value: str) -> bool:
    return re.fullmatch(r"[+-]?0*(\.0*)?\s*[a-zA-Z]*", value.strip()) is None


def _at_least(least: int) -> Callable[[str], bool]:
    return lambda value: value.strip().isdecimal() and int(value) >= least


RESERVED_CONNECTIONS_MIN = 3
WAL_SENDERS_MIN = 6
"""A standby takes one, each clone in the making two, and a former connection holds one until it is ended."""
SLOTS_MIN = 4
CONNECTIONS_MIN = 20

LIMITS: dict[str, Limit] = {
    "synchronous_commit": Limit(
        _one_of("on", "remote_apply", "true", "yes", "1"),
        "must be on or remote_apply: with less, a commit is acknowledged that no standby has on disk. "
        "A single transaction may still choose less for itself",
    ),
    "wal_level": Limit(_one_of("replica", "logical"), "must be replica or logical: standbys need the whole log"),
    "max_slot_wal_keep_size": Limit(
        lambda value: not value.strip().startswith("-"),
        "must have a limit: without one a dead standby fills the primary's disk",
    ),
    "wal_sender_timeout": Limit(_not_zero, "must not be 0: a dead standby would hold its slot for ever"),
    "wal_receiver_timeout": Limit(_not_zero, "must not be 0: a standby would never notice a dead primary"),
    "wal_receiver_status_interval": Limit(_not_zero, "must not be 0: the primary would not learn what is flushed"),
    "password_encryption": Limit(
        _one_of("scram-sha-256"), "must be scram-sha-256: the router and the access rules know nothing else"
    ),
    "superuser_reserved_connections": Limit(
        _at_least(RESERVED_CONNECTIONS_MIN),
        f"must be at least {RESERVED_CONNECTIONS_MIN}: the agent logs in through these when clients have the rest",
    ),
    "max_wal_senders": Limit(
        _at_least(WAL_SENDERS_MIN), f"must be at least {WAL_SENDERS_MIN}: standbys and clones need them"
    ),
    "max_replication_slots": Limit(
        _at_least(SLOTS_MIN), f"must be at least {SLOTS_MIN}: each member streams through its own slot"
    ),
    "max_connections": Limit(_at_least(CONNECTIONS_MIN), f"must be a whole number, at least {CONNECTIONS_MIN}"),
}
"""What an operator may set within bounds."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")


def refusal(name: str, value: str) -> str:
    """Why an operator may not set this name to this value, as a sentence; "" if he may.

    Whether PostgreSQL knows the name and takes the value is `check_with_postgres`'s matter."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is not the name of a PostgreSQL parameter."
    if any(character in value for character in "\n\r\0"):
        return f"The value of {name} must be one line."
    known = name.lower()
    if known in PROTECTED:
        return f"{known} cannot be set, because {PROTECTED[known]}."
    limit = LIMITS.get(known)
    if limit is not None and not limit.allows(value):
        return f"{known} = {value!r} is refused: it {limit.otherwise}."
    return ""


def quote_value(value: str) -> str:
    """A value as it stands in postgresql.conf. Raises ValueError for what cannot stand on one line."""
    if any(character in value for character in "\n\r\0"):
        raise ValueError(f"a setting must be one line: {value!r}")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
