"""Over which server connection does a session's next statement go, or what does it have to wait for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing.freshness import NEVER
from howdah.routing.link import Link
from howdah.routing.plan import Ends
from howdah.routing.pool import lend
from howdah.routing.route import Route
from howdah.routing.wishes import Consistency
from howdah.sql.statement import Hint
from howdah.wire import codes

if TYPE_CHECKING:
    from howdah.routing.fleet import Target
    from howdah.routing.session import Session


FORGET_SEQUENCES = "DISCARD SEQUENCES"


def find(session: Session, read: bool, ends: Ends, hint: Hint | None = None) -> Link | None:
    """The connection; None: the session has to wait, and is woken."""
    link = session.link
    if link is None:
        link = _borrow(session, read, hint)
        if link is None:
            return None
    elif link.replaying:
        return None
    elif link.expect.done:
        profile = session.state.profile
        if link.expect.status == codes.IDLE and not session.unsynced:
            if not session.state.stays:
                if not read and not _may_write_there(session, link, hint):
                    give_back(session, link)
                    return find(session, read, ends, hint)
            elif link.pool.target in session.hub.leaving:
                _block(session)
                session.hub.hold(session)
                return None
            else:
                session.asked_ms = 0.0
            if link.profile is not profile.on_server:
                # RESET and DISCARD go back to the server's settings, not to the client's first ones
                session.blocked = True
                link.replay(profile.on_server)
                return None
    elif not read and not _may_write_there(session, link, hint):
        return None
    if link.expect.full:
        session.crammed = True
        return None
    session.ends = ends
    return link


def lent(session: Session, link: Link) -> Link | None:
    """The session has got this connection; None: its settings have to be brought to it first."""
    session.link = link
    session.waits = None
    session.asked_ms = 0.0
    session.lent_ms = session.hub.now_ms
    profile = session.state.profile
    forget = session.recalls and link.writer is not session
    unused_ms = session.hub.now_ms - link.idle_ms
    if forget or link.profile is not profile.on_server or unused_ms > link.pool.limits.check_ms:
        session.blocked = True
        # If nothing differs, nothing is asked: an answer to that shows that somebody is there.
        # A server that remembers another session's sequences would answer with those, instead of with an error.
        link.replay(profile.on_server, FORGET_SEQUENCES if forget else "")
        if forget:
            link.writer = None
        return None
    return link


def give_back(session: Session, link: Link) -> None:
    """The session needs it no more."""
    session.link = None
    link.pool.give(link, session.hub.now_ms)


def route_of(session: Session) -> Route:
    """Which servers the session's statements go to."""
    return session.state.profile.wishes.route or session.place.route


def _may_write_there(session: Session, link: Link, hint: Hint | None) -> bool:
    """Whether what is no plain read belongs where the session has a connection. On a standby that a session has chosen
    a write is refused, by PostgreSQL itself."""
    if link.pool.target.writable:
        return True
    return hint is not Hint.PRIMARY and route_of(session) in (Route.STANDBY, Route.ANY)


def _borrow(session: Session, read: bool, hint: Hint | None) -> Link | None:
    hub = session.hub
    own = session.wrote_on
    if session.recalls and own is not None and own.writer is session and lend(own, session):
        return lent(session, own)
    target = target_of(session, read, hint)
    if target is None:
        _block(session)
        hub.hold(session)
        return None
    pool = session.place.pool(target)
    link = pool.take(session)
    if link is None:
        _block(session)
        session.waits = pool
        return None
    return lent(session, link)


def target_of(session: Session, read: bool, hint: Hint | None) -> Target | None:
    """The server; None: there is none at the moment. A hint says more than the session's settings do, and these more
    than the router's; but none of them sends a write to a standby that would not have gone there anyway."""
    hub, place, profile = session.hub, session.place, session.state.profile
    route = profile.wishes.route or place.route
    if hint is not None and (hint is Hint.PRIMARY or read):
        route = Route.PRIMARY if hint is Hint.PRIMARY else Route.AUTO
    if route is Route.AUTO:
        if not read or not place.spread or not profile.spreads:
            return hub.fleet.writable(hub.now_ms)
    elif route is Route.PRIMARY:
        return hub.fleet.writable(hub.now_ms)
    elif route is Route.ANY:
        return _any(session)
    consistency = profile.wishes.consistency or place.consistency
    if consistency is Consistency.PRIMARY and route is Route.AUTO:
        return hub.fleet.writable(hub.now_ms)
    if consistency is not Consistency.SESSION:
        return hub.fleet.standby(NEVER, hub.now_ms) if route is Route.STANDBY else hub.fleet.readable(NEVER, hub.now_ms)
    if route is Route.STANDBY:
        return hub.fleet.standby(session.wrote_ms, hub.now_ms, session.saw_ms, session.saw_on)
    return hub.fleet.readable(session.wrote_ms, hub.now_ms, session.saw_ms, session.saw_on)


def _any(session: Session) -> Target | None:
    """The same server for the whole session, as long as that can be used."""
    fleet, now_ms = session.hub.fleet, session.hub.now_ms
    target = session.stands_by
    if target is None or not (fleet.writable(now_ms) is target or target.readable):
        target = session.stands_by = fleet.anyone(now_ms)
    return target


def _block(session: Session) -> None:
    session.blocked = True
    if not session.asked_ms:
        session.asked_ms = session.hub.now_ms
