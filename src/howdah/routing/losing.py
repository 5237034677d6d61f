"""What does a session do when the server connection that it has ends under it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing import way
from howdah.routing.aborted import IGNORED, READY_FAILED, READY_IDLE, Aborted
from howdah.routing.batch import COPYING
from howdah.routing.link import IN_HOT_STANDBY, Link
from howdah.routing.lost import Fate, Situation, fate, told
from howdah.routing.plan import UNKNOWN
from howdah.routing.route import Route
from howdah.wire import codes
from howdah.wire.prepared import read_names

if TYPE_CHECKING:
    from howdah.routing.session import Session


def lose(session: Session, link: Link) -> None:
    """The connection is gone: go on elsewhere, or say what became of what was under way."""
    session.link = None
    session.blocked = session.crammed = False
    if session.asked_ms:
        session.hub.let_go(session)
    session.client.resume()  # the server that was gone may have had it wait
    # A session that goes to standbys is read only, and a server in recovery writes nothing, whatever is asked of it.
    harmless = way.route_of(session) is Route.STANDBY and link.parameters.get(IN_HOT_STANDBY) == "on"
    now = Situation(
        owed=0 if link.expect.done or link.replaying else max(1, link.expect.outstanding),
        in_transaction=link.expect.status != codes.IDLE or session.unsynced or link.expect.skipping,
        read=session.reads or harmless,
        ends=session.ends,
        answering=link.answering,
        in_message=link.in_message,
        pinned=session.state.pinned,
    )
    became = fate(now)
    if became is Fate.AGAIN and not (session.reads and session.repeat):
        became = Fate.TRANSACTION  # it was not kept, or nobody knows what it does beside reading
    unsynced, session.unsynced = session.unsynced or link.expect.skipping, False
    link.give_up()
    session.state.lost()
    session.writes = False
    if became is Fate.BROKEN:
        session.closed = True
        session.client.abort()
    elif became is Fate.STATE:
        session.refuse(told(became, session.state.pinned))
    elif became is Fate.UNTOUCHED:
        session.resume()
    elif not now.owed:
        session.aborted = Aborted(told(became, ""))
    elif unsynced:
        _tell_in_batch(session, link, told(became, ""))
    elif session.reads and not now.in_transaction and session.repeat:
        _run_again(session, link, now.owed)
    else:
        _tell(session, told(became, ""), now.owed, now.in_transaction and became is Fate.TRANSACTION)


def _tell(session: Session, error: bytes, owed: int, in_transaction: bool) -> None:
    for _ in range(owed):
        session.client.write(error + (READY_FAILED if in_transaction else READY_IDLE))
    if in_transaction:
        session.aborted = Aborted(IGNORED)
    session.resume()


def _tell_in_batch(session: Session, link: Link, error: bytes) -> None:
    """The client has not ended its batch yet: after the error everything is ignored up to its Sync."""
    in_transaction = link.expect.status != codes.IDLE
    for _ in range(link.expect.outstanding):
        session.client.write(error + (READY_FAILED if in_transaction else READY_IDLE))
    session.client.write(error)
    session.aborted = Aborted(IGNORED, skipping=True, over=not in_transaction)
    session.resume()


def _run_again(session: Session, link: Link, owed: int) -> None:
    """Reads that follow one another: of those that are not answered, the first may have begun to be; the others have
    not, and run elsewhere."""
    left = [(link.expect.answering, session.repeat), *session.pipelined][-owed:]
    first, data = left[0]
    begun = link.answering
    if begun and len(left) <= len(session.pipelined) and data[0] != codes.QUERY:
        begun = link.expect.answering > first  # the last that the client got was the end of the one before
    if begun:
        session.client.write(told(Fate.TRANSACTION, "") + READY_IDLE)
    again = b"".join(data for _, data in left[begun:])
    session.inbox = again + session.inbox[session.at :]
    session.at = 0
    session.resume()


def refuse_long(session: Session, aborted: Aborted, kind: int) -> None:
    """The same for a message that is too long to be read: it ends no transaction, and names nothing."""
    if kind == codes.QUERY:
        session.client.write(aborted.query(UNKNOWN))
    elif kind == codes.FUNCTION_CALL:
        session.client.write(aborted.call())
    elif kind not in COPYING:
        session.client.write(aborted.extended(kind, None, False))


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
    if aborted.over and (kind == codes.SYNC or (kind == codes.QUERY and answer)):
        session.aborted = None
    session.client.write(answer)
    return True
