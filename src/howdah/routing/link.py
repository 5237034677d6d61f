"""What does one server connection know, to whom is it lent, and what do its answers mean?

Answers are not taken apart: what is not needed here goes to the client as it came.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from howdah.routing.lost import UNREPLICATED_COMMIT
from howdah.routing.prepared import Statement
from howdah.routing.profile import Profile, change
from howdah.wire import codes, frame
from howdah.wire.expect import Expect
from howdah.wire.replies import read_parameter_status
from howdah.wire.violation import ProtocolViolation

if TYPE_CHECKING:
    from howdah.routing.pool import Pool
    from howdah.routing.session import Session

UNREPLICATED: Final = b"SyncRepWaitForLSN"
"""The routine that tells of a commit whose wait for standbys was cancelled, in whatever language the words are."""


IN_HOT_STANDBY: Final = "in_hot_standby"
OUTDATED: Final = b"RRevalidateCachedQuery\0"
"""The routine that refuses a prepared statement whose columns have changed since."""

OF_ONE_SERVER: Final = frozenset((IN_HOT_STANDBY, "default_transaction_read_only"))
"""Reported settings that differ between the servers."""


class Sink(Protocol):
    """The sending side of a socket."""

    def write(self, data: bytes) -> None:
        """Send, now or when the other side reads."""

    def pause(self) -> None:
        """Read no more."""

    def resume(self) -> None:
        """Read again."""

    def close(self) -> None:
        """Close when all is sent."""

    def abort(self) -> None:
        """Close now."""


_SERIALS: Final = count(1)


class Mark:
    """Something to be done when the answer to one request is here. `number`: the request's (see `Expect`)."""

    def __init__(self, number: int) -> None:
        self.number = number

    def succeeded(self, link: Link) -> bool:
        """The server did it. Returns whether the client is to see the answer."""
        del link
        return True

    def failed(self, link: Link) -> None:
        """It did not: the error goes to the client."""


class Ours(Mark):
    """A request that the client knows nothing of."""

    def succeeded(self, link: Link) -> bool:
        """Nobody waits for it."""
        del link
        return False


class Prepares(Ours):
    """A Parse of ours, for a statement that the client prepared elsewhere."""

    def __init__(self, number: int, statement: Statement) -> None:
        super().__init__(number)
        self.statement = statement

    def failed(self, link: Link) -> None:
        """It is not there."""
        link.forget(self.statement)


class Says(Mark):
    """An answer of ours, due when everything before the request of this number is answered."""

    def __init__(self, number: int, answer: bytes) -> None:
        super().__init__(number)
        self.answer = answer


class Link:
    """One connection to one server. `answering`: a part of the answer that is owed has gone to the client.

    `writer`: who wrote here last: what the server remembers of sequences is of that session."""

    def __init__(self, pool: Pool, sink: Sink, parameters: dict[str, str], profile: Profile, opened_ms: float) -> None:
        self.serial = next(_SERIALS)
        self.key = b""  # the CancelRequest for it
        self.cancels = 0  # such requests under way
        self.pool = pool
        self.counts = pool.counts
        self.asked_s = 0.0  # when what is timed was sent
        self.sink = sink
        self.parameters = parameters
        self.profile = profile
        self.opened_ms = opened_ms
        self.idle_ms = opened_ms
        self.term = pool.target.term
        self.session: Session | None = None
        self.writer: Session | None = None
        self.expect = Expect()
        self.frames = frame.Framer(frame.REPLIES, frame.REPLY_MAX_BYTES)
        self.answering = False
        self.broken = ""
        self.prepared: dict[bytes, Statement] = {}
        self.stale: set[bytes] = set()  # names that stand for statements which are to be prepared anew
        self.unnamed: Statement | None = None
        self._marks: deque[Mark] = deque()
        self._erred = False
        self._doubt = False
        self._replayed: Profile | None = None
        self._replay_failure = b""

    @property
    def idle(self) -> bool:
        """Whether it is done with everything and in no transaction."""
        return self.expect.done and self.expect.status == codes.IDLE

    # what is sent

    def mark(self, mark: Mark) -> None:
        """Look at every answer until that one is here."""
        if mark.number < 0:
            mark.failed(self)
            return
        self._marks.append(mark)
        self.frames.kinds = frame.REPLIES_ONE_BY_ONE

    def say(self, answer: bytes) -> None:
        """Answer the client in the server's place, after everything that the server still owes it."""
        session = self.session
        if self.expect.skipping or session is None:
            return
        if self.expect.done:
            session.client.write(answer)
            self.answering = True
        else:
            self.mark(Says(self.expect.upcoming, answer))

    def replay(self, profile: Profile, more: str = "") -> None:
        """Take it to other settings, and do something `more`. Its session is told when that is done."""
        self._replayed = profile
        self._replay_failure = b""
        self.frames.kinds = frame.REPLIES_ONE_BY_ONE
        self.expect.sent(codes.QUERY)
        body = ";".join(part for part in (change(self.profile, profile), more) if part).encode() + b"\0"
        self.sink.write(b"Q" + (4 + len(body)).to_bytes(4, "big") + body)

    @property
    def replaying(self) -> bool:
        """Whether settings are on their way, so that nothing of the client's may follow yet."""
        return self._replayed is not None

    def preparation(self, statement: Statement) -> bytes:
        """What must go before the use of a statement here; b"" if it is prepared already."""
        known = self.prepared.pop(statement.name, None)
        if known is statement:
            self.prepared[statement.name] = statement  # the last one used is the last one in the dictionary
            return b""
        messages = make_room(self, statement.name)
        self.prepared[statement.name] = statement
        self.counts.server_parses += 1
        self.mark(Prepares(self.expect.sent(codes.PARSE), statement))
        return messages + statement.parse()

    def preparation_without_name(self, statement: Statement) -> bytes:
        """As `preparation`, for the statement without a name."""
        self.unnamed = statement
        self.mark(Ours(self.expect.sent(codes.PARSE)))
        return statement.parse_as(b"")

    def forget(self, statement: Statement) -> None:
        """It is not prepared here (any more)."""
        if self.prepared.get(statement.name) is statement:
            del self.prepared[statement.name]

    # what comes

    def receive(self, data: bytes) -> None:
        """Bytes from the server, cut anywhere."""
        frames = self.frames
        expect = self.expect
        self.counts.sent += len(data)
        try:
            frames.feed(data)
            found = frames.step()
            while found != frame.NOTHING:
                session = self.session
                if session is None:
                    if not self.broken:
                        self._unasked()
                    return
                if found == frame.RUN:
                    expect.heard(frames, found)
                    if frames.ready:
                        self._erred = False
                    if self._replayed is None:
                        session.client.write(frames.buffer[frames.start : frames.end])
                elif found == frame.PART:
                    if self._replayed is None:
                        session.client.write(frames.buffer[frames.start : frames.end])
                else:
                    self._look(session, found)
                found = frames.step()
        except ProtocolViolation as violation:
            self.fail(f"the server does not speak PostgreSQL's protocol: {violation}")
            return
        session = self.session
        if session is None or self._replayed is not None:
            return
        if expect.done:
            self.answering = False
            if expect.status == codes.IDLE:
                self.counts.transactions += 1
            if self.asked_s:
                self.counts.answers.add(session.hub.stopwatch_s() - self.asked_s)
                self.asked_s = 0.0
            session.answered(self)
        else:
            self.answering = True
            if session.crammed and not expect.full:
                session.resume()

    def give_up(self) -> None:
        """It is lost, and nothing that was to be done will be."""
        while self._marks:
            self._marks.popleft().failed(self)

    @property
    def in_message(self) -> bool:
        """Whether the client has got a part of a message whose end is still to come."""
        return self.frames.missing > 0

    def _unasked(self) -> None:
        """The server ends the connection, or somebody's LISTEN was overlooked: it is not lent again."""
        self.broken = self.broken or "it spoke while nobody had it"
        self.pool.discard(self)

    def _look(self, session: Session, found: int) -> None:
        kind = self.frames.kind
        message = self.frames.buffer[self.frames.start : self.frames.end]
        self.expect.heard(self.frames, found)
        if kind == codes.ERROR and (b"VFATAL\0" in message or b"VPANIC\0" in message):
            # Its client stays, and is told what that means for it; it would take these words for the end of its own
            # connection.
            self.fail("the server ended the connection")
            return
        if self._replayed is not None:
            self._replay_answer(session, kind, message)
            return
        shown = True
        if kind == codes.ERROR:
            self._erred = True
            if OUTDATED in message:
                outdate(session)
            self.unnamed = None  # if it was that which failed, the server has none now
            session.state.tag = b""
        if self._marks:
            shown = self._settle(kind)
        if kind == codes.READY:
            if self._doubt:
                self._doubt = False
                session.client.write(UNREPLICATED_COMMIT)
            self._erred = False
            session.state.ready(self)
            if not self._marks and not session.state.watches:
                self.frames.kinds = frame.REPLIES
        elif kind == codes.COMMAND_COMPLETE:
            shown = shown and not self._doubt  # an error takes its place, before what is ready then
            session.state.tag = message
        elif kind == codes.PARAMETER_STATUS:
            shown = self._parameter(message)
        elif kind == codes.NOTICE and UNREPLICATED in message:
            self._doubt = True
            self.frames.kinds = frame.REPLIES_ONE_BY_ONE
        if shown:
            session.client.write(message)
        if self._marks:
            self._say_what_is_due(session)

    def _settle(self, kind: int) -> bool:
        """Do what the answers that are here were waited for. Returns whether the client is to see this one."""
        shown = True
        answered = self.expect.answering
        failed = kind == codes.ERROR or self._erred
        while self._marks and self._marks[0].number < answered:
            mark = self._marks.popleft()
            if failed:
                mark.failed(self)
            elif not mark.succeeded(self):
                shown = False
        return shown

    def _say_what_is_due(self, session: Session) -> None:
        while self._marks and self._marks[0].number <= self.expect.answering:
            mark = self._marks[0]
            if not isinstance(mark, Says):
                return
            self._marks.popleft()
            if not self.expect.skipping:
                session.client.write(mark.answer)

    def _replay_answer(self, session: Session, kind: int, message: bytes) -> None:
        if kind == codes.ERROR:
            self._replay_failure = message
        elif kind == codes.PARAMETER_STATUS:
            if self._parameter(message):
                session.client.write(message)
        elif kind == codes.READY:
            wanted, self._replayed = self._replayed, None
            self.frames.kinds = frame.REPLIES
            if self._replay_failure:
                self.broken = "its settings are not known"
            elif wanted is not None:
                self.profile = wanted
            session.replayed(self, self._replay_failure)

    def _parameter(self, message: bytes) -> bool:
        """Keep what the server reports. Returns whether the client is told: to it there is one server, the primary."""
        name, value = read_parameter_status(message, 0, len(message))
        self.parameters[name] = value
        return name not in OF_ONE_SERVER

    def fail(self, why: str) -> None:
        """It cannot be used any more."""
        self.broken = why
        self.sink.abort()
        self.pool.lost(self)


def close_statement(name: bytes) -> bytes:
    """The Close message for a prepared statement."""
    return b"C" + (6 + len(name)).to_bytes(4, "big") + b"S" + name + b"\0"


def make_room(link: Link, name: bytes) -> bytes:
    """What must go to this server before a statement is prepared there under this name; b"" if nothing must."""
    messages = b""
    if name in link.stale:
        link.stale.discard(name)
        messages = _close(link, name)
    if len(link.prepared) < link.pool.limits.prepared or not link.prepared:
        return messages
    eldest = next(iter(link.prepared))
    del link.prepared[eldest]
    return messages + _close(link, eldest)


def _close(link: Link, name: bytes) -> bytes:
    link.mark(Ours(link.expect.sent(codes.CLOSE)))
    return close_statement(name)


def outdate(session: Session) -> None:
    """A table has changed so that a prepared statement gives other columns than before. Whoever prepares it anew gets
    it anew, on every connection to this database."""
    for place in session.hub.places.values():
        if place.database == session.place.database:
            for pool in place.pools.values():
                for link in pool.links:
                    link.stale.update(link.prepared)
                    link.prepared.clear()
