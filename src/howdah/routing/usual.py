"""Is this the extended batch that drivers send most, with nothing new in it? Then it goes as it came, in one look.

Parse without a name, Bind, perhaps Describe, Execute, Sync; or the same without Parse, to a statement that has a name:
what libpq's PQexecParams and PQexecPrepared send, and the drivers of other languages too. Everything else is taken
apart message by message (`batch.py`, `outgoing.py`), which comes to the same and takes several times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from howdah.routing import way
from howdah.routing.link import Link
from howdah.routing.sending import note
from howdah.wire import codes

if TYPE_CHECKING:
    from howdah.routing.plan import Plan
    from howdah.routing.session import Session

_EXECUTED: Final = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00S\x00\x00\x00\x04"
"""Execute the portal without a name, all rows; Sync."""
_DESCRIBED: Final = b"D\x00\x00\x00\x06P\x00" + _EXECUTED
_PORTAL: Final = 5
"""Where the portal's name stands in a Bind; where that is empty, the statement's is one byte further."""


def send(session: Session, data: bytes) -> bool:
    """Send it. False: it is another one, or something has to be made ready or waited for first; nothing was sent.

    `data` is all that the client has sent and nobody has looked at."""
    state = session.state
    if session.unsynced or session.aborted is not None or state.watches or state.unsure or state.portals:
        return False
    if data.endswith(_DESCRIBED):
        end, kinds = len(data) - len(_DESCRIBED), b"BDES"
    elif data.endswith(_EXECUTED):
        end, kinds = len(data) - len(_EXECUTED), b"BES"
    else:
        return False
    bind = _end_of(data, 0) if data[0] == codes.PARSE else 0
    names = bind + _PORTAL
    if names + 2 > end or data[bind] != codes.BIND or data[names] or _end_of(data, bind) != end:
        return False
    if bind:
        return data[names + 1] == 0 and _send_parsed(session, data, bind, b"P" + kinds)
    return data[names + 1] != 0 and _send_prepared(session, data, data.find(b"\0", names + 1, end), kinds)


def _end_of(data: bytes, at: int) -> int:
    return at + 1 + (data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4])


def _send_parsed(session: Session, data: bytes, bind: int, kinds: bytes) -> bool:
    reading = session.state.profile.reading
    statement = session.place.texts.parsed.get(reading + data[:bind] if reading else data[:bind])
    if statement is None:
        return False
    link = _link(session, statement.plan)
    if link is None:
        return False
    session.state.unnamed = link.unnamed = statement
    return _sent(session, link, statement.plan, data, kinds)


def _send_prepared(session: Session, data: bytes, name_end: int, kinds: bytes) -> bool:
    name = data[_PORTAL + 1 : name_end]
    statement = session.state.names.get(name)
    if statement is None or statement.name != name:
        return False
    link = _link(session, statement.plan)
    if link is None or link.prepared.get(name) is not statement:
        return False
    link.preparation(statement)  # nothing is to be sent; but it is the one that was used last
    return _sent(session, link, statement.plan, data, kinds)


def _link(session: Session, plan: Plan) -> Link | None:
    """A server connection that is done with everything, and may run it."""
    if not plan.plain:
        return None
    session.recalls = False
    link = way.find(session, plan.read, plan.ends, plan.hint)
    return link if link is not None and link.expect.done else None


def _sent(session: Session, link: Link, plan: Plan, data: bytes, kinds: bytes) -> bool:
    link.counts.binds += 1
    note(session, link, data, plan.read)
    link.expect.sent_batch(kinds)
    link.sink.write(data)
    return True
