"""What does a session do when the server connection that it has ends under it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing.aborted import IGNORED, READY_FAILED, READY_IDLE, Aborted
from howdah.routing.batch import COPYING
from howdah.routing.link import Link
from howdah.routing.lost import Fate, Situation, fate, told
from howdah.wire import codes
from howdah.wire.prepared import read_names

if TYPE_CHECKING:
    from howdah.routing.session import Session


def lose(session: Session, link: Link) -> None:
    """The connection is gone: go on elsewhere, or say what became of what was under way."""
    session.link = None
    session.blocked = False
    now = Situation(
        owed=0 if link.expect.done or link.replaying else max(1, link.expect.outstanding),
        in_transaction=link.expect.status != codes.IDLE or session.unsynced,
        read=session.reads,
        ends=session.ends,
        answering=link.answering,
        in_message=link.in_message,
        pinned=session.state.pinned,
    )
    became = fate(now)
    session.unsynced = False
    session.state.lost()
    if became is Fate.BROKEN:
        session.closed = True
        session.client.abort()
    elif became is Fate.STATE:
        session.refuse(told(became, session.state.pinned))
    elif became is Fate.AGAIN and session.repeat:
        session.inbox = session.repeat + session.inbox[session.at :]
        session.at = 0
        session.resume()
    elif became is not Fate.UNTOUCHED:
        _tell(session, became, now)
    else:
        session.resume()
    session.writes = False


def _tell(session: Session, became: Fate, now: Situation) -> None:
    error = told(became, "")
    stays = now.in_transaction and became is Fate.TRANSACTION
    if not now.owed:
        session.aborted = Aborted(error)
        return
    for _ in range(now.owed):
        session.client.write(error + (READY_FAILED if stays else READY_IDLE))
    if stays:
        session.aborted = Aborted(IGNORED)
    session.resume()


def refuse_in(session: Session, aborted: Aborted, kind: int, message: bytes) -> bool:
    """The answer to a client that has not ended a lost transaction yet."""
    session.at += len(message)
    texts = session.place.texts
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
            statement = session.state.names.get(found.statement or b"") if found.statement else None
            plan = statement.plan if statement is not None else texts.last
        answer = aborted.extended(kind, plan, found is not None and found.statement is not None)
    if aborted.over and kind in (codes.QUERY, codes.SYNC):
        session.aborted = None
    session.client.write(answer)
    return True
