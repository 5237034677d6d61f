"""What do all sessions of a router share, and who is told when the servers' roles change?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from howdah.routing import fleet as fleets
from howdah.routing.counts import Ledger
from howdah.routing.credentials import Credentials, NoSecret
from howdah.routing.fleet import Fleet, Target
from howdah.routing.pool import Limits, Opener, Pool
from howdah.routing.prepared import Statements
from howdah.routing.profile import Profile, Profiles
from howdah.routing.texts import Texts

if TYPE_CHECKING:
    from howdah.routing.session import Session


class Place:
    """A user in a database: whose connections can be exchanged. `keeps`: why each session keeps one connection all the
    time, or "". `spread`: reads go to standbys. `faces`: what a client is told at its login, by its settings.
    `credentials`: with which its connections are opened, of the last client that logged in."""

    def __init__(
        self,
        user: str,
        database: str,
        texts: Texts,
        limits: Limits,
        opener: Opener,
        ledger: Ledger | None = None,
    ) -> None:
        self.user = user
        self.database = database
        self.texts = texts
        self.limits = limits
        self.ledger = ledger or Ledger()
        self.keeps = ""
        self.spread = True
        self.pools: dict[Target, Pool] = {}
        self.faces: dict[Profile, bytes] = {}
        self.credentials: Credentials = NoSecret("nothing")
        self._opener = opener

    def pool(self, target: Target) -> Pool:
        """Its connections to one server."""
        found = self.pools.get(target)
        if found is None:
            found = self.pools[target] = Pool(self, target, self.limits, self._opener)
        return found


class Hub:
    """`clock_ms`: the time now. `now_ms`: as of the last tick, for what need not be exact. `stopwatch_s`: a finer
    clock, in seconds, for what is timed."""

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
        self._hold_ms = hold_ms
        self._hold_most = hold_most
        self._served: Target | None = None

    def hold(self, session: Session) -> None:
        """There is no primary at the moment: it waits for one, in order."""
        self.ledger.held += 1
        if len(self.held) >= self._hold_most:
            self.ledger.hold_refused += 1
            self.held.popleft().waited_too_long(b"")
        self.held.append(session)

    def left(self, session: Session) -> None:
        """A session ended."""
        self.sessions.discard(session)
        if session in self.held:
            self.held.remove(session)

    def changed(self, changes: tuple[fleets.Change, ...]) -> None:
        """The servers' roles changed."""
        for change in changes:
            match change:
                case fleets.PrimaryLost(target) | fleets.NodeGone(target):
                    self._cut(target)
                case fleets.HandingOver():
                    pass
                case fleets.PrimaryServes(target):
                    if target is not self._served:
                        self._served = target
                        self.ledger.role_changes += 1
                    self._wake()
                case fleets.NodeChanged(target):
                    if not target.usable:
                        self._wake_waiting(target)

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
        while self.held and now_ms - self.held[0].asked_ms > self._hold_ms:
            self.ledger.hold_expired += 1
            self._waited(self.held[0], now_ms)
            self.held.popleft().waited_too_long(b"")
        if self.held and self.fleet.writable(now_ms) is not None:
            self._wake()
        pools = [pool for place in self.places.values() for pool in place.pools.values()]
        self.ledger.look(pools, now_ms)
        for pool in pools:
            pool.tick(now_ms)
