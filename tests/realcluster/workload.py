"""Clients that write unique values all the time and remember what the server said.

Eight connections in an event loop of their own thread, so that a test's own code can be plain and may block.
"""

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import psycopg
from psycopg.errors import Diagnostic

from tests.realcluster.checker import Outcome, Verdict, Write, judge, longest_gap
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import LIMIT_S, eventually

CONNECTIONS = 8
PAUSE_S = 0.01
RETRY_PAUSE_S = 0.05
"""After a connection was refused: eight that log in without a pause would keep a small machine from failing over."""
STATEMENT_LIMITS_S = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4)
"""How long a connection waits for a statement, one after the other: they shall not all turn to the same frozen server
at the same moment."""
"""A client gives up on a server that does not answer; longer than the product's own pauses of healthy servers."""
CONNECT_LIMIT_S = 7.0
ROUTER_LIMIT_S = 30.0
CERTAIN = frozenset(("25006", "3D000", "42P01"))
"""SQLSTATEs that are raised before anything could have been written: read-only, no database, no table."""
WHERE = "RETURNING pg_walfile_name(pg_current_wal_insert_lsn()), host(inet_server_addr()), inet_server_port()"
"""Who wrote it: the first eight digits are the timeline on which the server writes, in hexadecimal; and the server,
which may be another one than the client connected to."""

_numbers = itertools.count(1)


class Workload:
    """Start it with `writing()`."""

    def __init__(
        self,
        conninfos: Sequence[str],
        table: str,
        pause_s: float = PAUSE_S,
        enter: Callable[[], None] | None = None,
        limits_s: Sequence[float] = STATEMENT_LIMITS_S,
    ) -> None:
        """A connection for each of `conninfos`, which writes every `pause_s` at most and gives a statement up after the
        next of `limits_s`; `enter` is called first in the thread that opens them."""
        self.history: list[Write] = []
        self.read: list[str] = []
        """Values of unknown outcome that a primary showed afterwards."""
        self.table = table
        self._conninfos = conninfos
        self._pause_s = pause_s
        self._enter = enter
        self._limits_s = limits_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="workload")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """End; every write has its outcome afterwards."""
        self._stopping.set()
        self._thread.join()

    @property
    def acknowledged(self) -> int:
        """How many commits were acknowledged up to now."""
        return sum(1 for write in tuple(self.history) if write.outcome is Outcome.OK)

    def wait_writes(self, count: int = 50, limit_s: float = LIMIT_S) -> None:
        """Wait until so many more writes were acknowledged that *began* after this call."""
        since = time.monotonic()

        def look() -> bool:
            recent = itertools.takewhile(lambda write: write.ended >= since, reversed(self.history))
            return sum(1 for write in recent if write.outcome is Outcome.OK and write.began >= since) >= count

        eventually(look, f"{count} writes are acknowledged", limit_s)

    def outage(self, since: float = 0.0) -> float:
        """The longest time without an acknowledged write, in seconds, among gaps that ended after `since`."""
        return longest_gap(tuple(self.history), since)[0]

    def _work(self) -> None:
        if self._enter is not None:
            self._enter()
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number, conninfo in enumerate(self._conninfos):
                group.create_task(self._write_for_ever(number, conninfo))

    async def _write_for_ever(self, number: int, conninfo: str) -> None:
        connection: _Connection | None = None
        unsure = ""
        limit_s = self._limits_s[number % len(self._limits_s)]
        for count in itertools.count():
            if self._stopping.is_set():
                break
            began = time.monotonic()
            if connection is None:
                connection = await _open(conninfo, limit_s)
                if connection is None:
                    await asyncio.sleep(RETRY_PAUSE_S)
            value = f"{self.table}-{number}-{count}"
            if connection is not None and not await self._write(connection, value):
                connection.close()
                connection, unsure = None, unsure or value
            elif connection is not None and unsure:
                if await connection.shows(self.table, unsure):
                    self.read.append(unsure)
                unsure = ""
            await asyncio.sleep(max(0.0, self._pause_s - (time.monotonic() - began)))
        if connection is not None:
            connection.close()

    async def _write(self, connection: "_Connection", value: str) -> bool:
        """One write; whether the connection can go on."""
        began = time.monotonic()
        outcome, detail = await connection.insert(self.table, value)
        ended, timeline = time.monotonic(), connection.timeline if outcome is Outcome.OK else 0
        self.history.append(Write(value, outcome, began, ended, detail, connection.server, timeline))
        return outcome is Outcome.OK


class _Connection:
    """A session whose hanging statement ends by a closed socket, never by a cancel request: a cancelled wait for
    standbys is reported as a success."""

    def __init__(self, session: psycopg.AsyncConnection[tuple[object, ...]], limit_s: float) -> None:
        self._session = session
        self._limit_s = limit_s
        self._warned = ""
        self.server = f"{session.info.host}:{session.info.port}"
        self.timeline = 0
        session.add_notice_handler(self._notice)

    def _notice(self, notice: Diagnostic) -> None:
        if notice.severity == "WARNING":
            self._warned = notice.message_primary or "a warning"

    async def insert(self, table: str, value: str) -> tuple[Outcome, str]:
        """Insert one value in a transaction of its own."""
        self._warned = ""
        hang_up = asyncio.get_running_loop().call_later(self._limit_s, self._hang_up)
        try:
            told = await self._session.execute(f"INSERT INTO {table} VALUES (%s) {WHERE}".encode(), (value,))
            row = await told.fetchone()
        except psycopg.Error as error:
            certain = error.sqlstate in CERTAIN
            return (Outcome.FAILED if certain else Outcome.UNKNOWN), str(error).strip()
        finally:
            hang_up.cancel()
        if self._warned:
            return Outcome.UNKNOWN, self._warned
        if row:
            self.timeline, self.server = int(str(row[0])[:8], 16), f"{row[1]}:{row[2]}"
        return Outcome.OK, ""

    async def shows(self, table: str, value: str) -> bool:
        """Whether the server shows this value; False if it does not say."""
        hang_up = asyncio.get_running_loop().call_later(self._limit_s, self._hang_up)
        try:
            asked = await self._session.execute(f"SELECT FROM {table} WHERE value = %s".encode(), (value,))
        except psycopg.Error:
            return False
        finally:
            hang_up.cancel()
        return asked.rowcount > 0

    def _hang_up(self) -> None:
        descriptor = self._session.fileno()
        with contextlib.suppress(OSError), socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as copy:
            copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """At once, without a word to the server."""
        self._session.pgconn.finish()


async def _open(conninfo: str, limit_s: float) -> _Connection | None:
    """A session with the primary; None if there is none now."""
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            return _Connection(await psycopg.AsyncConnection.connect(conninfo, autocommit=True), limit_s)
    except (psycopg.Error, TimeoutError, OSError):
        return None


@contextlib.contextmanager
def writing(cluster: RealCluster, conninfo: str = "") -> Iterator[Workload]:
    """Clients that write while the block runs, to the primary or to where `conninfo` leads. Check with `verdict`
    afterwards."""
    table = f"writes_{next(_numbers)}"
    cluster.wait_serving().sql(f"CREATE TABLE {table} (value text)")
    if conninfo:  # a router holds statements while nobody leads, and says when they are lost
        load = Workload([conninfo] * CONNECTIONS, table, limits_s=(ROUTER_LIMIT_S,))
    else:
        load = Workload([cluster.conninfo()] * CONNECTIONS, table)
    load.start()
    try:
        load.wait_writes(20)
        yield load
    finally:
        load.stop()


def verdict(cluster: RealCluster, load: Workload, standbys: bool = True) -> Verdict:
    """Read the primary and, once they have replayed as much, every standby, and judge."""
    primary = cluster.wait_serving()
    query = f"SELECT value FROM {load.table}"
    rows = [str(row[0]) for row in primary.sql(query)]
    end = primary.value("SELECT pg_current_wal_flush_lsn()")
    held = {}
    for node in cluster.nodes.values() if standbys else ():
        if node is not primary:
            caught_up = f"SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn"
            eventually(partial(node.value, caught_up), f"{node.name} catches up with {primary.name}")
            held[node.name] = [str(row[0]) for row in node.sql(query)]
    return judge(load.history, rows, held, load.read)


def assert_sound(cluster: RealCluster, load: Workload, standbys: bool = True) -> None:
    """Fails on a lost, phantom, risen or doubled commit, and on a standby that differs."""
    found = verdict(cluster, load, standbys)
    assert found.acknowledged > 0
    assert found.sound, found
