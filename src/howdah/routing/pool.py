"""Which server connection does a session get, and who is next when there is none?

One pool holds the connections of one user to one database on one server. The connection that was given back last is
lent first: its caches are warm, and those that are not needed grow old and are closed. Who waits is served in order.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from howdah.routing.freshness import NEVER
from howdah.routing.link import Link
from howdah.routing.tally import TAKEN

if TYPE_CHECKING:
    from howdah.routing.fleet import Target
    from howdah.routing.hub import Place
    from howdah.routing.session import Session


@dataclass(frozen=True, slots=True)
class Limits:
    """`most` connections to one server, `reserve` more once somebody has waited `reserve_after_ms`; `least` are kept
    open. Connections that are idle for `idle_ms` or as old as `life_ms` are closed. One that was idle for `check_ms`
    is tried before it is lent. `at_once` are opened at the same time. On each `prepared` statements are kept."""

    most: int = 20
    least: int = 0
    reserve: int = 0
    reserve_after_ms: float = 5_000.0
    idle_ms: float = 600_000.0
    life_ms: float = 3_600_000.0
    wait_ms: float = 20_000.0
    check_ms: float = math.inf
    at_once: int = 4
    prepared: int = 500


LOOKED_AT: Final = 32
"""So many idle connections are looked at for one with the right settings."""
SHUT_MS: Final = 3_000.0
"""A server whose rules let nobody in for so long, while it should, will not do so by itself."""


class Opener(Protocol):
    """Makes connections; ends in `Pool.opened` or `Pool.refused`, never before it returned."""

    def open(self, pool: Pool) -> None:
        """Begin to open one more."""


class Pool:
    """`opening` are on their way. `used`: one was needed once. `surplus`: so many connections that come back are
    closed, not lent again: others have a right to them. `starved`: by which limit the last one was not opened, if it
    was not: this pool's (0), or its server's (1). `shut_ms`: since when the server's rules let nobody in; 0: they
    do."""

    def __init__(self, place: Place, target: Target, limits: Limits, opener: Opener) -> None:
        self.place = place
        self.target = target
        self.limits = limits
        self.idle: list[Link] = []
        self.waiting: deque[Session] = deque()
        self.links: set[Link] = set()
        self.opening = 0
        self.paused = False
        self.used = False
        self.surplus = 0
        self.starved = TAKEN
        self.refusal = b""
        self.shut_ms = 0.0
        self.counts = place.ledger.of(place.database, target.name)
        self._opener = opener

    def take(self, session: Session) -> Link | None:
        """An idle connection, lent; None: the session waits, and is told."""
        if self.idle and not self.waiting and not self.paused:
            link = self.idle[-1]
            if link.profile is session.state.profile.on_server:
                self.idle.pop()
            else:
                link = self._fitting(session)
            link.session = session
            self.target.busy += 1
            self.counts.lent += 1
            return link
        self.waiting.append(session)
        self.grow()
        return None

    def _fitting(self, session: Session) -> Link:
        """Of those that were used last, one with the session's settings, which need not be set then."""
        idle, wanted = self.idle, session.state.profile.on_server
        for place in range(len(idle) - 2, max(-1, len(idle) - 2 - LOOKED_AT), -1):
            if idle[place].profile is wanted:
                return idle.pop(place)
        return idle.pop()

    def grow(self, most: int = 0) -> None:
        """Open what those who wait need, a few at a time, within the limit (`most`, where the reserve is used)."""
        if self.paused:
            return
        most = most or self.limits.most
        while (
            self.opening < self.limits.at_once
            and (self.opening < len(self.waiting) or (self.used and self.opening + len(self.links) < self.limits.least))
            and self.target.usable
            and self.place.shares.open(self, most)
        ):
            self.used = True
            self.opening += 1
            self._opener.open(self)

    def opened(self, link: Link) -> None:
        """A connection that was asked for is there."""
        self.opening -= 1
        self.refusal = b""
        self.shut_ms = 0.0
        self.links.add(link)
        if link.term != self.target.term or not self.target.usable or self.paused:
            self.discard(link)
            return
        self._next(link)
        self.grow()

    def refused(self, message: bytes, for_good: bool) -> None:
        """It could not be opened. `message`: the server's own error. `for_good`: trying again is of no use, so
        everybody who waits is told; else they go on waiting, and the next try is the caller's."""
        self.opening -= 1
        self.place.shares.closed(self)
        self.refusal = message
        if for_good:
            waiting, self.waiting = self.waiting, deque()
            for session in waiting:
                session.refuse(message)
        elif not self.target.writable:
            # Reads go elsewhere until it has answered a probe again, which says anew how fresh it is.
            self.target.fresh_ms = NEVER
            self.wake()

    def give(self, link: Link, now_ms: float) -> None:
        """A session is done with it."""
        session, link.session = link.session, None
        if session is not None and session.stalled:
            link.sink.resume()  # the next client reads
        self.target.busy -= 1
        if self.surplus:
            self.surplus -= 1
            link.broken = link.broken or "others have a right to it"
        worn = now_ms - link.opened_ms > self.limits.life_ms
        if link.broken or worn or not link.idle or link.term != self.target.term:
            self.discard(link)
            return
        link.idle_ms = now_ms
        if not link.cancels:
            self._next(link)

    def cancelled(self, link: Link) -> None:
        """A cancel that was sent for it has come to its end: only now nobody else's statement can be hit by it."""
        link.cancels -= 1
        if not link.cancels and link.session is None and link in self.links:
            self._next(link)

    def _next(self, link: Link) -> None:
        if self.waiting and not self.paused:
            session = self.waiting.popleft()
            link.session = session
            self.target.busy += 1
            self.counts.lent += 1
            session.granted(link)
        else:
            self.idle.append(link)

    def discard(self, link: Link) -> None:
        """Close a connection that nobody has."""
        self._forget(link)
        link.sink.close()

    def _forget(self, link: Link) -> None:
        if link in self.links:
            self.links.discard(link)
            self.place.shares.closed(self)
        if link in self.idle:
            self.idle.remove(link)
        if self.waiting:
            self.grow()

    def lost(self, link: Link) -> None:
        """The connection ended by itself, or broke."""
        if link not in self.links:
            return
        session, link.session = link.session, None
        if session is not None:
            self.target.busy -= 1
        self._forget(link)
        if session is not None:
            session.lost(link)

    def cut(self, why: str, idle: bool = True) -> None:
        """End every connection: the server is of a lower term, or is gone. Their sessions are told. Not those that are
        `idle`, if that is said."""
        for link in [each for each in self.links if idle or (each.session is not None and not each.idle)]:
            self.place.ledger.cut += 1
            link.broken = why
            link.sink.abort()
            self.lost(link)

    def leave(self, session: Session) -> None:
        """It waits no more."""
        if session in self.waiting:
            self.waiting.remove(session)

    def wake(self) -> None:
        """Everybody who waits here asks again where to go: the roles of the servers changed."""
        waiting, self.waiting = self.waiting, deque()
        for session in waiting:
            session.resume()

    def tick(self, now_ms: float) -> None:
        """Close what is old or not needed, open what is missing, let nobody wait for ever."""
        limits = self.limits
        for link in tuple(self.idle):
            unused = now_ms - link.idle_ms > limits.idle_ms and len(self.links) > limits.least
            if unused or now_ms - link.opened_ms > limits.life_ms or link.term != self.target.term:
                self.discard(link)
        while self.waiting and now_ms - self.waiting[0].asked_ms > limits.wait_ms:
            self.waiting.popleft().waited_too_long(self.refusal)
        if self.waiting or self.used:
            late = self.waiting and limits.reserve and now_ms - self.waiting[0].asked_ms > limits.reserve_after_ms
            self.grow(limits.most + limits.reserve if late else 0)


def lend(link: Link, session: Session) -> bool:
    """This connection and no other, if nobody has it."""
    pool = link.pool
    if link not in pool.idle or pool.paused:
        return False
    pool.idle.remove(link)
    link.session = session
    pool.target.busy += 1
    pool.counts.lent += 1
    return True


def retire(pool: Pool, why: str) -> None:
    """Close every connection: now, or when it is given back."""
    for link in tuple(pool.links):
        link.broken = link.broken or why
        if link.session is None:
            pool.discard(link)


def halt(pool: Pool, paused: bool) -> None:
    """Lend no more connections and keep none, or lend them again."""
    pool.paused = paused
    if paused:
        retire(pool, "it was paused")
    else:
        pool.grow()


def shut_for_good(pool: Pool, now_ms: float) -> bool:
    """The server's access rules have refused once more: whether that is to stay so. In a role change they refuse for
    a moment; what the router waits for then is that the server's role changes, or that it lets in who may be let in."""
    if not pool.target.usable:
        pool.shut_ms = 0.0
        return False
    pool.shut_ms = pool.shut_ms or now_ms
    return now_ms - pool.shut_ms >= SHUT_MS
