"""How does each server do, by its own word? (role, term row, log position, latency)

One connection to each server, as the role howdah_router. The primary is asked where its log ends, several times a
second while somebody waits for a fresh standby; each answer has the standbys asked how far they are. A question that is
not answered in time ends with its connection: a frozen server delays nobody.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from howdah.configuration.router import KnowledgeSettings, ServerTlsSettings
from howdah.ports.postgres import SqlFailed
from howdah.postgres.connection import SqlConnection
from howdah.router.serveraddress import router_place
from howdah.routing.clusterview import Sample
from howdah.routing.fleet import Change, Fleet, NodeChanged, NodeGone, PrimaryServes, Target
from howdah.routing.freshness import end_of_records
from howdah.values.lsn import parse_lsn

WANTED_MS = 2_000.0
"""So long after a read found no fresh standby, positions are read at the faster pace."""
AGAIN_MS = 20.0
"""A standby that had not replayed the newest sample is asked again so soon, if somebody waits for it."""
RETRY_MS_MIN = 100.0
"""After a server refused or did not answer; doubled up to the probe interval."""

_ABOUT = """
    SELECT (SELECT system_identifier FROM pg_control_system()), current_setting('wal_block_size'),
           pg_size_bytes(current_setting('wal_segment_size')),
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""
_ASK = """
    SELECT pg_is_in_recovery(), (SELECT term FROM howdah.term),
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END
"""


class WrongServer(SqlFailed):
    """Somebody else listens at that address."""


@dataclass(slots=True)
class _Line:
    """An open connection and what does not change about its server."""

    connection: SqlConnection
    block_bytes: int
    segment_bytes: int


class Probes:
    """Asks every target of the fleet. `settings` may be changed at any time. `tell` gets what changes; `nudge` is
    called when the record must be read."""

    def __init__(
        self,
        fleet: Fleet,
        settings: KnowledgeSettings,
        login: Mapping[str, str],
        now_ms: Callable[[], float],
        tell: Callable[[tuple[Change, ...]], None],
        nudge: Callable[[], None],
    ) -> None:
        """`login`: what libpq needs beside the address: password, TLS."""
        self._fleet = fleet
        self.settings = settings
        self._login = dict(login)
        self._now_ms = now_ms
        self._tell = tell
        self._nudge = nudge
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        self._wakes: dict[Target, asyncio.Event] = {}

    def follow(self, changes: tuple[Change, ...]) -> None:
        """Nodes came or went, or another one serves: ask those who are there, the new primary at once."""
        for change in changes:
            match change:
                case NodeGone(target=target):
                    self._wakes.pop(target, None)
                    task = self._tasks.pop(target, None)
                    if task is not None:
                        task.cancel()
                case NodeChanged(target=target) if target not in self._tasks:
                    self._wakes[target] = asyncio.Event()
                    self._tasks[target] = asyncio.create_task(self._watch(target), name=f"probe of {target.name}")
                    self._tasks[target].add_done_callback(_report_failure)
                case PrimaryServes(target=target) if target in self._wakes:
                    self._wakes[target].set()
                case _:
                    pass

    async def close(self) -> None:
        """Ask no more."""
        tasks = tuple(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, target: Target) -> None:
        line: _Line | None = None
        wake = self._wakes[target]
        retry_ms = RETRY_MS_MIN
        try:
            while True:
                wake.clear()
                why = ""
                try:
                    async with asyncio.timeout(self.settings.probe_timeout_ms / 1000):
                        line = line or await self._connect(target)
                        sample = await self._ask(line)
                except TimeoutError:
                    why = f"it did not answer within {self.settings.probe_timeout_ms} ms"
                except (SqlFailed, OSError) as failure:
                    why = str(failure)
                if not why:
                    retry_ms = RETRY_MS_MIN
                    self._told(target, self._fleet.sampled(target, sample))
                    await self._rest(target, wake)
                    continue
                if line is not None:
                    line.connection.close()
                    line = None
                self._told(target, self._fleet.unanswered(target, why))
                await _wait(wake, retry_ms)
                retry_ms = min(2 * retry_ms, self.settings.probe_interval_ms)
        finally:
            if line is not None:
                line.connection.close()

    def _told(self, target: Target, changes: tuple[Change, ...]) -> None:
        if changes:
            self._tell(changes)
        if self._fleet.in_doubt:
            self._nudge()
        if target is self._fleet.primary:
            for other, wake in self._wakes.items():
                if other is not target and other.answers:
                    wake.set()

    async def _rest(self, target: Target, wake: asyncio.Event) -> None:
        """Until it is time for the next question."""
        settings, fleet = self.settings, self._fleet
        left_ms = float(min(settings.probe_interval_ms, settings.sample_idle_interval_ms))
        if target is not fleet.primary:
            late = self._wanted() and target.fresh_ms < fleet.newest_ms
            await _wait(wake, AGAIN_MS if late else left_ms)
            return
        began_ms = self._now_ms()
        while True:
            await _wait(wake, settings.sample_interval_ms)
            if self._wanted() or wake.is_set() or self._now_ms() - began_ms >= left_ms:
                return

    def _wanted(self) -> bool:
        return self._now_ms() - self._fleet.wanted_ms < WANTED_MS

    async def _ask(self, line: _Line) -> Sample:
        asked_ms = self._now_ms()
        recovers, term, position = await line.connection.one(_ASK)
        in_recovery = recovers == "t"
        lsn = int(parse_lsn(position)) if position else 0
        return Sample(
            asked_ms=asked_ms,
            in_recovery=in_recovery,
            term=int(term or 0),
            lsn=lsn if in_recovery else end_of_records(lsn, line.block_bytes, line.segment_bytes),
            latency_ms=self._now_ms() - asked_ms,
        )

    async def _connect(self, target: Target) -> _Line:
        """Log in, and see that it is a server of this cluster."""
        timeout_ms = self.settings.probe_timeout_ms
        login = {**self._login, "application_name": "howdah router"}
        place = await router_place(target.host, target.port, timeout_ms, login)
        connection = await place.connect(statement_timeout_ms=timeout_ms)
        try:
            identifier, block, segment, connections = await connection.one(_ABOUT)
            wanted = self._fleet.system_identifier
            if wanted and identifier != wanted:
                raise WrongServer(f"{place.place} is of another cluster (system identifier {identifier}, not {wanted})")
        except BaseException:
            connection.close()
            raise
        target.connections_max = int(connections or 0)
        return _Line(connection, int(block or 8192), int(segment or 0))


def libpq_tls(tls: ServerTlsSettings) -> dict[str, str]:
    """The TLS settings towards servers in libpq's words."""
    files = {"sslrootcert": tls.ca_file, "sslcert": tls.cert_file, "sslkey": tls.key_file}
    return {
        "sslmode": tls.mode,
        "ssl_min_protocol_version": f"TLSv{tls.min_version}",
        **{name: str(file) for name, file in files.items() if file is not None},
    }


async def _wait(wake: asyncio.Event, limit_ms: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_ms / 1000):
            await wake.wait()


def _report_failure(task: asyncio.Task[None]) -> None:
    """A probe ends only when it is cancelled; anything else is a mistake in the program."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": f"the {task.get_name()} ended", "exception": error})
