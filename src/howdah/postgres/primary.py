"""What does the agent ask of its server as a primary?"""

import asyncio
from dataclasses import dataclass

from howdah.cluster.serverfacts import Walsender
from howdah.ports.postgres import ClientWork, SqlFailed
from howdah.postgres.connection import NO_LIMIT_MS, KeptSql, LocalSql, ServerObjected, SqlConnection
from howdah.postgres.layout import REPLICATION_ROLE, ROUTER_ROLE
from howdah.postgres.observe import WALSENDERS, read_walsender
from howdah.values.lsn import Lsn, parse_lsn
from howdah.values.member import slot_name

POLL_SECONDS = 0.005
END_LIMIT_MS = 1000
"""A walsender ends within milliseconds of its signal, unless it is stopped or stuck in a system call."""
END_POLLS_MAX = int(END_LIMIT_MS / 1000 / POLL_SECONDS)
_NO_TABLE = ("42P01", "3F000")  # undefined_table, invalid_schema_name
# The schema, the table or its row type exists: another session was faster.
_MADE_MEANWHILE = ("42P06", "42P07", "42710", "23505")

_WRITE_TERM = """
    INSERT INTO howdah.term AS t (singleton, term, holder, written_at) VALUES (true, $1::bigint, $2, now())
    ON CONFLICT (singleton) DO UPDATE SET term = excluded.term, holder = excluded.holder, written_at = now()
"""
_MAKE_TABLE = (
    "CREATE SCHEMA IF NOT EXISTS howdah",
    """CREATE TABLE IF NOT EXISTS howdah.term (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        term bigint NOT NULL,
        holder text NOT NULL,
        written_at timestamptz NOT NULL DEFAULT now())""",
)

_OLD_WALSENDERS = """
    SELECT a.pid FROM pg_stat_activity AS a LEFT JOIN pg_stat_replication AS r USING (pid)
     WHERE a.backend_type = 'walsender' AND a.usename IS DISTINCT FROM current_user
       AND a.backend_start <= pg_conf_load_time()
       AND NOT coalesce(r.state = 'backup' OR r.state IN ('streaming', 'catchup') AND r.sync_priority = 0, false)
"""

_END_SESSIONS = f"""
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND usename NOT IN (current_user, '{REPLICATION_ROLE}')
"""
"""A rewind from this very server may be under way while its barrier is waited for; that role reads files only."""

_CLIENT_WORK = f"""
    SELECT count(*) FILTER (WHERE usename = '{ROUTER_ROLE}'),
           count(*) FILTER (WHERE usename NOT IN ('{ROUTER_ROLE}', '{REPLICATION_ROLE}')
                              AND state NOT IN ('idle', 'disabled'))
      FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> current_user
"""

_OLDEST_SEGMENT = """
    SELECT min(right(name, 16)), pg_size_bytes(current_setting('wal_segment_size'))
      FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'
"""

_OVERRIDES = """
    SELECT coalesce(r.rolname, ''), coalesce(d.datname, ''), each.setting
      FROM pg_db_role_setting AS s
      LEFT JOIN pg_roles AS r ON r.oid = s.setrole
      LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
     CROSS JOIN LATERAL unnest(s.setconfig) AS each(setting)
     WHERE lower(split_part(each.setting, '=', 1)) = 'synchronous_commit'
       AND lower(split_part(each.setting, '=', 2)) NOT IN ('on', 'remote_apply', 'true', 'yes', '1')
     ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class CommitOverride:
    """A role ("": all) in a database ("": all) whose commits do not wait for standbys, and how it is set."""

    role: str
    database: str
    setting: str


class LocalPrimary:
    """Implements `ports.postgres.Primary`. `keep_slots` and `show` work in recovery too: a winner makes its slots
    before it promotes. `close` it: it keeps a connection for what is
    polled or in haste (`kept`: a shared one)."""

    def __init__(self, sql: LocalSql, kept: KeptSql | None = None) -> None:
        self._sql = sql
        self._kept = kept or KeptSql(sql)

    def close(self) -> None:
        """Drop the kept connection."""
        self._kept.close()

    async def write_barrier(self, term: int, holder: str) -> Lsn:
        """Write the term row and return an LSN that is flushed here and not before the end of its commit. Raises
        SqlFailed."""
        try:
            await self._kept.query(_WRITE_TERM, str(term), holder)
        except ServerObjected as error:
            if error.sqlstate not in _NO_TABLE:
                raise
            await self._make_table()
            await self._kept.query(_WRITE_TERM, str(term), holder)
        # Committed with synchronous_commit = local, so its record was flushed before the answer came.
        ((lsn,),) = await self._kept.query("SELECT pg_current_wal_flush_lsn()::text")
        return parse_lsn(lsn or "")

    async def walsenders(self) -> tuple[Walsender, ...]:
        """pg_stat_replication as it is now, without the agent's own connections. Raises SqlFailed."""
        return tuple(read_walsender(row) for row in await self._kept.query(WALSENDERS))

    async def end_walsenders(self, pids: tuple[int, ...]) -> None:
        """Terminate these walsenders and wait until they are gone. Raises SqlFailed, also for one that stays
        (stopped, or stuck in a system call): killing one process of a server restarts it, so kill the server."""
        if not pids:
            return
        async with self._sql.session(self._sql.timeout_ms + END_LIMIT_MS) as connection:
            await self._end_walsenders(connection, pids)

    async def end_old_walsenders(self) -> int:
        """End the walsenders that may still release commits under settings from before the last reload, and wait
        until they are gone; how many. Base backups, and streams that are in no synchronous setting, go on. Call it
        once a new connection shows the new setting. Raises SqlFailed as `end_walsenders`."""
        async with self._sql.session(self._sql.timeout_ms + END_LIMIT_MS) as connection:
            pids = tuple(int(row[0] or 0) for row in await connection.query(_OLD_WALSENDERS))
            if pids:
                await self._end_walsenders(connection, pids)
            return len(pids)

    async def end_client_sessions(self) -> int:
        """Terminate every client backend but the agent's; how many there were. It waits for none of them and may be
        repeated at once. A login that is still under way is caught by the next call. Raises SqlFailed."""
        (count,) = await self._kept.one(_END_SESSIONS)
        return int(count or 0)

    async def client_work(self) -> ClientWork:
        """See the port. Raises SqlFailed."""
        routers, transactions = await self._kept.one(_CLIENT_WORK)
        return ClientWork(int(routers or 0), int(transactions or 0))

    async def show(self, name: str) -> str:
        """A setting as a new connection sees it. Raises SqlFailed, also for a name that PostgreSQL does not know."""
        async with self._sql.session() as connection:
            (value,) = await connection.one("SELECT current_setting($1)", name)
            return value or ""

    async def loaded(self) -> str:
        """See the port: what a backend inherits from its postmaster, which reads pg_hba.conf in the same go. Raises
        SqlFailed."""
        async with self._sql.session() as connection:
            (at,) = await connection.one("SELECT pg_conf_load_time()::text")
            return at or ""

    async def checkpoint(self) -> None:
        """CHECKPOINT, to its end, however long it takes. Raises SqlFailed."""
        async with self._sql.session(NO_LIMIT_MS) as connection:
            await connection.query("CHECKPOINT")

    async def keep_slots(self, names: tuple[str, ...], drop_others: bool) -> tuple[str, ...]:
        """Make the missing slots of the nodes of these names, replace those whose WAL is lost and (if asked) drop
        other `howdah_*` slots that nobody uses. Works in recovery. Returns sentences. Raises SqlFailed."""
        wanted = [slot_name(name) for name in names]
        done: list[str] = []
        async with self._sql.session() as connection:
            rows = await connection.query(
                "SELECT slot_name, active, coalesce(wal_status, '') FROM pg_replication_slots"
                " WHERE slot_type = 'physical' AND slot_name LIKE 'howdah\\_%'"
            )
            kept: set[str] = set()
            for slot, active, status in ((row[0] or "", row[1] == "t", row[2]) for row in rows):
                if status == "lost" and not active:
                    await connection.query("SELECT pg_drop_replication_slot($1)", slot)
                    done.append(f"dropped slot {slot}: the WAL it stood for is gone")
                elif slot not in wanted and drop_others and not active:
                    await connection.query("SELECT pg_drop_replication_slot($1)", slot)
                    done.append(f"dropped slot {slot}: its node is no member")
                else:
                    kept.add(slot)
            for slot in (slot for slot in wanted if slot not in kept):
                await connection.query("SELECT pg_create_physical_replication_slot($1, true)", slot)
                done.append(f"made slot {slot}")
        return tuple(done)

    async def oldest_wal(self) -> Lsn:
        """The start of the oldest segment in pg_wal. A standby whose log ends before it can never stream from here,
        with or without a slot: that, not SQL on the standby, tells that its slot was lost. Raises SqlFailed."""
        async with self._sql.session() as connection:
            name, segment_bytes = await connection.one(_OLDEST_SEGMENT)
            return segment_start(name or "", int(segment_bytes or 0))

    async def _make_table(self) -> None:
        for statement in _MAKE_TABLE:
            try:
                await self._kept.query(statement)
            except ServerObjected as error:
                if error.sqlstate not in _MADE_MEANWHILE:
                    raise

    async def _end_walsenders(self, connection: SqlConnection, pids: tuple[int, ...]) -> None:
        array = "{" + ",".join(str(pid) for pid in pids) + "}"
        living = "FROM pg_stat_activity WHERE backend_type = 'walsender' AND pid = ANY ($1::int[])"
        await connection.query(f"SELECT pg_terminate_backend(pid) {living}", array)
        for _ in range(END_POLLS_MAX):
            (left,) = await connection.one(f"SELECT coalesce(string_agg(pid::text, ', '), '') {living}", array)
            if not left:
                return
            await asyncio.sleep(POLL_SECONDS)
        raise SqlFailed(
            f"walsenders of {self._sql.place} do not end (pid {left}): stopped or stuck, so kill the server"
        )


async def commit_overrides(sql: LocalSql) -> tuple[CommitOverride, ...]:
    """ALTER ROLE and ALTER DATABASE settings that let commits go unconfirmed. Raises SqlFailed."""
    async with sql.session() as connection:
        rows = await connection.query(_OVERRIDES)
        return tuple(CommitOverride(row[0] or "", row[1] or "", row[2] or "") for row in rows)


def segment_start(position: str, segment_bytes: int) -> Lsn:
    """Where a segment begins, from the last 16 digits of its name (the first 8 are the timeline)."""
    return Lsn((int(position[:8], 16) << 32) + int(position[8:], 16) * segment_bytes)
