"""What does the agent write into postgresql.conf, and why?

The file is the agent's alone: it includes nothing. Three layers, later ones win: defaults that an operator may
change, the operator's parameters, and what the safety protocol owns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from howdah.ports.postgres import PostgresFailure, ServerSettings
from howdah.postgres.conninfo import conninfo
from howdah.postgres.parameters import quote_value, refusal

DEFAULTS: Mapping[str, str] = {
    "max_connections": "100",
    "max_worker_processes": "8",
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "64",
    "max_wal_senders": "16",  # a few nodes, each with a clone and a stale connection to spare
    "max_replication_slots": "16",
    "superuser_reserved_connections": "6",  # the agent's probe, its kept session and people
    "wal_level": "replica",
    "wal_keep_size": "128MB",  # a standby without its slot can still go on after a short break
    "max_slot_wal_keep_size": "2GB",  # what a dead standby may cost the primary's disk; past it the standby is cloned
    "wal_sender_timeout": "5s",  # how long a dead connection holds its slot
    "wal_receiver_timeout": "5s",
    "wal_receiver_status_interval": "1s",  # flushes are reported at once anyhow; this is for replay positions
    "hot_standby_feedback": "on",  # reads on standbys are not cancelled by vacuum on the primary
    "recovery_init_sync_method": "syncfs",  # before crash recovery: one call instead of an fsync for every file
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "tcp_keepalives_idle": "10",  # clients whose machine vanished keep no session
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25s",  # nor where an answer to them is still under way, for which no keepalive is sent
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "lc_messages": "C",  # messages in one language, so that they can be looked up
    "default_text_search_config": "pg_catalog.english",
}
"""Set unless the operator sets something else."""

OWNED: Mapping[str, str] = {
    "hot_standby": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "wal_log_hints": "on",
    "restart_after_crash": "off",
    "wal_retrieve_retry_interval": "100ms",  # one failed first connect costs 4.6 s at PostgreSQL's default
    "wal_receiver_create_temp_slot": "off",
    "restore_command": "",
    "recovery_target_timeline": "latest",
    "log_destination": "stderr",
    "logging_collector": "off",  # the agent opened the log file before it started the server
}
"""What the protocol owns and what never changes; the rest of it is in `owned_settings`."""

HEADER = """\
# Written by Howdah, which replaces this file: nothing that is changed here lasts.
# To change a parameter on every server:  howdah config set postgresql.parameters.NAME=VALUE
"""


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """What a server's settings hold of its node: its name, where it listens, and the password file for its upstream.

    `socket` is the directory of the Unix socket, or "@name" for one without a file. `listen` are IP addresses or
    names of this machine, or "*".
    """

    name: str
    listen: tuple[str, ...]
    port: int
    socket: str
    passfile: Path


def effective_settings(place: ServerPlace, settings: ServerSettings) -> dict[str, str]:
    """Every parameter in the file with its value. Raises PostgresFailure for a parameter that is refused."""
    faults = [fault for name, value in settings.parameters.items() if (fault := refusal(name, value))]
    if faults:
        raise PostgresFailure(" ".join(faults))
    operators = {name.lower(): value for name, value in settings.parameters.items()}
    return {**DEFAULTS, **operators, **OWNED, **owned_settings(place, settings)}


def owned_settings(place: ServerPlace, settings: ServerSettings) -> dict[str, str]:
    """The settings that change with the server's role, and those of its place."""
    upstream = settings.upstream
    follows = conninfo(upstream.address, upstream.application_name, place.passfile) if upstream else ""
    return {
        "cluster_name": place.name,
        "listen_addresses": ",".join(place.listen),
        "port": str(place.port),
        "unix_socket_directories": place.socket,
        "synchronous_standby_names": settings.sync_names,
        "primary_conninfo": follows,
        "primary_slot_name": upstream.slot if upstream else "",
        "recovery_min_apply_delay": f"{settings.replay_delay_ms}ms",
    }


def render_settings(values: Mapping[str, str]) -> str:
    """The text of postgresql.conf. Raises ValueError for a value that is not one line."""
    lines = [f"{name} = {quote_value(value)}" for name, value in sorted(values.items())]
    return HEADER + "\n".join(lines) + "\n"
