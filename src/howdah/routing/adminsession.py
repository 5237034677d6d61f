"""How does a client of the admin database talk with the router?

Simple and extended queries, text and binary results. Everything is answered at once, but for what waits until
something has come to its end (PAUSE, WAIT_CLOSE...), or until other workers have said what they know: then what the
client sends meanwhile waits too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from howdah.routing.admincommand import (
    HELP,
    Answer,
    Command,
    Deed,
    NotACommand,
    Nothing,
    Show,
    ShowRoute,
    Subject,
    Token,
    bound,
    parameters_of,
    split,
    understand,
)
from howdah.routing.admintable import Table, encoded, in_formats, numbers, texts
from howdah.routing.link import Sink
from howdah.wire import codes, frame, sqlstate
from howdah.wire.fields import text_of
from howdah.wire.replies import (
    BIND_COMPLETE,
    CLOSE_COMPLETE,
    EMPTY_QUERY,
    NO_DATA,
    PARSE_COMPLETE,
    PORTAL_SUSPENDED,
    CommandTag,
    command_complete,
    parameter_status,
    ready_for_query,
)
from howdah.wire.requests import Bind, read_bind, read_execute, read_parse, read_query, read_target
from howdah.wire.rows import TEXT_OID, Column, parameter_description, row_description
from howdah.wire.violation import ProtocolViolation

REQUESTS: Final = frame.table(look=b"QFBPd", look_small=b"CDEHScfX")
LONGEST_BYTES: Final = 1 << 20
"""A command is short; SHOW ROUTE brings a statement along."""
WAITING_MAX_BYTES: Final = 1 << 16
"""So much is kept of what comes while something is waited for; then no more is read."""
INTEGER_OIDS: Final = frozenset((20, 21, 23, 26))


class Desk(Protocol):
    """Who knows the router, and can change it."""

    def columns(self, command: Show | ShowRoute) -> tuple[Column, ...]:
        """Of the answer."""

    def table(self, command: Show | ShowRoute, told: Callable[[Table], None]) -> None:
        """Tell the answer, now or later."""

    def do(self, deed: Deed, ended: Callable[[str], None]) -> None:
        """Do it, and say so, now or later: "", or why it was not done."""


class Refusal(Exception):
    """An error for the client; its statement ends."""

    def __init__(self, state: str, sentence: str) -> None:
        super().__init__(sentence)
        self.state = state


@dataclass(frozen=True, slots=True)
class _Statement:
    """One command or none, and the types of its parameters as far as the client told them."""

    words: list[Token]
    types: tuple[int, ...]


class _Portal:
    """A command with its values. `left`: rows that are still to be sent, once it was executed."""

    def __init__(self, command: Command | None, columns: tuple[Column, ...] | None) -> None:
        self.command = command
        self.columns = columns
        self.left: list[bytes] | None = None


class AdminSession:
    """One client that has logged in. `may_change`: an admin, not only an observer."""

    link = None  # it never has a server connection

    def __init__(self, client: Sink, desk: Desk, user: str, may_change: bool) -> None:
        self.client = client
        self.user = user
        self.closed = False
        self._desk = desk
        self._may_change = may_change
        self._frames = frame.Framer(REQUESTS, LONGEST_BYTES, whole_max=LONGEST_BYTES + 1)
        self._status = codes.IDLE
        self._statements: dict[bytes, _Statement] = {}
        self._portals: dict[bytes, _Portal] = {}
        self._todo: list[list[Token]] = []  # what is left of a simple query
        self._simple = False  # whose ReadyForQuery is owed
        self._skipping = False
        self._pending = ""  # the tag of what is waited for
        self._calling = False
        self._waiting_bytes = 0
        self._full = False

    def greet(self, told: Mapping[str, str], key: bytes) -> None:
        """The login is over. `told`: what drivers want to know; `key`: a BackendKeyData."""
        statuses = b"".join(parameter_status(name, value) for name, value in told.items())
        self.client.write(statuses + key + ready_for_query(codes.IDLE))

    def receive(self, data: bytes) -> None:
        """Bytes from the client, cut anywhere."""
        self._frames.feed(data)
        if not self._pending:
            self._work()
            return
        self._waiting_bytes += len(data)
        if self._waiting_bytes > WAITING_MAX_BYTES and not self._full:
            self._full = True
            self.client.pause()

    def refuse(self, message: bytes) -> None:
        """A last word."""
        if not self.closed:
            self.client.write(message)
            self.leave()

    def leave(self) -> None:
        """The client is gone, or is sent away."""
        if not self.closed:
            self.closed = True
            self.client.close()

    def _work(self) -> None:
        """Everything that is here whole, until something has to be waited for."""
        frames = self._frames
        try:
            while not self.closed and not self._pending and (found := frames.step()) != frame.NOTHING:
                if found != frame.WHOLE:
                    raise ProtocolViolation(f"a command of more than {LONGEST_BYTES} bytes")
                self._take(frames.kind, frames.buffer, frames.start, frames.end)
        except ProtocolViolation as violation:
            self.refuse(violation.report())

    def _take(self, kind: int, data: bytes, start: int, end: int) -> None:
        """One message."""
        if kind == codes.TERMINATE:
            self.leave()
        elif kind == codes.SYNC:
            self._skipping = False
            if self._status == codes.IDLE:
                self._portals.clear()
            self._ready()
        elif self._skipping or kind in (codes.FLUSH, codes.COPY_DATA, codes.COPY_DONE, codes.COPY_FAIL):
            return
        elif kind == codes.QUERY:
            self._query(text_of(read_query(data, start, end)))
        else:
            try:
                self._extended(kind, data, start, end)
            except Refusal as refusal:
                self._skipping = True
                self._tell(refusal)

    # simple queries

    def _query(self, text: str) -> None:
        self._simple = True
        try:
            self._todo = split(text)
        except NotACommand as wrong:
            self._tell(Refusal(sqlstate.SYNTAX_ERROR, str(wrong)))
        else:
            if not self._todo:
                self.client.write(EMPTY_QUERY)
        self._go_on()

    def _go_on(self) -> None:
        """The rest of a simple query."""
        while self._todo and not self._pending:
            try:
                command = self._understood(bound(self._todo.pop(0), ()))
                columns = self._columns(command)
                if columns is not None:
                    self.client.write(row_description(columns))
                self._execute(_Portal(command, columns), 0)
            except NotACommand as wrong:
                self._fail_simple(Refusal(sqlstate.SYNTAX_ERROR, str(wrong)))
            except Refusal as refusal:
                self._fail_simple(refusal)
        if self._simple and not self._pending:
            self._simple = False
            self._ready()

    def _fail_simple(self, refusal: Refusal) -> None:
        self._todo.clear()
        self._tell(refusal)

    # extended queries

    def _extended(self, kind: int, data: bytes, start: int, end: int) -> None:
        if kind == codes.PARSE:
            self._parse(data, start, end)
        elif kind == codes.BIND:
            self._bind(read_bind(data, start, end))
        elif kind == codes.DESCRIBE:
            target = read_target(data, start, end)
            self._describe(target.what, target.name)
        elif kind == codes.EXECUTE:
            name, most = read_execute(data, start, end)
            portal = self._portals.get(name)
            if portal is None:
                raise Refusal(sqlstate.INVALID_CURSOR_NAME, f'portal "{text_of(name)}" does not exist')
            self._execute(portal, most)
        elif kind == codes.CLOSE:
            target = read_target(data, start, end)
            if target.what == codes.STATEMENT:
                self._statements.pop(target.name, None)
            else:
                self._portals.pop(target.name, None)
            self.client.write(CLOSE_COMPLETE)
        else:
            raise Refusal(sqlstate.FEATURE_NOT_SUPPORTED, "the router's own database has no functions to call")

    def _parse(self, data: bytes, start: int, end: int) -> None:
        request = read_parse(data, start, end)
        if request.name and request.name in self._statements:
            name = text_of(request.name)
            raise Refusal(sqlstate.DUPLICATE_PREPARED_STATEMENT, f'prepared statement "{name}" already exists')
        try:
            commands = split(text_of(request.text))
        except NotACommand as wrong:
            raise Refusal(sqlstate.SYNTAX_ERROR, str(wrong)) from wrong
        if len(commands) > 1:
            raise Refusal(sqlstate.SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement")
        words = commands[0] if commands else []
        if words:
            self._columns(self._understood(words))
        self._statements[request.name] = _Statement(words, request.types)
        self.client.write(PARSE_COMPLETE)

    def _bind(self, request: Bind) -> None:
        statement = self._statement(request.statement)
        columns: tuple[Column, ...] | None = None
        command: Command | None = None
        try:
            if statement.words:
                command = self._understood(bound(statement.words, _values(request, statement.types)))
                columns = self._columns(command)
            if columns is not None:
                columns = in_formats(columns, request.result_formats)
        except ValueError as wrong:
            raise Refusal(sqlstate.PROTOCOL_VIOLATION, str(wrong)) from wrong
        self._portals[request.portal] = _Portal(command, columns)
        self.client.write(BIND_COMPLETE)

    def _describe(self, what: int, name: bytes) -> None:
        if what == codes.STATEMENT:
            statement = self._statement(name)
            columns = self._columns(self._understood(statement.words)) if statement.words else None
            told = statement.types[: parameters_of(statement.words)]
            oids = (*(oid or TEXT_OID for oid in told), *(TEXT_OID,) * (parameters_of(statement.words) - len(told)))
            self.client.write(parameter_description(oids))
        else:
            portal = self._portals.get(name)
            if portal is None:
                raise Refusal(sqlstate.INVALID_CURSOR_NAME, f'portal "{text_of(name)}" does not exist')
            columns = portal.columns
        self.client.write(NO_DATA if columns is None else row_description(columns))

    def _statement(self, name: bytes) -> _Statement:
        found = self._statements.get(name)
        if found is None:
            named = f'prepared statement "{text_of(name)}"' if name else "unnamed prepared statement"
            raise Refusal(sqlstate.INVALID_SQL_STATEMENT_NAME, f"{named} does not exist")
        return found

    # what both do

    def _understood(self, words: Sequence[Token]) -> Command:
        """Raises Refusal."""
        try:
            command = understand(words)
        except NotACommand as wrong:
            raise Refusal(sqlstate.SYNTAX_ERROR, str(wrong)) from wrong
        if isinstance(command, Deed) and not self._may_change:
            raise Refusal(
                sqlstate.INSUFFICIENT_PRIVILEGE,
                f'user "{self.user}" may look, and not {words[0].text.upper()}: it is not in login.admins',
            )
        return command

    def _columns(self, command: Command) -> tuple[Column, ...] | None:
        """Of its answer; None: it has no rows."""
        if isinstance(command, Answer):
            return numbers(command.name) if isinstance(command.value, int) else texts(command.name)
        if isinstance(command, ShowRoute) or (isinstance(command, Show) and command.subject is not Subject.HELP):
            return self._desk.columns(command)
        return None

    def _execute(self, portal: _Portal, most: int) -> None:
        """Rows and tag; for a deed, now or once it is done."""
        command = portal.command
        if command is None:
            self.client.write(EMPTY_QUERY)
        elif isinstance(command, Deed):
            self._do(command)
        elif isinstance(command, Nothing):
            self._status = ord(command.status) if command.status else self._status
            self.client.write(command_complete(CommandTag(command.tag, None)))
        elif portal.columns is None:
            notice = sqlstate.notice(sqlstate.NOTICE, sqlstate.SUCCESS, "Console usage", HELP)
            self.client.write(notice + command_complete(CommandTag("SHOW", None)))
        else:
            self._send_rows(portal, command, portal.columns, most)

    def _send_rows(
        self, portal: _Portal, command: Show | ShowRoute | Answer, columns: tuple[Column, ...], most: int
    ) -> None:
        if portal.left is None and not isinstance(command, Answer):
            self._wait_for("SHOW")
            self._desk.table(command, partial(self._told, portal, most))
            self._calling = False
            return
        if portal.left is None and isinstance(command, Answer):
            portal.left = encoded(columns, ((command.value,),))
        self._send(portal, most)

    def _told(self, portal: _Portal, most: int, table: Table) -> None:
        """The rows of a table are there."""
        if self.closed or not self._pending:
            return
        self._pending = ""
        portal.left = encoded(portal.columns or table.columns, table.rows)
        self._send(portal, most)
        self._proceed()

    def _send(self, portal: _Portal, most: int) -> None:
        if portal.left is None:
            return
        now = len(portal.left) if most <= 0 else min(most, len(portal.left))
        sent, portal.left = portal.left[:now], portal.left[now:]
        ends = PORTAL_SUSPENDED if portal.left else command_complete(CommandTag("SHOW", None))
        self.client.write(b"".join((*sent, ends)))

    def _wait_for(self, tag: str) -> None:
        self._pending = tag
        self._calling = True

    def _do(self, deed: Deed) -> None:
        self._wait_for(_TAGS.get(type(deed).__name__, type(deed).__name__.upper()))
        self._desk.do(deed, self._ended)
        self._calling = False

    def _ended(self, refusal: str) -> None:
        if self.closed or not self._pending:
            return
        tag, self._pending = self._pending, ""
        if refusal:
            self._todo.clear()
            self._skipping = not self._simple
            self._tell(Refusal(sqlstate.OBJECT_NOT_IN_PREREQUISITE_STATE, refusal))
        else:
            self.client.write(command_complete(CommandTag(tag, None)))
        self._proceed()

    def _proceed(self) -> None:
        """What was waited for is there."""
        if self._calling:
            return
        self._waiting_bytes = 0
        if self._full:
            self._full = False
            self.client.resume()
        self._go_on()
        self._work()

    def _tell(self, refusal: Refusal) -> None:
        self.client.write(sqlstate.error(sqlstate.ERROR, refusal.state, str(refusal)))

    def _ready(self) -> None:
        self.client.write(ready_for_query(self._status))


_TAGS: Final = {"KillClient": "KILL_CLIENT", "WaitClose": "WAIT_CLOSE", "SetSetting": "SET"}


def _values(request: Bind, types: Sequence[int]) -> list[str]:
    """The values of a Bind as texts. Raises ValueError."""
    formats = request.parameter_formats
    if len(formats) not in (0, 1, len(request.parameters)):
        raise ValueError(f"bind message has {len(formats)} parameter formats but {len(request.parameters)} parameters")
    found: list[str] = []
    for place, raw in enumerate(request.parameters):
        if raw is None:
            raise ValueError(f"parameter ${place + 1} is NULL")
        binary = bool(formats) and bool(formats[place] if len(formats) > 1 else formats[0])
        integer = binary and place < len(types) and types[place] in INTEGER_OIDS
        found.append(str(int.from_bytes(raw, "big", signed=True)) if integer else text_of(raw))
    return found
