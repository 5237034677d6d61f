"""How do a client's extended messages read on the server connection that runs them?

Statement names are the client's; on a server connection the same statements may have other names, or not be there yet.
What need not be changed goes through as the bytes that came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from howdah.routing import instead, sqlnames
from howdah.routing.link import Link, Mark, make_room
from howdah.routing.plan import Plan
from howdah.routing.prepared import Statement
from howdah.wire import codes
from howdah.wire.prepared import Names, read_names, renamed

if TYPE_CHECKING:
    from howdah.routing.session import Session

NOBODY: Final = b" (in this session)"
"""Behind a name that the client never prepared: another client may have a statement of that name there."""
GONE: Final = b"howdah_none"
"""A name that no statement has: closing it is answered, and does nothing."""
PARSED: Final = b"1\x00\x00\x00\x04"
"""ParseComplete, for a statement that is there already."""


class Named(Mark):
    """The client's Parse with a name, which its session already goes by."""

    def __init__(self, number: int, session: Session, name: bytes, statement: Statement) -> None:
        super().__init__(number)
        self.session = session
        self.name = name
        self.statement = statement
        session.state.unsure += 1

    def succeeded(self, link: Link) -> bool:
        """The session can use it, here and elsewhere."""
        del link
        self.session.state.unsure -= 1
        return True

    def failed(self, link: Link) -> None:
        """Neither the session nor the server has it."""
        self.session.state.unsure -= 1
        if self.session.state.names.get(self.name) is self.statement:
            self.session.state.forget(self.name)
        link.forget(self.statement)


class Ran(Mark):
    """Something that leaves its trace in the session, if it succeeds."""

    def __init__(self, number: int, session: Session, plan: Plan) -> None:
        super().__init__(number)
        self.session = session
        self.plan = plan

    def succeeded(self, link: Link) -> bool:
        """Keep the trace."""
        self.session.state.traced(self.plan, link)
        return True


class Outgoing:
    """Gathers what goes to one server connection in one write."""

    def __init__(self, session: Session, link: Link, data: bytes) -> None:
        self._session = session
        self._link = link
        self._data = data
        self._pieces: list[bytes] = []
        self._clean = -1  # where the bytes begin that go through as they came
        self._portals: dict[bytes, Plan] = session.state.portals

    def add(self, at: int, stop: int) -> None:
        """The message from `at` to `stop`, of which at least the names are here."""
        kind = self._data[at]
        expect = self._link.expect
        if kind == codes.BIND:
            self._bind(at, stop)
        elif kind == codes.PARSE:
            self._parse(at, stop)
        elif kind == codes.EXECUTE:
            self._keep(at)
            number = expect.sent(codes.EXECUTE)
            plan = self._portals.get(self._data[at + 5 : self._data.find(0, at + 5, stop)])
            if plan is not None and not plan.plain:
                self._link.mark(Ran(number, self._session, plan))
        elif (kind == codes.DESCRIBE or kind == codes.CLOSE) and self._data[at + 5] == codes.STATEMENT:
            self._refer(kind, at, stop)
        else:
            self._keep(at)
            expect.sent(kind)

    def _keep(self, at: int) -> None:
        if self._clean < 0:
            self._clean = at

    def _instead(self, at: int, stop: int, message: bytes) -> None:
        """`message` stands for the bytes from `at` on; those from `stop` on go through again."""
        self._before(at, message)
        self._clean = stop

    def _before(self, at: int, message: bytes) -> None:
        if 0 <= self._clean < at:
            self._pieces.append(self._data[self._clean : at])
        self._pieces.append(message)
        self._clean = at

    def taken(self, stop: int) -> bytes:
        """Everything up to `stop`, to be written."""
        if not self._pieces and self._clean == 0 and stop == len(self._data):
            return self._data
        if 0 <= self._clean < stop:
            self._pieces.append(self._data[self._clean : stop])
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _parse(self, at: int, stop: int) -> None:
        session, link = self._session, self._link
        found = read_names(self._data, at, min(stop, len(self._data)))
        name = found.statement or b""
        if stop > len(self._data):
            session.state.pin(link, "it prepared a statement that is too long to be kept")
            self._keep(at)
            link.expect.sent(codes.PARSE)
            return
        body = self._data[found.rest : stop]
        plan = session.place.texts.plan_parse(body)
        words = b"" if plan.plain else instead.words(session, plan)
        if words:
            body = words + body[body.find(b"\0") :]
        elif not plan.plain and (names := sqlnames.before(session, link, plan, in_batch=True)):
            self._before(at, names)
        if not name:
            statement = session.place.texts.without_name(session.state.reading + self._data[at:stop], body, plan)
            session.state.unnamed = link.unnamed = statement
            if words:
                self._instead(at, stop, statement.parse_as(b""))
            else:
                self._keep(at)
            link.expect.sent(codes.PARSE)
            return
        texts = None if words else session.place.texts
        statement = session.hub.statements.intern(name, body, plan, texts, session.state.reading)
        link.counts.client_parses += 1
        known = session.state.names.get(name)
        if known is not None:
            # The server says that the name is taken, once it is: under the name that the statement has there.
            self._before(at, link.preparation(known))
            link.expect.sent(codes.PARSE)
            self._instead(at, stop, known.parse())
            return
        session.state.learn(name, statement)
        if link.prepared.get(statement.name) is statement:
            link.say(PARSED)
            self._instead(at, stop, b"")
            return
        room = make_room(link, statement.name)
        if room:
            self._before(at, room)
        link.prepared[statement.name] = statement
        link.counts.server_parses += 1
        link.mark(Named(link.expect.sent(codes.PARSE), session, name, statement))
        if statement.name == name and not words:
            self._keep(at)
        else:
            self._instead(at, stop, statement.parse())

    def _bind(self, at: int, stop: int) -> None:
        link = self._link
        link.counts.binds += 1
        found = read_names(self._data, at, min(stop, len(self._data)))
        name, portal = found.statement or b"", found.portal or b""
        statement = self._statement(name)
        if statement is not None:
            statement = self._as_read_now(name, statement)
            messages = self._ready(name, statement)
            if messages:
                self._before(at, messages)
            plan = statement.plan
            if not plan.plain or portal:
                self._portals[portal] = plan
            elif self._portals:
                self._portals.pop(portal, None)
        link.expect.sent(codes.BIND)
        self._rename(at, found, name, statement)

    def _refer(self, kind: int, at: int, stop: int) -> None:
        session, link = self._session, self._link
        found = read_names(self._data, at, stop)
        name = found.statement or b""
        if kind == codes.CLOSE:
            link.expect.sent(codes.CLOSE)
            if not name:
                session.state.unnamed = link.unnamed = None
                self._keep(at)
                return
            session.state.forget(name)
            self._instead(at, found.rest, renamed(self._data, at, found, GONE))
            return
        statement = self._statement(name)
        if statement is not None:
            statement = self._as_read_now(name, statement)
            messages = self._ready(name, statement)
            if messages:
                self._before(at, messages)
        link.expect.sent(codes.DESCRIBE)
        self._rename(at, found, name, statement)

    def _statement(self, name: bytes) -> Statement | None:
        return self._session.state.names.get(name) if name else self._session.state.unnamed

    def _as_read_now(self, name: bytes, statement: Statement) -> Statement:
        """The same, where it has to be prepared again and the session reads literals otherwise by now: PostgreSQL does
        so too, when it makes a statement anew. Others who share it are not to have it read so."""
        state = self._session.state
        if (
            not name
            or statement.reading == state.profile.reading
            or self._link.prepared.get(statement.name) is statement
        ):
            return statement
        now = self._session.hub.statements.intern(
            statement.name, statement.body, statement.plan, statement.texts, state.reading
        )
        state.forget(name)
        state.learn(name, now)
        return now

    def _ready(self, name: bytes, statement: Statement) -> bytes:
        link = self._link
        if name:
            return link.preparation(statement)
        return b"" if link.unnamed is statement else link.preparation_without_name(statement)

    def _rename(self, at: int, found: Names, name: bytes, statement: Statement | None) -> None:
        if not name or (statement is not None and statement.name == name):
            self._keep(at)
            return
        wanted = statement.name if statement is not None else name + NOBODY
        self._instead(at, found.rest, renamed(self._data, at, found, wanted))
