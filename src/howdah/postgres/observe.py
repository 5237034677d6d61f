"""What is there to see on a running server, and how is it read at the least cost?

One statement returns one JSON document, since the agent asks every second. It calls the functions below the pg_stat_
views: to a new connection, whose caches are empty, planning the views costs more than what they show. Only the
timeline of a server in recovery is not to be had in SQL: pg_control knows it since the last restartpoint, and a
receiver's timeline runs ahead of replay. IDENTIFY_SYSTEM tells it, together with the LSN that belongs to it.
"""

import json
from functools import lru_cache
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from howdah.cluster.serverfacts import HistoryStep, ReplayView, ServerFacts, Walsender
from howdah.ports.postgres import SqlFailed
from howdah.postgres.connection import KeptSql, Row, SqlConnection
from howdah.postgres.history import history_file, parse_history
from howdah.values.address import Address
from howdah.values.lsn import NO_LSN, Lsn, parse_lsn

DEFAULT_PORT = 5432
HISTORY_BYTES_MAX = 1 << 20

SENSITIVE = (
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
)
"""Settings that may not be smaller on a standby than they were on the primary when the WAL was written."""

WALSENDERS = """
    SELECT pid, coalesce(a.application_name, '') AS name, coalesce(w.state, '') AS state, w.flush_lsn::text AS flush,
           w.replay_lsn::text AS replay, coalesce(w.sync_priority, 0) AS priority,
           (extract(epoch FROM a.backend_start) * 1000)::bigint AS started
      FROM pg_stat_get_wal_senders() AS w JOIN pg_stat_get_activity(NULL) AS a USING (pid)
     WHERE a.usesysid IS DISTINCT FROM current_user::regrole
"""
"""The columns of a `Walsender`, as pg_stat_replication has them. The agent's own connection that asks
IDENTIFY_SYSTEM is none of them."""

COLUMNS = "pid, name, state, flush, replay, priority, started"


def _collation(version: int) -> str:
    """The expression for the provider, locale and version of the database's default collation."""
    if version >= 170000:
        return "concat_ws(' ', datlocprovider, coalesce(datlocale, datcollate), datctype, actual)"
    if version >= 150000:
        return "concat_ws(' ', datlocprovider, coalesce(daticulocale, datcollate), datctype, actual)"
    return "concat_ws(' ', 'c', datcollate, datctype, actual)"


def _collation_version(version: int) -> str:
    if version >= 150000:
        return "pg_database_collation_actual_version(oid)"
    return (
        "(SELECT max(pg_collation_actual_version(c.oid)) FROM pg_collation AS c"
        " WHERE c.collprovider = 'c' AND c.collcollate = datcollate)"
    )


def observation_statement(version: int) -> str:
    """The one statement of an observation, for a server of this server_version_num."""
    return f"""
SELECT json_build_object(
  'in_recovery', recovering,
  'system', (SELECT system_identifier::text FROM pg_control_system()),
  'checkpoint_timeline', (SELECT timeline_id FROM pg_control_checkpoint()),
  'wal_file', CASE WHEN NOT recovering THEN pg_walfile_name(pg_current_wal_flush_lsn()) END,
  'flushed', CASE WHEN NOT recovering THEN pg_current_wal_flush_lsn()::text END,
  'history', CASE WHEN NOT recovering THEN pg_read_file(
      'pg_wal/' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) || '.history',
      0, {HISTORY_BYTES_MAX}, true) END,
  'received', pg_last_wal_receive_lsn()::text,
  'replayed', pg_last_wal_replay_lsn()::text,
  'pause', CASE WHEN recovering THEN pg_get_wal_replay_pause_state() END,
  'conninfo', current_setting('primary_conninfo'),
  'receiving', EXISTS (SELECT FROM pg_stat_get_wal_receiver() WHERE status = 'streaming'),
  'sync_setting', current_setting('synchronous_standby_names'),
  'clients', (SELECT count(*) FROM pg_stat_get_activity(NULL)
      WHERE backend_type = 'client backend' AND usesysid <> current_user::regrole),
  'collation', (SELECT {_collation(version)}
      FROM (SELECT *, {_collation_version(version)} AS actual
              FROM pg_database WHERE datname = current_database()) AS d),
  'sensitive', json_build_object({", ".join(f"'{name}', current_setting('{name}')::int" for name in SENSITIVE)}),
  'pending_restart', (SELECT json_agg(name ORDER BY name) FROM pg_show_all_settings() WHERE pending_restart),
  'walsenders', (SELECT json_agg(json_build_array({COLUMNS}) ORDER BY name, pid) FROM ({WALSENDERS}) AS w),
  'slots', (SELECT json_agg(slot_name ORDER BY slot_name) FROM pg_get_replication_slots()
      WHERE slot_name LIKE 'howdah\\_%' AND slot_type = 'physical' AND wal_status IS DISTINCT FROM 'lost')
)::text FROM pg_is_in_recovery() AS recovering
"""


async def observe(connection: SqlConnection | KeptSql, version: int, walsender: KeptSql) -> tuple[ServerFacts, Lsn]:
    """The facts (`replay_lag_ms` 0: the caller knows) and the LSN received, NO_LSN if nothing was. `walsender` is a
    connection that takes replication commands; it is used, and kept, only in recovery."""
    (document,) = await connection.one(observation_statement(version))
    seen: dict[str, Any] = json.loads(document or "")
    recovering: bool = seen["in_recovery"]
    if recovering:
        timeline, end = await identify(walsender)
        history = await _history_in_recovery(walsender, timeline)
    else:
        walsender.close()
        timeline, end = int(seen["wal_file"][:8], 16), _lsn(seen["flushed"])
        history = _history(timeline, seen["history"])
    upstream, upstream_name = read_conninfo(seen["conninfo"])
    facts = ServerFacts(
        in_recovery=recovering,
        system_identifier=seen["system"],
        timeline=timeline,
        history=history,
        end_lsn=end,
        replay_lsn=_lsn(seen["replayed"]) if recovering else end,
        checkpoint_timeline=seen["checkpoint_timeline"],
        upstream=upstream,
        upstream_name=upstream_name,
        receiving=seen["receiving"],
        replay_paused=(seen["pause"] or "not paused") != "not paused",
        sync_setting=seen["sync_setting"],
        clients=seen["clients"],
        version=version,
        collation=seen["collation"],
        sensitive=tuple(sorted(seen["sensitive"].items())),
        pending_restart=tuple(seen["pending_restart"] or ()),
        walsenders=tuple(read_walsender(row) for row in seen["walsenders"] or ()),
        slots=tuple(seen["slots"] or ()),
    )
    return facts, _lsn(seen["received"])


async def replay_view(connection: SqlConnection | KeptSql, walsender: KeptSql) -> ReplayView:
    """The facts of the revocation's proofs, each read after the one it builds on: the receivers after the pause
    state, what was received after it was known that nobody receives, and the timeline last."""
    conninfo, restore_command, pause_state = await connection.one(
        "SELECT current_setting('primary_conninfo'), current_setting('restore_command'),"
        " pg_get_wal_replay_pause_state()"
    )
    receivers, startup_waits = await connection.one(
        "SELECT count(*) FILTER (WHERE backend_type = 'walreceiver'),"
        " max(wait_event) FILTER (WHERE backend_type = 'startup') FROM pg_stat_activity"
    )
    received, replayed = await connection.one("SELECT pg_last_wal_receive_lsn()::text, pg_last_wal_replay_lsn()::text")
    timeline, _ = await identify(walsender)
    return ReplayView(
        shown_conninfo=conninfo or "",
        shown_restore_command=restore_command or "",
        pause_state=pause_state or "",
        receivers=int(receivers or 0),
        startup_waits=startup_waits or "",
        received_lsn=_lsn(received),
        replayed_lsn=_lsn(replayed),
        timeline=timeline,
    )


async def identify(walsender: KeptSql) -> tuple[int, Lsn]:
    """The timeline of the last replayed record, and the flushed end of the log on that timeline."""
    (row,) = await walsender.query("IDENTIFY_SYSTEM")
    return int(row[1] or 0), _lsn(row[2])


async def _history_in_recovery(walsender: KeptSql, timeline: int) -> tuple[HistoryStep, ...]:
    if timeline == 1:
        return ()
    ((_, content),) = await walsender.query(f"TIMELINE_HISTORY {timeline}")
    return _history(timeline, content)


def _history(timeline: int, content: str | None) -> tuple[HistoryStep, ...]:
    if timeline == 1:
        return ()
    name = history_file(timeline)
    if content is None:
        raise SqlFailed(
            f"the server runs on timeline {timeline} but pg_wal/{name} is missing: copy it from another server"
        )
    try:
        return parse_history(content)
    except ValueError as error:
        raise SqlFailed(f"pg_wal/{name} cannot be read: {error}; copy it from another server") from error


@lru_cache(maxsize=16)  # libpq is asked at every look at a standby, and it is always the same text
def read_conninfo(conninfo: str) -> tuple[Address | None, str]:
    """Where a primary_conninfo leads (its `host`, else its `hostaddr`) and the application_name in it. None only
    for a blank one: one that libpq cannot read leads to an address that is nobody's."""
    if not conninfo.strip():
        return None, ""
    try:
        parts = conninfo_to_dict(conninfo)
    except ProgrammingError:
        return Address("", 0), ""
    port = str(parts.get("port") or DEFAULT_PORT)
    host = str(parts.get("host") or parts.get("hostaddr") or "")
    return Address(host, int(port) if port.isdecimal() else 0), str(parts.get("application_name") or "")


def read_walsender(row: Row | list[Any]) -> Walsender:
    """A row of WALSENDERS, as SQL text or from JSON."""
    pid, name, state, flush, replay, priority, started = row
    return Walsender(
        pid=int(pid or 0),
        application_name=name or "",
        state=state or "",
        flush_lsn=_lsn(flush),
        replay_lsn=_lsn(replay),
        sync_priority=int(priority or 0),
        started_ms=int(started or 0),
    )


def _lsn(text: str | None) -> Lsn:
    return parse_lsn(text) if text else NO_LSN
