"""Where does one client's byte go, and what happens to its answer?

Bytes that wait stay in the inbox unread: whoever is woken begins with them again, and decides by what is known then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from howdah.routing import instead, losing, sqlnames, usual, way
from howdah.routing.aborted import CANCELED, IGNORED, READY_IDLE, Aborted
from howdah.routing.batch import COPYING, EXTENDED, look_at
from howdah.routing.freshness import NEVER
from howdah.routing.link import IN_HOT_STANDBY, OF_ONE_SERVER, Link, Sink
from howdah.routing.outgoing import Outgoing, Ran
from howdah.routing.plan import UNKNOWN, Ends, Plan
from howdah.routing.route import Route
from howdah.routing.sending import note
from howdah.routing.state import State
from howdah.routing.visitor import NOBODY
from howdah.wire import codes, frame, sqlstate
from howdah.wire.fields import cstring, message
from howdah.wire.replies import parameter_status
from howdah.wire.violation import ProtocolViolation

if TYPE_CHECKING:
    from howdah.routing.fleet import Target
    from howdah.routing.hub import Hub, Place
    from howdah.routing.pool import Pool
    from howdah.routing.profile import Profile

DIGITS: Final = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
"""Numbers in a text mostly stand for values: with all digits made the same, texts that differ only in them meet."""
WHOLE_BYTES: Final = 1 << 20
"""Longer messages are not read as a whole: they go to the primary as they come."""
FULL_BYTES: Final = 1 << 16
"""With so much unread, no more is taken from the client."""


def told_at_login(parameters: Mapping[str, str], route: Route | None) -> bytes:
    """The ParameterStatus messages for a client, from those of a server. It talks to the primary, unless it has asked
    for something else: then drivers that look for a standby are told that they have found one."""
    told = dict(parameters)
    if route is not Route.ANY:
        told |= {name: "off" for name in OF_ONE_SERVER if name in parameters}
    if route is Route.STANDBY and IN_HOT_STANDBY in told:
        told[IN_HOT_STANDBY] = "on"
    return b"".join(parameter_status(name, value) for name, value in told.items())


class Session:
    """One client that has logged in. `link`: the server connection it has at the moment.

    `asked_ms`: since when it waits; `waits`: for which pool; `blocked`: nothing more is done before it is woken.
    `wrote_ms`: when its last write ended; `saw_ms`: when its last read did, on `saw_on`. `inbox` from `at` on: what has
    come and is not sent. `unsynced`: extended messages went to the server since the last Sync. `lent_ms`: when it last
    got a connection.

    `stands_by`: the one server of a session that keeps to any. `wrote_on`: where its last write was; `recalls`: what
    comes next asks for what only that connection knows (currval).

    Of what is under way: `writes`: something that may write; `reads`: nothing but reads; `repeat`: what can be sent
    again, elsewhere; `pipelined`: more such, sent before that was answered, each with the number of its first request;
    `ends`: what it does to the transaction. `aborted`: the transaction was lost with its server. `crammed`: so
    much is unanswered that nothing more is sent. `stalled`: the client does not read, so nothing more is asked for
    it."""

    def __init__(self, hub: Hub, client: Sink, place: Place, profile: Profile) -> None:
        self.hub = hub
        self.client = client
        self.visitor = NOBODY
        self.place = place
        self.state = State(profile, place.keeps, hub.profiles, hub.statements, hub.clock_ms)
        self.link: Link | None = None
        self.asked_ms = 0.0
        self.lent_ms = 0.0
        self.wrote_ms = place.made_ms
        self.stands_by: Target | None = None
        self.wrote_on: Link | None = None
        self.saw_ms = NEVER
        self.saw_on: Target | None = None
        self.recalls = False
        self.state.binds = place.binds
        self.closed = False
        self.waits: Pool | None = None
        self.blocked = False
        self.inbox = b""
        self.at = 0
        self._left = 0
        self._drops = False  # nobody is to have the rest of a message of which `_left` bytes are to come
        self._full = False
        self._short = False  # a message has to come to its end before anything can be done with it
        self.unsynced = False
        self.writes = False
        self.repeat = b""
        self.pipelined: list[tuple[int, bytes]] = []
        self.ends = Ends.NOTHING
        self.reads = True
        self._greeting = True  # it waits for what a server says of itself at a login
        self.key = b""
        self.aborted: Aborted | None = None
        self.crammed = False
        self.stalled = False

    def greet(self, key: bytes) -> None:
        """The login is over: tell what servers report, the key for cancels (a BackendKeyData), and that it may
        begin."""
        self.key = key
        self._greet()

    def skip_greeting(self) -> None:
        """Nobody waits for it: a session of the router's own."""
        self._greeting = False

    def _greet(self) -> None:
        face = self.place.faces.get(self.state.profile)
        if face is None:
            link = way.find(self, read=True, ends=Ends.NOTHING)
            if link is None:
                return
            face = self.place.faces[self.state.profile] = told_at_login(
                link.parameters, self.state.profile.wishes.route
            )
        self._greeting = False
        self.client.write(face + self.key + READY_IDLE)
        if self.link is not None:
            self.answered(self.link)

    # from the client

    def receive(self, data: bytes) -> None:
        """Bytes from the client, cut anywhere."""
        if not self.inbox and not self._left and not self.blocked and not self._greeting and not self.stalled:
            if data[0] == codes.QUERY:
                size = len(data)
                if size > 5 and (data[1] << 24 | data[2] << 16 | data[3] << 8 | data[4]) == size - 1:
                    plan = self.place.texts.shapes.get(data.translate(DIGITS))
                    if plan is None:
                        plan = self.place.texts.plan(data)
                    link = (
                        way.find(self, plan.read, plan.ends, plan.hint)
                        if plan.plain and not self.state.watches and self.aborted is None
                        else None
                    )
                    if link is not None:
                        self._send(link, data, codes.QUERY, plan.read)
                        return
            elif usual.send(self, data):
                return
            self.inbox = data
            self.at = 0
        else:
            self.inbox = self.inbox[self.at :] + data
            self.at = 0
        if not self.blocked:
            self._work()
        if not self._full and len(self.inbox) > FULL_BYTES and not self._short:
            self._full = True
            self.client.pause()

    def _work(self) -> None:
        """Go through what has come until it is used up, or something has to be waited for."""
        if self._greeting:
            self._greet()
            if self._greeting:
                return
        try:
            while not self.closed and not self._waiting and self.at < len(self.inbox) and self._step():
                pass
        except ProtocolViolation as violation:
            self.refuse(sqlstate.error(sqlstate.FATAL, sqlstate.PROTOCOL_VIOLATION, str(violation)))
        if self.at:
            self.inbox = self.inbox[self.at :]
            self.at = 0
        if self._full and (self._short or len(self.inbox) <= FULL_BYTES):
            self._full = False
            self.client.resume()

    @property
    def _waiting(self) -> bool:
        """Whether nothing more may be done now; a message that has begun goes to its end."""
        return self.blocked or (self.stalled and not self._left)

    def _step(self) -> bool:
        """One message, or one batch. False: what comes next has to wait."""
        self._short = False
        data, at = self.inbox, self.at
        here = len(data) - at
        if self._left:
            return self._pass_on(min(here, self._left))
        if here < 5:
            return self._wait_for_end()
        kind = data[at]
        length = int.from_bytes(data[at + 1 : at + 5], "big") + 1
        treatment = frame.REQUESTS[kind]
        longest = frame.SMALL_MAX_BYTES if treatment == frame.LOOK_SMALL else frame.REQUEST_MAX_BYTES
        if treatment == frame.UNKNOWN or not 5 <= length <= longest + 1:
            raise ProtocolViolation(f"invalid message of type {kind} and length {length - 1}")
        if kind == codes.TERMINATE:
            self.leave()
            return False
        if self.aborted is not None:
            if length > here and length <= WHOLE_BYTES:
                return self._wait_for_end()
            if length > WHOLE_BYTES:
                losing.refuse_long(self, self.aborted, kind)
                return self._drop(length)
            return losing.refuse_in(self, self.aborted, kind, data[at : at + length])
        if kind in COPYING:
            return self._copy(kind, length, here)
        if kind in EXTENDED:
            return self._batch(data, at, length, here)
        if length > here and length <= WHOLE_BYTES:
            return self._wait_for_end()
        plan = self.place.texts.plan(data[at : at + length]) if kind == codes.QUERY and length <= here else UNKNOWN
        if not plan.plain and kind == codes.QUERY:
            return self._steer(plan, data[at : at + length])
        link = way.find(self, plan.read, plan.ends, plan.hint)
        if link is None:
            return False
        taken = min(length, here)
        number = self._send(link, data[at : at + taken], kind, plan.read)
        if self.state.watches:
            link.mark(Ran(number, self, plan))
        self.at += taken
        self._left = length - taken
        return True

    def _steer(self, plan: Plan, text: bytes) -> bool:
        """A simple query that does something to the session."""
        link = self.link
        if link is None or (link.expect.done and not link.replaying):
            answer = instead.answer(self, plan)
            if answer:
                self.at += len(text)
                self.client.write(answer)
                return True
        self.recalls = plan.recalls
        link = way.find(self, plan.read, plan.ends, plan.hint)
        if link is None:
            return False
        self.recalls = False
        words = instead.words(self, plan)
        sent = (
            message(codes.QUERY, cstring(words)) if words else sqlnames.before(self, link, plan, in_batch=False) + text
        )
        writes = self.writes or (plan.writes and link.pool.target.writable)
        number = self._send(link, sent, codes.QUERY, plan.read)
        self.writes = writes
        link.mark(Ran(number, self, plan))
        self.at += len(text)
        return True

    def _wait_for_end(self) -> bool:
        self._short = True
        return False

    def _pass_on(self, size: int) -> bool:
        """A part of a message that is longer than what had come of it."""
        link = self.link
        if link is not None and not self._drops:
            link.counts.received += size
            link.sink.write(self.inbox[self.at : self.at + size])
        self.at += size
        self._left -= size
        if not self._left:
            self._drops = False
            if link is not None and self.at == len(self.inbox):
                self.inbox = b""
                self.at = 0
                self.answered(link)  # it may have ended while the rest was on its way
        return True

    def _drop(self, length: int) -> bool:
        """A message that nobody gets, however long it is."""
        size = min(length, len(self.inbox) - self.at)
        self.at += size
        self._left = length - size
        self._drops = self._left > 0
        return True

    def _copy(self, kind: int, length: int, here: int) -> bool:
        """Rows of a COPY. A server drops them outside of one, so they are dropped here where nothing is owed."""
        if kind != codes.COPY_DATA and length > here:
            return self._wait_for_end()
        link = self.link
        if link is None or (link.expect.done and not self.unsynced):
            return self._drop(length)
        size = min(length, here)
        if kind != codes.COPY_DATA:
            link.expect.sent(kind)
        link.counts.received += size
        link.sink.write(self.inbox[self.at : self.at + size])
        self.at += size
        self._left = length - size
        return True

    def _batch(self, data: bytes, at: int, length: int, here: int) -> bool:
        """Extended messages: what has come of one batch."""
        batch = look_at(data, at, self.state.names, self.state.unnamed, self.place.texts)
        long = not batch.whole and (length > WHOLE_BYTES or len(data) - at > WHOLE_BYTES)
        if not batch.whole and not long and (not self.state.keeps or batch.stop == at):
            return self._wait_for_end()  # a server is not to wait for a client; one that is its own may
        link = self.link
        if link is None or not self.unsynced:
            self.recalls = batch.recalls
            link = way.find(self, batch.read and batch.synced, batch.ends, batch.hint)
            if link is None or (self.state.unsure and not link.expect.done):
                return False
            self.recalls = False
        elif link.expect.full:
            self.crammed = True
            return False
        if batch.stop == at:
            return self._begin_long(link, data, at, length, here)
        note(self, link, data[at : batch.stop], batch.read, whole=batch.synced and not self.unsynced)
        out = Outgoing(self, link, data)
        place = at
        while place < batch.stop:
            stop = place + 1 + int.from_bytes(data[place + 1 : place + 5], "big")
            out.add(place, stop)
            place = stop
        self.unsynced = not batch.synced
        link.sink.write(out.taken(batch.stop))
        self.at = batch.stop
        return True

    def _begin_long(self, link: Link, data: bytes, at: int, length: int, here: int) -> bool:
        """A message that is sent on before it is whole; its names have come."""
        out = Outgoing(self, link, data)
        out.add(at, at + length)
        note(self, link, data[at:], read=False)
        self.unsynced = True
        link.sink.write(out.taken(len(data)))
        self.at = len(data)
        self._left = length - here
        return True

    def _send(self, link: Link, data: bytes, kind: int, read: bool) -> int:
        note(self, link, data, read)
        number = link.expect.sent(kind)
        if self.unsynced and number >= 0:
            self.unsynced = False  # it ends what came before it, as a Sync does
        link.sink.write(data)
        return number

    # from the pool and the hub

    def granted(self, link: Link) -> None:
        """A connection that it waited for."""
        self.blocked = False
        if way.lent(self, link) is not None:
            self._work()
            self.answered(link)

    def resume(self) -> None:
        """The servers' roles changed, it was held, or its server has caught up: it asks again."""
        self.blocked = self.crammed = False
        self.waits = None
        self._work()

    def waited_too_long(self, why: bytes) -> None:
        """What it asked for did not run."""
        self.blocked = False
        self.waits = None
        self.asked_ms = 0.0
        message = why or sqlstate.error(
            sqlstate.FATAL,
            sqlstate.CANNOT_CONNECT_NOW,
            "no server could be had in time; the statement did not run",
        )
        self.refuse(message)

    # from the server

    def answered(self, link: Link) -> None:
        """Everything that was owed has been answered."""
        if not link.expect.done or self.link is not link:
            return
        if link.expect.status == codes.IDLE:
            if self.writes:
                self.writes = False
                self.wrote_ms = self.hub.clock_ms()
                self.wrote_on = link
                link.writer = self
            elif self.reads:
                self.saw_ms = self.hub.clock_ms()
                self.saw_on = link.pool.target
        if link.expect.status == codes.IDLE and not self.unsynced and not self.state.stays and not self._left:
            self.repeat = b""
            self.reads = True
            if self.state.portals:
                self.state.portals.clear()
            if not self.inbox:
                self.link = None
                link.pool.give(link, self.hub.now_ms)
                return
            way.give_back(self, link)
        if self.inbox and not self.blocked:
            self._work()

    def replayed(self, link: Link, failure: bytes) -> None:
        """Its connection goes by its settings now, or cannot."""
        del link
        self.blocked = False
        if failure:
            self.refuse(failure)
            return
        self._work()

    def lost(self, link: Link) -> None:
        """Its connection ended under it."""
        losing.lose(self, link)

    # its end

    def dismiss(self) -> None:
        """The router stops: it ends if it waits for nothing and is in no transaction."""
        link = self.link
        if not self.inbox and not self.blocked and (link is None or (link.idle and not self.unsynced)):
            self.refuse(sqlstate.error(sqlstate.FATAL, sqlstate.ADMIN_SHUTDOWN, "the router is stopping"))

    def refuse(self, message: bytes) -> None:
        """A last word."""
        if not self.closed:
            self.client.write(message)
            self.leave()

    def leave(self) -> None:
        """The client is gone, or is sent away."""
        if self.closed:
            return
        self.closed = True
        self.client.close()
        if self.waits is not None:
            self.waits.leave(self)
        self.hub.left(self)
        self.state.forget_all()
        if self.wrote_on is not None and self.wrote_on.writer is self:
            self.wrote_on.writer = None
        link, self.link = self.link, None
        if link is None:
            return
        if link.idle and not self.state.stays and not self.unsynced:
            link.pool.give(link, self.hub.now_ms)
        else:
            link.broken = "its client left in the middle"
            link.pool.give(link, self.hub.now_ms)


def cancel_wait(session: Session) -> bool:
    """A cancel came: what waits for a server does not run. Returns whether anything waited."""
    link = session.link
    if not session.blocked or session.crammed or session.at >= len(session.inbox):
        return False
    if link is not None and (link.replaying or not link.expect.done):
        return False
    pool, session.waits = session.waits, None
    if pool is not None:
        pool.leave(session)
    session.hub.let_go(session)
    session.blocked = False
    session.asked_ms = 0.0
    kind = session.inbox[session.at]
    if kind == codes.QUERY or kind == codes.FUNCTION_CALL:
        session.client.write(CANCELED + READY_IDLE)
        session._drop(1 + int.from_bytes(session.inbox[session.at + 1 : session.at + 5], "big"))
    else:
        session.client.write(CANCELED)
        session.aborted = Aborted(IGNORED, skipping=True, over=True)
    session._work()
    return True


def stall(session: Session) -> None:
    """The client takes nothing more for now: its server waits."""
    session.stalled = True
    if session.link is not None:
        session.link.sink.pause()


def go_on(session: Session) -> None:
    """The client takes what is there for it again."""
    session.stalled = False
    if session.link is not None:
        session.link.sink.resume()
    if session.inbox and not session.blocked:
        session._work()
