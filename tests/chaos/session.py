"""How does one client run a transaction, and what does it know of its outcome when something went wrong?

Before COMMIT was sent, an error means that nothing was done. Afterwards only an answer tells, and a commit whose wait
for standbys was cancelled (a warning) promises nothing.
"""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus

from tests.realcluster.checker import Outcome
from tests.realcluster.workload import CERTAIN, CONNECT_LIMIT_S

LIMIT_S = 2.5
ABORTED = frozenset(("40001", "40P01"))
"""Serialization failure and deadlock: the server rolled the transaction back and says so, also of a COMMIT."""

_numbers = itertools.count(1)

Row = tuple[Any, ...]
Body = Callable[["Session"], Awaitable[None]]


class Session:
    """One connection. `number` is its own; `usable` turns false once it ended or hung."""

    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self.number = next(_numbers)
        self.server = f"{connection.info.host}:{connection.info.port}"
        self.usable = True
        self._connection = connection
        self._warned = False
        connection.add_notice_handler(self._notice)

    def _notice(self, notice: Diagnostic) -> None:
        self._warned |= notice.severity == "WARNING"

    async def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of one statement. Raises psycopg.Error."""
        asked = await self._connection.execute(statement.encode(), parameters)
        return await asked.fetchall() if asked.description else []

    async def transaction(self, isolation: str, body: Body) -> Outcome:
        """Everything that `body` does in one transaction of this isolation."""
        committing = False

        async def work() -> None:
            nonlocal committing
            await self.rows(f"BEGIN ISOLATION LEVEL {isolation}")
            await body(self)
            committing = True
            await self.rows("COMMIT")

        error = await self._within_limit(work)
        if error is None:
            return Outcome.UNKNOWN if self._warned else Outcome.OK
        if self.usable and self._connection.info.transaction_status is not TransactionStatus.IDLE:
            warned = self._warned
            self.usable = await self._within_limit(self._roll_back) is None and not warned
        return Outcome.FAILED if not committing or error.sqlstate in ABORTED else Outcome.UNKNOWN

    async def _roll_back(self) -> None:
        await self.rows("ROLLBACK")

    async def single(self, body: Body) -> Outcome:
        """One statement that is its own transaction, which `body` runs."""
        error = await self._within_limit(lambda: body(self))
        if error is None:
            return Outcome.UNKNOWN if self._warned else Outcome.OK
        return Outcome.FAILED if error.sqlstate in ABORTED | CERTAIN else Outcome.UNKNOWN

    async def _within_limit(self, work: Callable[[], Awaitable[None]]) -> psycopg.Error | None:
        """Past the limit the socket is closed, never a cancel sent: a cancelled wait would count as a success."""
        self._warned = False
        hang_up = asyncio.get_running_loop().call_later(LIMIT_S, self._hang_up)
        try:
            await work()
        except psycopg.Error as error:
            self.usable = error.sqlstate in ABORTED and not self._connection.closed
            return error
        finally:
            hang_up.cancel()
        self.usable = not self._warned
        return None

    def _hang_up(self) -> None:
        with (
            contextlib.suppress(OSError, psycopg.Error),
            socket.fromfd(self._connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as copy,
        ):
            copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """At once, without a word to the server."""
        self._connection.pgconn.finish()


async def open_session(conninfo: str) -> Session | None:
    """None when nobody takes it now."""
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            return Session(await psycopg.AsyncConnection.connect(conninfo, autocommit=True))
    except (psycopg.Error, TimeoutError, OSError):
        return None
