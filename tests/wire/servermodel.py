"""How does PostgreSQL answer requests, as far as counting goes? A model of PostgresMain to test `Expect` against.

It reads one request at a time and asks `fate` what becomes of it. It keeps no queue and counts nothing: what it owes
is what it has not read, so it shares no reasoning with the code under test.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from howdah.wire import codes, replies, requests
from howdah.wire.fields import message

STEP_REPLIES = {
    codes.PARSE: replies.PARSE_COMPLETE,
    codes.BIND: replies.BIND_COMPLETE,
    codes.CLOSE: replies.CLOSE_COMPLETE,
    codes.DESCRIBE: replies.NO_DATA,
    codes.EXECUTE: message(codes.COMMAND_COMPLETE, b"SELECT 1\0"),
}
EMPTY = {
    codes.SYNC: requests.SYNC,
    codes.FLUSH: requests.FLUSH,
    codes.COPY_DONE: requests.COPY_DONE,
}
ERROR = message(codes.ERROR, b"SERROR\0C22012\0\0")
ROWS = message(codes.ROW_DESCRIPTION, b"\0\0") + message(codes.DATA_ROW, b"\0\0")
DONE = message(codes.COMMAND_COMPLETE, b"COPY 1\0")
COPY = message(codes.COPY_IN, b"\0\0\0")


class Fate(Enum):
    """What may become of a request."""

    GOOD = "good"
    BAD = "bad"
    TWO = "two results"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class Request:
    """A request by its kind. `copies`: it runs a COPY FROM STDIN, whose rows the next requests are."""

    kind: int
    copies: bool = False


@dataclass
class ServerModel:
    """One backend. `fate` decides what becomes of each thing it does."""

    fate: Callable[[], Fate]
    skipping: bool = False
    batch: bool = False
    copying: Request | None = None
    read: list[Request] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it waits for a new request, all old ones answered and synced."""
        return not self.skipping and not self.batch and self.copying is None

    def answer(self, request: Request) -> bytes:
        """Read one request, and what is sent because of it."""
        self.read.append(request)
        if self.copying is not None:
            return self._rows(request)
        kind = request.kind
        if self.skipping and kind != codes.SYNC:
            return b""
        self.skipping = False
        if kind == codes.QUERY:
            self.batch = False
            return self._begin_copy(request) if request.copies else self._results() + self._ready()
        if kind in (codes.SYNC, codes.FUNCTION_CALL):
            self.batch = False
            failed = self.fate() is Fate.BAD
            return (ERROR if failed else b"") + self._ready()
        if kind in STEP_REPLIES:
            self.batch = True
            if request.copies:
                return self._begin_copy(request)
            return self._step(kind)
        return b""

    def _step(self, kind: int) -> bytes:
        fate = self.fate()
        if fate is Fate.BAD:
            return self._fail_batch()
        if kind == codes.EXECUTE and fate is Fate.SUSPENDED:
            return message(codes.DATA_ROW, b"\0\0") + replies.PORTAL_SUSPENDED
        if kind == codes.EXECUTE and fate is Fate.TWO:
            return replies.EMPTY_QUERY
        if kind == codes.DESCRIBE and fate is Fate.TWO:
            return message(codes.PARAMETER_DESCRIPTION, b"\0\0") + message(codes.ROW_DESCRIPTION, b"\0\0")
        return STEP_REPLIES[kind]

    def _results(self) -> bytes:
        fate = self.fate()
        one = ROWS + STEP_REPLIES[codes.EXECUTE]
        return {Fate.GOOD: one, Fate.TWO: one + one, Fate.BAD: one + ERROR, Fate.SUSPENDED: replies.EMPTY_QUERY}[fate]

    def _ready(self) -> bytes:
        return replies.READY_IDLE

    def _fail_batch(self) -> bytes:
        self.skipping = True
        return ERROR

    def _begin_copy(self, request: Request) -> bytes:
        fate = self.fate()
        if fate is Fate.BAD:  # it fails before it invites
            return self._fail(request)
        if fate is Fate.TWO:  # it fails before it reads a row: a trigger on the statement
            return COPY + self._fail(request)
        self.copying = request
        return COPY

    def _fail(self, request: Request) -> bytes:
        self.copying = None
        return ERROR + self._ready() if request.kind == codes.QUERY else self._fail_batch()

    def _rows(self, row: Request) -> bytes:
        request = self.copying
        assert request is not None
        if row.kind in (codes.SYNC, codes.FLUSH):
            return b""
        assert row.kind in (codes.COPY_DATA, codes.COPY_DONE, codes.COPY_FAIL), "the test sends an illegal request"
        if row.kind == codes.COPY_FAIL or self.fate() is Fate.BAD:
            return self._fail(request)
        if row.kind == codes.COPY_DATA:
            return b""
        self.copying = None
        return DONE + self._ready() if request.kind == codes.QUERY else DONE
