"""Over which server connection does a session's next statement go, or what does it have to wait for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing.link import Link
from howdah.routing.plan import Ends
from howdah.wire import codes

if TYPE_CHECKING:
    from howdah.routing.session import Session


def find(session: Session, read: bool, ends: Ends) -> Link | None:
    """The connection; None: the session has to wait, and is woken."""
    link = session.link
    if link is None:
        link = _borrow(session, read)
        if link is None:
            return None
    elif link.replaying:
        return None
    elif link.expect.done:
        free = link.expect.status == codes.IDLE and not session.state.stays and not session.unsynced
        if free and not read and not link.pool.target.writable:
            give_back(session, link)
            return find(session, read, ends)
        if link.profile is not session.state.profile and link.expect.status == codes.IDLE and not session.unsynced:
            # RESET and DISCARD go back to the server's settings, not to the client's first ones
            session.blocked = True
            link.replay(session.state.profile)
            return None
    elif not read and not link.pool.target.writable:
        return None
    session.ends = ends
    return link


def lent(session: Session, link: Link) -> Link | None:
    """The session has got this connection; None: its settings have to be brought to it first."""
    session.link = link
    session.waits = None
    session.asked_ms = 0.0
    if link.profile is not session.state.profile:
        session.blocked = True
        link.replay(session.state.profile)
        return None
    return link


def give_back(session: Session, link: Link) -> None:
    """The session needs it no more."""
    session.link = None
    link.pool.give(link, session.hub.now_ms)


def _borrow(session: Session, read: bool) -> Link | None:
    hub = session.hub
    target = hub.fleet.readable(session.wrote_ms, hub.now_ms) if read and _spreads(session) else None
    if target is None:
        target = hub.fleet.writable(hub.now_ms)
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


def _spreads(session: Session) -> bool:
    profile = session.state.profile
    return session.place.spread and (not profile.settings or profile.spreads)


def _block(session: Session) -> None:
    session.blocked = True
    if not session.asked_ms:
        session.asked_ms = session.hub.now_ms
