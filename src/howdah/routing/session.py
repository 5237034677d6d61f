"""Where does one client's byte go, and what happens to its answer?

Bytes that wait stay in the inbox unread: whoever is woken begins with them again, and decides by what is known then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from howdah.routing.aborted import IGNORED, READY_FAILED, READY_IDLE, Aborted
from howdah.routing.batch import EXTENDED, look_at
from howdah.routing.link import OF_ONE_SERVER, Link, Sink
from howdah.routing.lost import Fate, Situation, fate, told
from howdah.routing.outgoing import Outgoing, Ran
from howdah.routing.plan import UNKNOWN, Ends
from howdah.routing.state import State
from howdah.wire import codes, frame, sqlstate
from howdah.wire.prepared import read_names
from howdah.wire.replies import parameter_status
from howdah.wire.violation import ProtocolViolation

if TYPE_CHECKING:
    from howdah.routing.hub import Hub, Place
    from howdah.routing.pool import Pool
    from howdah.routing.profile import Profile

DIGITS: Final = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
"""Numbers in a text mostly stand for values: with all digits made the same, texts that differ only in them meet."""
WHOLE_BYTES: Final = 1 << 20
"""Longer messages are not read as a whole: they go to the primary as they come."""
FULL_BYTES: Final = 1 << 16
"""With so much unread, no more is taken from the client."""
COPYING: Final = frozenset(b"dcf")
NEVER_MS: Final = -1e300


def told_at_login(parameters: Mapping[str, str]) -> bytes:
    """The ParameterStatus messages for a client, from those of a server."""
    told = {**parameters, **{name: "off" for name in OF_ONE_SERVER if name in parameters}}
    return b"".join(parameter_status(name, value) for name, value in told.items())


class Session:
    """One client that has logged in. `link`: the server connection it has at the moment. `pinned`: why it keeps it.
    `asked_ms`: since when it waits. `wrote_ms`: when its last write ended. `watches`: whether the end of the
    transaction matters to what is remembered of it."""

    def __init__(self, hub: Hub, client: Sink, place: Place, profile: Profile) -> None:
        self.hub = hub
        self.client = client
        self.place = place
        self.state = State(profile, place.keeps, hub.profiles, hub.statements)
        self.link: Link | None = None
        self.asked_ms = 0.0
        self.wrote_ms = NEVER_MS
        self.closed = False
        self._waits: Pool | None = None
        self._blocked = False
        self._inbox = b""
        self._at = 0
        self._left = 0
        self._full = False
        self._short = False  # a message has to come to its end before anything can be done with it
        self._open = False  # extended messages went to the server since the last Sync
        self._writes = False
        self._repeat = b""
        self._ends = Ends.NOTHING
        self._reads = True
        self._greeting = True  # it waits for what a server says of itself at a login
        self.key = b""
        self._aborted: Aborted | None = None  # its transaction was lost with its server

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
            link = self._way(read=True, ends=Ends.NOTHING)
            if link is None:
                return
            face = self.place.faces[self.state.profile] = told_at_login(link.parameters)
        self._greeting = False
        self.client.write(face + self.key + READY_IDLE)
        if self.link is not None:
            self.answered(self.link)

    # from the client

    def receive(self, data: bytes) -> None:
        """Bytes from the client, cut anywhere."""
        if not self._inbox and not self._left and not self._blocked and not self._greeting:
            if data[0] == codes.QUERY:
                size = len(data)
                if size > 5 and (data[1] << 24 | data[2] << 16 | data[3] << 8 | data[4]) == size - 1:
                    plan = self.place.texts.shapes.get(data.translate(DIGITS))
                    if plan is None:
                        plan = self.place.texts.plan(data)
                    link = (
                        self._way(plan.read, plan.ends)
                        if plan.plain and not self.state.watches and self._aborted is None
                        else None
                    )
                    if link is not None:
                        self._send(link, data, codes.QUERY, plan.read)
                        return
            self._inbox = data
            self._at = 0
        else:
            self._inbox = self._inbox[self._at :] + data
            self._at = 0
        if not self._blocked:
            self._work()
        if not self._full and len(self._inbox) > FULL_BYTES and not self._short:
            self._full = True
            self.client.pause()

    def _work(self) -> None:
        """Go through what has come until it is used up, or something has to be waited for."""
        if self._greeting:
            self._greet()
            if self._greeting:
                return
        try:
            while not self.closed and not self._blocked and self._at < len(self._inbox) and self._step():
                pass
        except ProtocolViolation as violation:
            self.refuse(sqlstate.error(sqlstate.FATAL, sqlstate.PROTOCOL_VIOLATION, str(violation)))
        if self._at:
            self._inbox = self._inbox[self._at :]
            self._at = 0
        if self._full and (self._short or len(self._inbox) <= FULL_BYTES):
            self._full = False
            self.client.resume()

    def _step(self) -> bool:
        """One message, or one batch. False: what comes next has to wait."""
        self._short = False
        data, at = self._inbox, self._at
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
        if self._aborted is not None:
            if length > here:
                return self._wait_for_end()
            return self._refuse_in(self._aborted, kind, data[at : at + length])
        if kind in COPYING:
            return self._copy(kind, length, here)
        if kind in EXTENDED:
            return self._batch(data, at, length, here)
        if length > here and length <= WHOLE_BYTES:
            return self._wait_for_end()
        plan = self.place.texts.plan(data[at : at + length]) if kind == codes.QUERY and length <= here else UNKNOWN
        link = self._way(plan.read, plan.ends)
        if link is None:
            return False
        taken = min(length, here)
        number = self._send(link, data[at : at + taken], kind, plan.read)
        if not plan.plain or self.state.watches:
            link.mark(Ran(number, self, plan))
        self._at += taken
        self._left = length - taken
        return True

    def _wait_for_end(self) -> bool:
        self._short = True
        return False

    def _pass_on(self, size: int) -> bool:
        """A part of a message that is longer than what had come of it."""
        if self.link is not None:
            self.link.sink.write(self._inbox[self._at : self._at + size])
        self._at += size
        self._left -= size
        return True

    def _copy(self, kind: int, length: int, here: int) -> bool:
        """Rows of a COPY. A server drops them outside of one, so they are dropped here where nothing is owed."""
        if kind != codes.COPY_DATA and length > here:
            return self._wait_for_end()
        size = min(length, here)
        link = self.link
        if link is not None and (not link.expect.done or self._open):
            if kind != codes.COPY_DATA:
                link.expect.sent(kind)
            link.sink.write(self._inbox[self._at : self._at + size])
        self._at += size
        self._left = length - size
        return True

    def _batch(self, data: bytes, at: int, length: int, here: int) -> bool:
        """Extended messages: what has come of one batch."""
        batch = look_at(data, at, self.state.names, self.state.unnamed, self.place.texts)
        long = not batch.whole and (length > WHOLE_BYTES or len(data) - at > WHOLE_BYTES)
        if not batch.whole and not long:
            return self._wait_for_end()
        link = self.link
        if link is None or not self._open:
            link = self._way(batch.read and batch.synced, batch.ends)
            if link is None or (self.state.unsure and not link.expect.done):
                return False
        if batch.stop == at:
            return self._begin_long(link, data, at, length, here)
        out = Outgoing(self, link, data)
        place = at
        while place < batch.stop:
            stop = place + 1 + int.from_bytes(data[place + 1 : place + 5], "big")
            out.add(place, stop)
            place = stop
        self._note(link, data[at : batch.stop], batch.read)
        self._open = not batch.synced
        link.sink.write(out.taken(batch.stop))
        self._at = batch.stop
        return True

    def _begin_long(self, link: Link, data: bytes, at: int, length: int, here: int) -> bool:
        """A message that is sent on before it is whole; its names have come."""
        out = Outgoing(self, link, data)
        out.add(at, at + length)
        self._note(link, b"", read=False)
        self._open = True
        link.sink.write(out.taken(len(data)))
        self._at = len(data)
        self._left = length - here
        return True

    def _refuse_in(self, aborted: Aborted, kind: int, message: bytes) -> bool:
        """The answer to a client that has not ended a lost transaction yet."""
        self._at += len(message)
        texts = self.place.texts
        if kind == codes.QUERY:
            answer = aborted.query(texts.plan(message))
        elif kind == codes.FUNCTION_CALL:
            answer = aborted.call()
        elif kind in COPYING:
            return True
        else:
            plan = None
            named = kind != codes.EXECUTE and kind != codes.SYNC and kind != codes.FLUSH
            found = read_names(message, 0, len(message)) if named else None
            if kind == codes.PARSE and found is not None:
                plan = texts.plan_parse(message[found.rest :])
            elif kind == codes.BIND and found is not None:
                statement = self.state.names.get(found.statement or b"") if found.statement else None
                plan = statement.plan if statement is not None else texts.last
            answer = aborted.extended(kind, plan, found is not None and found.statement is not None)
        if aborted.over and kind in (codes.QUERY, codes.SYNC):
            self._aborted = None
        self.client.write(answer)
        return True

    # the way to a server

    def _way(self, read: bool, ends: Ends) -> Link | None:
        """The server connection for what comes next; None: it has to wait, and is woken."""
        link = self.link
        if link is None:
            link = self._borrow(read)
            if link is None:
                return None
        elif link.replaying:
            return None
        elif link.expect.done:
            free = link.expect.status == codes.IDLE and not self.state.stays and not self._open
            if free and not read and not link.pool.target.writable:
                self._give_back(link)
                return self._way(read, ends)
            if link.profile is not self.state.profile and link.expect.status == codes.IDLE and not self._open:
                self._blocked = (
                    True  # RESET and DISCARD go back to the server's settings, not to the client's first ones
                )
                link.replay(self.state.profile)
                return None
        elif not read and not link.pool.target.writable:
            return None
        self._ends = ends
        return link

    def _borrow(self, read: bool) -> Link | None:
        hub = self.hub
        target = hub.fleet.readable(self.wrote_ms, hub.now_ms) if read and self._spreads() else None
        if target is None:
            target = hub.fleet.writable(hub.now_ms)
        if target is None:
            self._block()
            hub.hold(self)
            return None
        pool = self.place.pool(target)
        link = pool.take(self)
        if link is None:
            self._block()
            self._waits = pool
            return None
        return self._lent(link)

    def _spreads(self) -> bool:
        profile = self.state.profile
        return self.place.spread and (not profile.settings or profile.spreads)

    def _block(self) -> None:
        self._blocked = True
        if not self.asked_ms:
            self.asked_ms = self.hub.now_ms

    def _lent(self, link: Link) -> Link | None:
        self.link = link
        self._waits = None
        self.asked_ms = 0.0
        if link.profile is not self.state.profile:
            self._blocked = True
            link.replay(self.state.profile)
            return None
        return link

    def _send(self, link: Link, data: bytes, kind: int, read: bool) -> int:
        self._note(link, data, read)
        number = link.expect.sent(kind)
        link.sink.write(data)
        return number

    def _note(self, link: Link, data: bytes, read: bool) -> None:
        """What has to be known if the server is lost before it answers."""
        if read:
            if link.expect.done:
                self._repeat = data
                self._reads = True
            else:
                self._repeat = b""
        else:
            self._repeat = b""
            self._reads = False
            self._writes = True

    def _give_back(self, link: Link) -> None:
        self.link = None
        link.pool.give(link, self.hub.now_ms)

    # from the pool and the hub

    def granted(self, link: Link) -> None:
        """A connection that it waited for."""
        self._blocked = False
        if self._lent(link) is not None:
            self._work()
            self.answered(link)

    def resume(self) -> None:
        """The servers' roles changed, or it was held: it asks again."""
        self._blocked = False
        self._waits = None
        self._work()

    def waited_too_long(self, why: bytes) -> None:
        """What it asked for did not run."""
        self._blocked = False
        self._waits = None
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
        if self._writes and link.expect.status == codes.IDLE:
            self._writes = False
            self.wrote_ms = self.hub.clock_ms()
        if link.expect.status == codes.IDLE and not self._open and not self.state.stays and not self._left:
            self._repeat = b""
            self._reads = True
            if self.state.portals:
                self.state.portals.clear()
            if not self._inbox:
                self.link = None
                link.pool.give(link, self.hub.now_ms)
                return
            self._give_back(link)
        if self._inbox and not self._blocked:
            self._work()

    def replayed(self, link: Link, failure: bytes) -> None:
        """Its connection goes by its settings now, or cannot."""
        del link
        self._blocked = False
        if failure:
            self.refuse(failure)
            return
        self._work()

    def lost(self, link: Link) -> None:
        """Its connection ended under it."""
        self.link = None
        self._blocked = False
        now = Situation(
            owed=0 if link.expect.done or link.replaying else max(1, link.expect.outstanding),
            in_transaction=link.expect.status != codes.IDLE or self._open,
            read=self._reads,
            ends=self._ends,
            answering=link.answering,
            in_message=link.in_message,
            pinned=self.state.pinned,
        )
        became = fate(now)
        self._open = False
        self.state.lost()
        if became is Fate.BROKEN:
            self.closed = True
            self.client.abort()
        elif became is Fate.STATE:
            self.refuse(told(became, self.state.pinned))
        elif became is Fate.AGAIN and self._repeat:
            self._inbox = self._repeat + self._inbox[self._at :]
            self._at = 0
            self.resume()
        elif became is not Fate.UNTOUCHED:
            self._tell_loss(became, now)
        else:
            self.resume()
        self._writes = False

    def _tell_loss(self, became: Fate, now: Situation) -> None:
        error = told(became, "")
        stays = now.in_transaction and became is Fate.TRANSACTION
        if not now.owed:
            self._aborted = Aborted(error)
            return
        for _ in range(now.owed):
            self.client.write(error + (READY_FAILED if stays else READY_IDLE))
        if stays:
            self._aborted = Aborted(IGNORED)
        self.resume()

    # its end

    def dismiss(self) -> None:
        """The router stops: it ends as soon as it is in no transaction."""
        link = self.link
        if link is None or (link.idle and not self._open):
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
        if self._waits is not None:
            self._waits.leave(self)
        self.hub.left(self)
        self.state.forget_all()
        link, self.link = self.link, None
        if link is None:
            return
        if link.idle and not self.state.stays and not self._open:
            link.pool.give(link, self.hub.now_ms)
        else:
            link.broken = "its client left in the middle"
            link.pool.give(link, self.hub.now_ms)
