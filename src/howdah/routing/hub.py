"""What do all sessions of a router share, and who is told when the servers' roles change?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from howdah.routing import fleet as fleets
from howdah.routing.counts import Ledger
from howdah.routing.credentials import Credentials, NoSecret
from howdah.routing.fleet import Fleet, Target
from howdah.routing.forgetting import EVERY_MS, forget, forget_unanswered
from howdah.routing.pool import Limits, Opener, Pool
from howdah.routing.prepared import Statements
from howdah.routing.profile import Profile, Profiles
from howdah.routing.route import Route
from howdah.routing.shares import Shares
from howdah.routing.tally import OwnTally
from howdah.routing.texts import Texts
from howdah.routing.wishes import Consistency
from howdah.wire import sqlstate
from howdah.wire.startup import Replication

if TYPE_CHECKING:
    from howdah.routing.session import Session


class Place:
    """A user in a database: whose connections can be exchanged. `keeps`: why each session keeps one connection all the
    time, or "". `halted`: no connection is lent. `spread`: a session's statements may go to several servers. `route`,
    `consistency`: where a session's statements go, and what its reads show, unless it says something else; `binds`:
    what outlives a transaction binds the session to its connection, and is not refused. `faces`: what a client is told
    at its login, by its settings. `credentials`: with which its connections are opened, of the last client that logged
    in.

    `made_ms`: since when it is known; the database or the user may be as new, so that its first reads go to servers
    that have replayed everything up to then.

    `replication`: whether these are WAL senders; `begins`: with what settings such a connection is opened, None for
    those of the router. `used_ms`: when it was last seen to be used; `lasting`: it always is."""

    def __init__(
        self,
        user: str,
        database: str,
        texts: Texts,
        limits: Limits,
        opener: Opener,
        ledger: Ledger | None = None,
        shares: Shares | None = None,
    ) -> None:
        self.user = user
        self.database = database
        self.texts = texts
        self.limits = limits
        self.ledger = ledger or Ledger()
        self.shares = shares or Shares(OwnTally())
        self.keeps = ""
        self.halted = False
        self.spread = True
        self.route = Route.AUTO
        self.consistency = Consistency.SESSION
        self.binds = True
        self.pools: dict[Target, Pool] = {}
        self.faces: dict[Profile, bytes] = {}
        self.credentials: Credentials = NoSecret("nothing")
        self.made_ms = -1e300
        self.replication = Replication.NO
        self.begins: Profile | None = None
        self.lasting = False
        self.used_ms = 0.0
        self._opener = opener

    def pool(self, target: Target) -> Pool:
        """Its connections to one server."""
        found = self.pools.get(target)
        if found is None:
            found = self.pools[target] = Pool(self, target, self.limits, self._opener)
            found.paused = self.halted
        return found


class Hub:
    """`clock_ms`: the time now. `now_ms`: as of the last tick, for what need not be exact. `stopwatch_s`: a finer
    clock, in seconds, for what is timed. `hold_ms`: how long a statement waits for a primary; `hold_most`: so many may
    wait; `hold_bytes`: so much of what they sent is kept for all that wait; `drain_ms`: how long transactions go on
    when a switchover begins. `halted`: databases for which no server connection is lent, "" for all; `closed`: those
    that let no new client in."""

    def __init__(
        self,
        fleet: Fleet,
        clock_ms: Callable[[], float],
        hold_ms: float,
        hold_most: int,
        stopwatch_s: Callable[[], float] | None = None,
    ) -> None:
        self.fleet = fleet
        self.ledger = Ledger()
        self.stopwatch_s = stopwatch_s or (lambda: clock_ms() / 1000)
        self.clock_ms = clock_ms
        self.now_ms = clock_ms()
        self.statements = Statements()
        self.profiles = Profiles()
        self.places: dict[tuple[str, str], Place] = {}
        self.sessions: set[Session] = set()
        self.held: deque[Session] = deque()
        self.halted: set[str] = set()
        self.closed: set[str] = set()
        self.hold_ms = hold_ms
        self.hold_bytes = 64 << 20
        self.drain_ms = 2_000.0
        self.hold_most = hold_most
        self.leaving: set[Target] = set()
        self._drained: dict[Target, float] = {}
        self._served: Target | None = None
        self._forgot_ms = self.now_ms
        self._alone = 0

    def add_alone(self, session: Session) -> None:
        """A session with a place that is nobody else's."""
        self._alone += 1
        self.places[session.place.user, f"{session.place.database} #{self._alone}"] = session.place
        self.sessions.add(session)

    def hold(self, session: Session) -> None:
        """There is no primary at the moment: it waits for one, in order, if there is room."""
        self.ledger.held += 1
        if len(self.held) >= self.hold_most:
            self._turn_away(session)
        else:
            self.held.append(session)

    def _turn_away(self, session: Session) -> None:
        self.ledger.hold_refused += 1
        session.waited_too_long(
            sqlstate.error(
                sqlstate.FATAL,
                sqlstate.CANNOT_CONNECT_NOW,
                "there is no primary at the moment, and too many clients wait for one; the statement did not run",
                hint="Try again in a moment. More may wait with hold.clients_max and hold.bytes_max.",
            )
        )

    def left(self, session: Session) -> None:
        """A session ended."""
        self.sessions.discard(session)
        if session.place.begins is not None:
            for key in [key for key, place in self.places.items() if place is session.place]:
                del self.places[key]
        self.let_go(session)
        if not session.place.faces:
            forget_unanswered(self, session.place)

    def let_go(self, session: Session) -> None:
        """It waits for no primary (any more)."""
        if session in self.held:
            self.held.remove(session)

    def changed(self, changes: tuple[fleets.Change, ...]) -> None:
        """The servers' roles changed."""
        for change in changes:
            match change:
                case fleets.PrimaryLost(target) | fleets.NodeGone(target):
                    self._stays(target)
                    self._cut(target)
                case fleets.HandingOver(target, planned=planned):
                    if planned:
                        self.leaving.add(target)
                        self._drained[target] = self.clock_ms() + self.drain_ms
                case fleets.PrimaryServes(target):
                    self._stays(target)
                    if target is not self._served:
                        self._served = target
                        self.ledger.role_changes += 1
                    self._wake()
                case fleets.NodeChanged(target):
                    if not target.usable:
                        self._wake_waiting(target)

    def _stays(self, target: Target) -> None:
        """It hands over no more: that is done, or was given up."""
        self.leaving.discard(target)
        self._drained.pop(target, None)

    def _pools(self, target: Target) -> list[Pool]:
        return [place.pools[target] for place in self.places.values() if target in place.pools]

    def _cut(self, target: Target) -> None:
        for pool in self._pools(target):
            pool.cut("the server leads no more")
            pool.wake()

    def _wake_waiting(self, target: Target) -> None:
        for pool in self._pools(target):
            pool.wake()

    def _wake(self) -> None:
        held, self.held = self.held, deque()
        now_ms = self.clock_ms()
        for session in held:
            self._waited(session, now_ms)
            session.resume()

    def _waited(self, session: Session, now_ms: float) -> None:
        waited_ms = now_ms - session.asked_ms
        self.ledger.holds.add(waited_ms / 1000)
        self.ledger.of(session.place.database, "").wait_ms += waited_ms

    def tick(self) -> None:
        """Several times a second: what has waited too long, and what is too old."""
        self.now_ms = now_ms = self.clock_ms()
        self._lose_patience(now_ms)
        for target in [each for each, until_ms in self._drained.items() if now_ms > until_ms]:
            del self._drained[target]
            for pool in self._pools(target):
                pool.cut("the primary hands over", idle=False)
        if self.held and self.fleet.writable(now_ms) is not None:
            self._wake()
        if now_ms - self._forgot_ms > EVERY_MS:
            self._forgot_ms = now_ms
            forget(self)
        pools = [pool for place in self.places.values() for pool in place.pools.values()]
        self.ledger.look(pools, now_ms)
        for pool in pools:
            pool.tick(now_ms)

    def _lose_patience(self, now_ms: float) -> None:
        """Nobody waits longer than it wants to, and all together keep no more than is allowed."""
        for session in [each for each in self.held if now_ms - each.asked_ms > patience_ms(each)]:
            self.held.remove(session)
            self.ledger.hold_expired += 1
            self._waited(session, now_ms)
            session.waited_too_long(b"")
        kept = sum(len(each.inbox) for each in self.held)
        while kept > self.hold_bytes:
            session = self.held.pop()
            kept -= len(session.inbox)
            self._turn_away(session)


def patience_ms(session: Session) -> float:
    """How long its statement waits for a primary."""
    wished = session.state.profile.wishes.hold_ms
    return session.hub.hold_ms if wished is None else wished
