"""What does the agent ask of its server while that is in recovery (and, to see what it is, always)?"""

import asyncio
from dataclasses import replace

from howdah.cluster.serverfacts import ReplayView, ServerFacts
from howdah.ports.clock import Clock
from howdah.ports.postgres import SqlFailed
from howdah.postgres.connection import KeptSql, LocalSql, ServerObjected, ServerSilent, SqlConnection
from howdah.postgres.observe import identify, observe, replay_view
from howdah.postgres.replaylag import ReplayLag

POLL_SECONDS = 0.005
"""How often a promotion, a pause or an end is looked for: they take tens of milliseconds."""
PAUSED_WAIT = "RecoveryPause"
"""Wait event of a startup process that is held by pg_wal_replay_pause."""
NOT_NOW = "55000"
"""SQLSTATE of a recovery function on a server that has just left recovery."""

TIMELINES_MAX = 10_000
"""How many history files above the own timeline are looked through."""

_NEXT_TIMELINE = """
    SELECT number FROM generate_series({first}, {last}) AS number
     WHERE (pg_stat_file('pg_wal/' || lpad(upper(to_hex(number)), 8, '0') || '.history', true)).size IS NULL
     LIMIT 1
"""

_END_CONFLICTING = """
    SELECT count(*) FILTER (WHERE ended) FROM (
        SELECT CASE WHEN state = 'active' THEN pg_cancel_backend(pid) ELSE pg_terminate_backend(pid) END AS ended
          FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND usename <> current_user
           AND state IN ('active', 'idle in transaction', 'fastpath function call')
    ) AS conflicting
"""


class LocalStandby:
    """Implements `ports.postgres.Standby`. `close` it: it keeps a connection for IDENTIFY_SYSTEM in recovery, and one
    for the steps of a failover: a new one each costs a busy server some 10 ms. `kept` may be shared."""

    def __init__(self, sql: LocalSql, clock: Clock, kept: KeptSql | None = None) -> None:
        self._sql = sql
        self._clock = clock
        self._kept = kept or KeptSql(sql)
        self._walsender = KeptSql(sql, walsender=True)
        self._lag = ReplayLag()
        self._version = 0  # of the server, as the last new connection was told

    def close(self) -> None:
        """Drop the kept connections."""
        self._walsender.close()
        self._kept.close()

    async def observe(self, new_connection: bool = True) -> ServerFacts:
        """See the port. `lost_slot` is always False: SQL on a standby does not tell why its receiver fails. Raises
        SqlFailed."""
        if not new_connection and self._version:
            return await self._observe(self._kept)
        async with self._sql.session() as connection:
            self._version = connection.server_version
            return await self._observe(connection)

    async def _observe(self, connection: SqlConnection | KeptSql) -> ServerFacts:
        try:
            facts, received = await observe(connection, self._version, self._walsender)
        except ServerObjected as error:
            if error.sqlstate != NOT_NOW:
                raise
            facts, received = await observe(connection, self._version, self._walsender)  # promoted while it was read
        if not facts.in_recovery:
            return facts
        lag_ms = self._lag.note(self._clock.monotonic_ms(), received, facts.replay_lsn)
        return replace(facts, replay_lag_ms=lag_ms)

    async def replay(self, new_connection: bool = True) -> ReplayView:
        """See the port. Raises SqlFailed, also out of recovery."""
        if not new_connection:
            return await replay_view(self._kept, self._walsender)
        async with self._sql.session() as connection:
            return await replay_view(connection, self._walsender)

    async def pause_replay(self) -> None:
        """Ask for `paused` afresh. A server that was paused is resumed first, and the startup process is given time
        to leave its pause: `paused` must be its answer to this request, after it has read its settings again."""
        try:
            async with asyncio.timeout(self._sql.timeout_ms / 1000):
                (state,) = await self._kept.one("SELECT pg_get_wal_replay_pause_state()")
                if state != "not paused":
                    await self._kept.query("SELECT pg_wal_replay_resume()")
                    await _left_pause(self._kept)
                await self._kept.query("SELECT pg_wal_replay_pause()")
        except TimeoutError as error:
            raise ServerSilent(f"the startup process of {self._sql.place} did not leave its pause") from error

    async def resume_replay(self) -> None:
        """Resume replay; no effect if it runs."""
        await self._kept.query("SELECT pg_wal_replay_resume()")

    async def end_conflicting_queries(self) -> int:
        """Cancel running client queries and end sessions that are idle inside a transaction: either may hold locks,
        pins or snapshots that replay waits for. How many."""
        (count,) = await self._kept.one(_END_CONFLICTING)
        return int(count or 0)

    async def next_timeline(self) -> int:
        """The number that a promotion would take now: the first above the replayed timeline without a history file
        here. (PostgreSQL looks one number at a time, so files behind a gap do not count.) Raises SqlFailed."""
        timeline, _ = await identify(self._walsender)
        (number,) = await self._kept.one(_NEXT_TIMELINE.format(first=timeline + 1, last=timeline + TIMELINES_MAX))
        if number is None:
            raise SqlFailed(f"pg_wal of {self._sql.place} holds more than {TIMELINES_MAX} later history files")
        return int(number)

    async def promote(self, limit_ms: int) -> bool:
        """Promote and wait; True once the server is out of recovery (also if it was before). False does not cancel
        the promotion. Raises SqlFailed when the server cannot be asked."""
        async with self._sql.session(limit_ms + self._sql.timeout_ms) as connection:
            if not await _recovers(connection):
                return True
            loop = asyncio.get_running_loop()
            deadline = loop.time() + limit_ms / 1000
            await connection.query("SELECT pg_wal_replay_resume()")  # a paused server looks up once a second only
            (sent,) = await connection.one("SELECT pg_promote(false)")
            if sent != "t":
                raise SqlFailed(f"{self._sql.place} did not take the order to promote: see its log")
            while await _recovers(connection):
                if loop.time() >= deadline:
                    return False
                await asyncio.sleep(POLL_SECONDS)
            return True


async def _recovers(connection: SqlConnection) -> bool:
    return (await connection.one("SELECT pg_is_in_recovery()"))[0] == "t"


async def _left_pause(connection: KeptSql) -> None:
    """Wait until the startup process is seen outside its pause: waiting for something else, or further than
    before. The session's limit ends this."""
    before = ""
    while True:
        waits, replayed = await connection.one(
            "SELECT coalesce(max(wait_event), ''), pg_last_wal_replay_lsn()::text"
            " FROM pg_stat_activity WHERE backend_type = 'startup'"
        )
        before = before or replayed or ""
        if waits not in ("", PAUSED_WAIT) or replayed != before:
            return
        await asyncio.sleep(POLL_SECONDS)
