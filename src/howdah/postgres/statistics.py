"""Which statistics does the agent read from its server for /metrics?

A few statements on one connection, each returning its rows as JSON. What a version does not have is not asked for.
Every statement stands by itself: one that fails (a database dropped meanwhile, a slow disk) costs only its own rows.
"""

import json
from collections.abc import Mapping, Sequence

from howdah.postgres.connection import LocalSql, ServerObjected

Value = str | int | float | bool | None

READ_LIMIT_MS = 4000
"""For all statements together; Prometheus gives up after 10 s by default, and sizes of many databases take time."""

_HERE = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END"

_SERVER = """
    SELECT 1 AS one, version() AS version, current_setting('server_version') AS short_version,
           pg_is_in_recovery()::int AS is_replica,
           CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END AS lag_seconds,
           greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) AS last_replay_seconds,
           extract(epoch FROM pg_postmaster_start_time()) AS started,
           wal.segments AS wal_segments, wal.bytes AS wal_bytes
      FROM (SELECT count(*) AS segments, sum(size) AS bytes FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$') AS wal
"""

_REPLICATION = f"""
    SELECT r.application_name, r.client_addr, r.state, s.slot_name,
           {_HERE} - '0/0'::pg_lsn AS pg_current_wal_lsn_bytes, {_HERE} - r.replay_lsn AS pg_wal_lsn_diff
      FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid
"""

_SLOTS = f"""
    SELECT 1 AS one, slot_name, slot_type, database, active::int AS active, wal_status, safe_wal_size,
           {_HERE} - '0/0'::pg_lsn AS current_wal_lsn, {_HERE} - restart_lsn AS pg_wal_lsn_diff,
           CASE WHEN active THEN coalesce(confirmed_flush_lsn, '0/0') - '0/0'::pg_lsn END AS confirmed_flush_lsn
      FROM pg_replication_slots
"""

_DATABASES = """
    SELECT s.datid::text, s.datname, s.numbackends, s.xact_commit, s.xact_rollback, s.blks_read, s.blks_hit,
           s.tup_returned, s.tup_fetched, s.tup_inserted, s.tup_updated, s.tup_deleted, s.conflicts, s.temp_files,
           s.temp_bytes, s.deadlocks, s.blk_read_time, s.blk_write_time, s.active_time,
           coalesce(extract(epoch FROM s.stats_reset), 0) AS stats_reset,
           c.confl_tablespace, c.confl_lock, c.confl_snapshot, c.confl_bufferpin, c.confl_deadlock,
           d.datconnlimit AS connection_limit, pg_database_size(d.oid) AS size_bytes
      FROM pg_stat_database AS s JOIN pg_database AS d ON d.oid = s.datid
      LEFT JOIN pg_stat_database_conflicts AS c USING (datid)
"""

_ACTIVITY = """
    SELECT d.datname, states.state, count(a.pid) AS count,
           coalesce(max(extract(epoch FROM now() - a.xact_start)), 0) AS max_tx_duration
      FROM pg_database AS d
     CROSS JOIN (VALUES ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)'),
                        ('fastpath function call'), ('disabled')) AS states(state)
      LEFT JOIN pg_stat_activity AS a ON a.datname = d.datname AND a.state = states.state
     WHERE d.datallowconn GROUP BY 1, 2
"""

_LOCKS = """
    SELECT d.datname, lower(l.mode) AS mode, count(*) AS count
      FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database GROUP BY 1, 2
"""

_SETTINGS = """
    SELECT name, setting, unit, short_desc FROM pg_settings WHERE vartype IN ('bool', 'integer', 'real')
"""

_ARCHIVER = """
    SELECT archived_count, failed_count, extract(epoch FROM now() - last_archived_time) AS last_archive_age
      FROM pg_stat_archiver
"""

_SINCE = "coalesce(extract(epoch FROM stats_reset), 0) AS stats_reset"

_BACKGROUND_TO_16 = f"""
    SELECT checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint,
           buffers_clean, maxwritten_clean, buffers_backend, buffers_backend_fsync, buffers_alloc, {_SINCE}
      FROM pg_stat_bgwriter
"""
_BACKGROUND = f"SELECT buffers_clean, maxwritten_clean, buffers_alloc, {_SINCE} FROM pg_stat_bgwriter"
_CHECKPOINTER = f"""
    SELECT num_timed, num_requested, restartpoints_timed, restartpoints_req, restartpoints_done, write_time, sync_time,
           buffers_written, {_SINCE} FROM pg_stat_checkpointer
"""

_ALWAYS = {
    "server": _SERVER,
    "replication": _REPLICATION,
    "slots": _SLOTS,
    "databases": _DATABASES,
    "activity": _ACTIVITY,
    "locks": _LOCKS,
    "settings": _SETTINGS,
    "archiver": _ARCHIVER,
}


def queries(version: int) -> dict[str, str]:
    """The statements for a server of this server_version_num, by name."""
    if version >= 170000:
        return _ALWAYS | {"background": _BACKGROUND, "checkpointer": _CHECKPOINTER}
    return _ALWAYS | {"background": _BACKGROUND_TO_16}


async def read_statistics(sql: LocalSql, limit_ms: int = READ_LIMIT_MS) -> dict[str, Sequence[Mapping[str, Value]]]:
    """The rows of each statement, by its name. Raises SqlFailed when there is no server to talk to."""
    found: dict[str, Sequence[Mapping[str, Value]]] = {}
    async with sql.session(limit_ms) as connection:
        for name, statement in queries(connection.server_version).items():
            try:
                ((rows,),) = await connection.query(f"SELECT coalesce(json_agg(q), '[]') FROM ({statement}) AS q")
            except ServerObjected:
                continue
            found[name] = json.loads(rows or "[]")
    return found
