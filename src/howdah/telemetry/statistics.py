"""Under which names do PostgreSQL's statistics go to Prometheus?

The names and labels are those of postgres_exporter, so that existing dashboards and alerts go on working. It ends
few counters in `_total`, which the Prometheus client would insist on: such a metric is written as untyped, and
`rate()` works on it all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric

Value = str | int | float | bool | None
Rows = Sequence[Mapping[str, Value]]
"""The rows of one query, column by name."""

_DATABASE = ("datid", "datname")
_SLOT = ("slot_name", "slot_type")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: the query's column that it shows, and the columns that label it. `scale` multiplies the value."""

    name: str
    query: str
    column: str
    meaning: str
    labels: tuple[str, ...] = ()
    counter: bool = False
    scale: float = 1.0


def _columns(query: str, prefix: str, labels: tuple[str, ...], suffix: str, columns: dict[str, str]) -> list[Family]:
    """One counter for each column, named as the column is."""
    return [
        Family(f"{prefix}_{column}{suffix}", query, column, meaning, labels, counter=True)
        for column, meaning in columns.items()
    ]


FAMILIES: tuple[Family, ...] = (
    Family("pg_replication_lag_seconds", "server", "lag_seconds", "Replication lag behind the primary in seconds"),
    Family("pg_replication_is_replica", "server", "is_replica", "1 on a standby, 0 on a primary"),
    Family(
        "pg_replication_last_replay_seconds", "server", "last_replay_seconds", "Age of the last replayed transaction"
    ),
    Family("pg_postmaster_start_time_seconds", "server", "started", "When the server started, seconds since 1970"),
    Family("pg_static", "server", "one", "Version of the server, as labels", ("version", "short_version")),
    Family("pg_wal_segments", "server", "wal_segments", "Number of WAL segments"),
    Family("pg_wal_size_bytes", "server", "wal_bytes", "Total size of the WAL segments"),
    *(
        Family(f"pg_stat_replication_{column}", "replication", column, meaning,
               ("application_name", "client_addr", "state", "slot_name"))
        for column, meaning in (
            ("pg_current_wal_lsn_bytes", "WAL position of this server in bytes"),
            ("pg_wal_lsn_diff", "Bytes of WAL that the standby has not replayed"),
        )
    ),
    Family("pg_replication_slot_slot_current_wal_lsn", "slots", "current_wal_lsn", "WAL position of the server", _SLOT),
    Family(
        "pg_replication_slot_slot_confirmed_flush_lsn", "slots", "confirmed_flush_lsn",
        "Last position confirmed flushed to the slot", _SLOT,
    ),
    Family("pg_replication_slot_slot_is_active", "slots", "active", "Whether the slot is in use", _SLOT),
    Family(
        "pg_replication_slot_safe_wal_size_bytes", "slots", "safe_wal_size",
        "Bytes that can be written before the slot is in danger of being lost", _SLOT,
    ),
    Family(
        "pg_replication_slot_wal_status", "slots", "one", "Availability of the WAL that the slot claims",
        (*_SLOT, "wal_status"),
    ),
    Family("pg_replication_slots_active", "slots", "active", "Whether the slot is in use", ("slot_name", "database")),
    Family(
        "pg_replication_slots_pg_wal_lsn_diff", "slots", "pg_wal_lsn_diff", "Bytes of WAL that the slot holds back",
        ("slot_name", "database"),
    ),
    Family("pg_database_size_bytes", "databases", "size_bytes", "Disk space used by the database", ("datname",)),
    Family("pg_database_connection_limit", "databases", "connection_limit", "-1: no limit", ("datname",)),
    Family("pg_stat_database_numbackends", "databases", "numbackends", "Connected backends", _DATABASE),
    *_columns("databases", "pg_stat_database", _DATABASE, "", {
        "xact_commit": "Committed transactions", "xact_rollback": "Rolled back transactions",
        "blks_read": "Disk blocks read", "blks_hit": "Disk blocks found in the buffer cache",
        "tup_returned": "Rows returned by queries", "tup_fetched": "Rows fetched by queries",
        "tup_inserted": "Rows inserted", "tup_updated": "Rows updated", "tup_deleted": "Rows deleted",
        "conflicts": "Queries cancelled by conflicts with recovery", "temp_files": "Temporary files made",
        "temp_bytes": "Bytes written to temporary files", "deadlocks": "Deadlocks detected",
        "blk_read_time": "Milliseconds spent reading blocks", "blk_write_time": "Milliseconds spent writing blocks",
        "stats_reset": "When these statistics were last reset, seconds since 1970",
    }),
    Family(
        "pg_stat_database_active_time_seconds_total", "databases", "active_time",
        "Time spent executing statements", _DATABASE, counter=True, scale=0.001,
    ),
    *_columns("databases", "pg_stat_database_conflicts", _DATABASE, "", {
        "confl_tablespace": "Queries cancelled by dropped tablespaces", "confl_lock": "by lock timeouts",
        "confl_snapshot": "by old snapshots", "confl_bufferpin": "by pinned buffers", "confl_deadlock": "by deadlocks",
    }),
    Family("pg_stat_activity_count", "activity", "count", "Connections in this state", ("datname", "state")),
    Family(
        "pg_stat_activity_max_tx_duration", "activity", "max_tx_duration",
        "Longest running transaction of this state in seconds", ("datname", "state"),
    ),
    Family("pg_locks_count", "locks", "count", "Number of locks", ("datname", "mode")),
    *_columns("background", "pg_stat_bgwriter", (), "_total", {
        "checkpoints_timed": "Scheduled checkpoints", "checkpoints_req": "Requested checkpoints",
        "checkpoint_write_time": "Milliseconds writing files in checkpoints",
        "checkpoint_sync_time": "Milliseconds synchronising files in checkpoints",
        "buffers_checkpoint": "Buffers written in checkpoints", "buffers_clean": "Buffers written by the writer",
        "maxwritten_clean": "Times the writer stopped since it had written too many buffers",
        "buffers_backend": "Buffers written by backends", "buffers_backend_fsync": "fsync calls of backends",
        "buffers_alloc": "Buffers allocated", "stats_reset": "When these were last reset, seconds since 1970",
    }),
    *_columns("checkpointer", "pg_stat_checkpointer", (), "_total", {
        "num_timed": "Scheduled checkpoints", "num_requested": "Requested checkpoints",
        "restartpoints_timed": "Scheduled restartpoints", "restartpoints_req": "Requested restartpoints",
        "restartpoints_done": "Restartpoints done", "write_time": "Milliseconds writing files",
        "sync_time": "Milliseconds synchronising files", "buffers_written": "Buffers written",
        "stats_reset": "When these were last reset, seconds since 1970",
    }),
    *_columns("archiver", "pg_stat_archiver", (), "", {
        "archived_count": "WAL files archived", "failed_count": "Failed attempts to archive",
    }),
    Family("pg_stat_archiver_last_archive_age", "archiver", "last_archive_age", "Seconds since the last archived file"),
)  # fmt: skip

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def collect(rows: Mapping[str, Rows]) -> Iterator[Metric]:
    """The pg_* metrics of the rows that `postgres.statistics` read; `pg_up` 0 if there are none.

    A query that is missing (another version, or it failed) leaves its metrics out; so does a NULL."""
    up = Metric("pg_up", "Whether the last scrape could talk to PostgreSQL", "gauge")
    up.add_sample("pg_up", {}, 1.0 if rows else 0.0)
    yield up
    for family in FAMILIES:
        metric = Metric(family.name, family.meaning, "unknown" if family.counter else "gauge")
        for row in rows.get(family.query, ()):
            value = _number(row.get(family.column))
            if value is not None:
                labels = {label: str(_text(row.get(label))) for label in family.labels}
                metric.add_sample(family.name, labels, value * family.scale)
        if metric.samples:
            yield metric
    yield from settings(rows.get("settings", ()))


def settings(rows: Iterable[Mapping[str, Value]]) -> Iterator[Metric]:
    """pg_settings_<name>, with the unit turned into seconds or bytes and named; -1 stays -1."""
    for row in rows:
        value = _number(row.get("setting"))
        if value is None:
            continue
        name = "pg_settings_" + str(row["name"]).replace(".", "_").replace("-", "_")
        unit, factor = _unit(str(row.get("unit") or ""))
        if unit:
            name += f"_{unit}"
        metric = Metric(name, str(row.get("short_desc") or ""), "gauge")
        metric.add_sample(name, {}, value if value == -1 else value * factor)
        yield metric


def _unit(unit: str) -> tuple[str, float]:
    """The unit of a setting ("8kB", "min") as seconds or bytes, and the factor."""
    if unit in _SECONDS:
        return "seconds", _SECONDS[unit]
    number = unit.rstrip("kMGTB")
    if unit[len(number) :] in _BYTES and (not number or number.isdigit()):
        return "bytes", float(int(number or 1) * _BYTES[unit[len(number) :]])
    return "", 1.0


def _number(value: Value) -> float | None:
    if value is None:
        return None
    if value in ("on", "off"):
        return float(value == "on")
    try:
        return float(value)
    except ValueError:
        return None


def _text(value: Value) -> Value:
    return "" if value is None else value
