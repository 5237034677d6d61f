"""How does the agent talk SQL to its own server, and how does it learn that the server does not answer?

libpq is driven directly (`psycopg.pq`) instead of through psycopg's connection objects: those answer a cancelled
task by waiting up to ten seconds for the server to end the query, and a probe of a frozen server must end when its
time is over. Every wait here ends at once when it is cancelled, and the socket is closed with it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from howdah.ports.postgres import ConnectionsTaken, SqlFailed
from howdah.postgres.layout import AGENT_ROLE

Row = tuple[str | None, ...]
"""One row, every column in PostgreSQL's text form."""

NO_LIMIT_MS = 0

_NOBODY_LISTENS = ("Connection refused", "No such file or directory", "reset by peer", "Broken pipe", "unexpectedly")
_BACKLOG_FULL = "Resource temporarily unavailable"
_PARAMETER = re.compile(r"\$([1-9]\d*)")
_NO_PLACE = ("too many clients already", "connection slots are reserved", "requested standby connections exceeds")
"""SQLSTATE 53300, which libpq does not tell of a login. In English, as lc_messages is unless the operator sets it."""


class ServerRefused(SqlFailed):
    """Nobody listens there, or the connection was broken off."""


class ServerSilent(SqlFailed):
    """No answer in time. The server may be frozen or merely slow: this proves nothing."""


class ServerObjected(SqlFailed):
    """The server answered, with an error. `sqlstate` is "" when it refused the login."""

    def __init__(self, message: str, sqlstate: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


@dataclass(frozen=True, slots=True)
class LocalSql:
    """Where the agent's own server is reached: a socket directory ("/dir"), an abstract socket ("@name") or an IP
    address. `timeout_ms` bounds a whole session: connecting and everything said in it. `login`: what libpq has to be
    told beside, for a server that is not the agent's own (a password, an address that was looked up, TLS).

    Every session commits with `synchronous_commit = local`, so that it never waits for standbys itself.
    """

    host: str
    port: int
    timeout_ms: int = 1000
    user: str = AGENT_ROLE
    database: str = "postgres"
    login: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> str:
        """The server in words, for messages."""
        return f"the PostgreSQL server at {self.host} port {self.port}"

    @asynccontextmanager
    async def session(self, limit_ms: int | None = None) -> AsyncIterator["SqlConnection"]:
        """A new connection for the length of the block; over after `limit_ms` (default `timeout_ms`; NO_LIMIT_MS:
        never). Raises SqlFailed."""
        limit = self.timeout_ms if limit_ms is None else limit_ms
        try:
            async with asyncio.timeout(limit / 1000 or None):
                connection = await self.connect(statement_timeout_ms=limit)
                try:
                    yield connection
                finally:
                    connection.close()
        except TimeoutError as error:
            raise ServerSilent(f"{self.place} did not answer within {limit} ms") from error

    async def connect(self, statement_timeout_ms: int, walsender: bool = False) -> "SqlConnection":
        """Log in, without a limit of its own. A `walsender` connection also takes replication commands; it is
        bound to a database, so that ordinary pg_hba lines admit it. Raises SqlFailed.

        Where clients have taken every connection, the reserved ones too, the agent gets one of those that PostgreSQL
        counts apart (max_wal_senders): in it SQL is as in any other, and it is as new."""
        try:
            return await self._connect(statement_timeout_ms, walsender)
        except ConnectionsTaken:
            if walsender or self.user != AGENT_ROLE:
                raise
        return await self._connect(statement_timeout_ms, walsender=True)

    async def _connect(self, statement_timeout_ms: int, walsender: bool) -> "SqlConnection":
        parameters: dict[str, str | int] = {
            "host": self.host,
            "hostaddr": "",  # set, so that no environment variable of the user leads elsewhere
            "port": self.port,
            "user": self.user,
            "dbname": self.database,
            "application_name": "howdah",
            "client_encoding": "UTF8",
            "sslmode": "disable",
            "gssencmode": "disable",
            "target_session_attrs": "any",
            "options": (
                f"-c synchronous_commit=local -c statement_timeout={statement_timeout_ms} "
                "-c default_transaction_read_only=off -c search_path=pg_catalog -c jit=off"
            ),
            **({"replication": "database"} if walsender else {}),
            **self.login,
        }
        conninfo = make_conninfo("", **parameters)
        raw = pq.PGconn.connect_start(conninfo.encode())
        try:
            await self._log_in(raw)
        except BaseException:
            raw.finish()
            raise
        return SqlConnection(raw, self.place, walsender)

    async def _log_in(self, raw: pq.abc.PGconn) -> None:
        while raw.status != pq.ConnStatus.BAD:
            match raw.connect_poll():
                case pq.PollingStatus.OK:
                    raw.nonblocking = 1
                    return
                case pq.PollingStatus.READING:
                    await _ready(raw.socket, to_read=True)
                case pq.PollingStatus.WRITING:
                    await _ready(raw.socket, to_read=False)
                case _:
                    break
        raise self._login_failure(_text(raw.error_message))

    def _login_failure(self, message: str) -> SqlFailed:
        if _BACKLOG_FULL in message:
            return ServerSilent(f"{self.place} takes no more connections: its postmaster does not accept them")
        if any(sign in message for sign in _NOBODY_LISTENS):
            return ServerRefused(f"{self.place} cannot be reached: {message}")
        if any(sign in message for sign in _NO_PLACE):
            return ConnectionsTaken(f"{self.place} has no connection left: {message}")
        return ServerObjected(f"{self.place} refuses the login of role {self.user}: {message}")


class SqlConnection:
    """An open connection. One statement at a time; after a cancelled one it is unusable and has to be closed."""

    def __init__(self, raw: pq.abc.PGconn, place: str, walsender: bool = False) -> None:
        self._raw = raw
        self._place = place
        self._walsender = walsender

    @property
    def server_version(self) -> int:
        """server_version_num, as announced at login."""
        return self._raw.server_version

    def close(self) -> None:
        """Drop the connection; harmless when repeated."""
        self._raw.finish()

    async def query(self, statement: str, *parameters: str) -> list[Row]:
        """Run one statement and return its rows. Parameters are $1, $2... as text. Raises ServerObjected for an
        error, ServerRefused when the connection is lost."""
        try:
            if self._walsender and parameters:
                statement, parameters = self._filled_in(statement, parameters), ()
            if parameters:
                self._raw.send_query_params(statement.encode(), [each.encode() for each in parameters])
            else:
                self._raw.send_query(statement.encode())
            while self._raw.flush():
                await _ready(self._raw.socket, to_read=False)
            rows: list[Row] = []
            failure: SqlFailed | None = None
            while (result := await self._next_result()) is not None:
                if result.status == pq.ExecStatus.TUPLES_OK:
                    rows = _rows(result)
                elif result.status != pq.ExecStatus.COMMAND_OK:
                    failure = failure or self._failure(result)
        except psycopg.Error as error:
            raise ServerRefused(f"{self._place} broke the connection off: {error}") from error
        if failure is not None:
            raise failure
        return rows

    async def one(self, statement: str, *parameters: str) -> Row:
        """The first row of a statement that always has one."""
        return (await self.query(statement, *parameters))[0]

    def _filled_in(self, statement: str, parameters: tuple[str, ...]) -> str:
        """A walsender takes SQL by the simple protocol only, which has no parameters."""
        escaping = pq.Escaping(self._raw)
        literals = [bytes(escaping.escape_literal(each.encode())).decode() for each in parameters]
        return _PARAMETER.sub(lambda found: literals[int(found[1]) - 1], statement)

    async def _next_result(self) -> pq.abc.PGresult | None:
        while self._raw.is_busy():
            await _ready(self._raw.socket, to_read=True)
            self._raw.consume_input()
        return self._raw.get_result()

    def _failure(self, result: pq.abc.PGresult) -> SqlFailed:
        message = _text(result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message)
        if self._raw.status == pq.ConnStatus.BAD:
            return ServerRefused(f"{self._place} broke the connection off: {message}")
        sqlstate = _text(result.error_field(pq.DiagnosticField.SQLSTATE) or b"")
        return ServerObjected(f"{self._place} answered: {message}", sqlstate)


class KeptSql:
    """A connection that is kept between calls and made anew when it was lost; callers take turns."""

    def __init__(self, sql: LocalSql, walsender: bool = False) -> None:
        self._sql = sql
        self._walsender = walsender
        self._open: SqlConnection | None = None
        self._turn = asyncio.Lock()

    def close(self) -> None:
        """Drop the connection; the next query opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    async def query(self, statement: str, *parameters: str) -> list[Row]:
        """As `SqlConnection.query`. A statement whose connection breaks is sent a second time on a new one, so it
        must be harmless when repeated. Raises SqlFailed."""
        limit = self._sql.timeout_ms
        try:
            async with self._turn, asyncio.timeout(limit / 1000):
                if self._open is not None:
                    try:
                        return await self._ask(statement, *parameters)
                    except ServerRefused:
                        pass  # most likely the server was restarted meanwhile
                self._open = await self._sql.connect(statement_timeout_ms=limit, walsender=self._walsender)
                return await self._ask(statement, *parameters)
        except TimeoutError as error:
            raise ServerSilent(f"{self._sql.place} did not answer within {limit} ms") from error

    async def one(self, statement: str, *parameters: str) -> Row:
        """The first row of a statement that always has one."""
        return (await self.query(statement, *parameters))[0]

    async def _ask(self, statement: str, *parameters: str) -> list[Row]:
        if self._open is None:
            raise ServerRefused(f"the connection to {self._sql.place} was closed")
        try:
            return await self._open.query(statement, *parameters)
        except ServerObjected:
            raise
        except BaseException:
            self.close()
            raise


async def _ready(descriptor: int, to_read: bool) -> None:
    """Wait until the socket can be read (or written)."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def ready() -> None:
        if not waiter.done():
            waiter.set_result(None)

    if to_read:
        loop.add_reader(descriptor, ready)
    else:
        loop.add_writer(descriptor, ready)
    try:
        await waiter
    finally:
        if to_read:
            loop.remove_reader(descriptor)
        else:
            loop.remove_writer(descriptor)


def _rows(result: pq.abc.PGresult) -> list[Row]:
    return [
        tuple(_value(result.get_value(row, column)) for column in range(result.nfields))
        for row in range(result.ntuples)
    ]


def _value(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _text(message: bytes) -> str:
    return message.decode(errors="replace").strip()
