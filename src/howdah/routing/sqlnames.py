"""What has to go before a PREPARE, EXECUTE or DEALLOCATE in SQL, whose names are those of the protocol?

A server connection has statements of several clients. A name that this client never gave must mean nothing there, and
one that it gave by the protocol must mean its own statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing.link import Link, Ours, close_statement
from howdah.sql import sessioneffect as effects
from howdah.wire import codes

if TYPE_CHECKING:
    from howdah.routing.plan import Plan
    from howdah.routing.session import Session

SYNC = b"S\x00\x00\x00\x04"


def before(session: Session, link: Link, plan: Plan, in_batch: bool) -> bytes:
    """Messages of ours, whose answers the client does not see; b"" where none are needed. `in_batch`: they go into the
    client's own batch of extended messages."""
    if plan.script is None:
        return b""
    messages = b""
    for statement in plan.script.statements:
        for effect in statement.session:
            if isinstance(effect, effects.Prepare | effects.Execute | effects.Deallocate) and effect.name is not None:
                messages += _own(session, link, effect.name.encode())
    if messages and not in_batch:
        link.mark(Ours(link.expect.sent(codes.SYNC)))
        messages += SYNC
    return messages


def _own(session: Session, link: Link, name: bytes) -> bytes:
    wanted, there = session.state.names.get(name), link.prepared.get(name)
    if wanted is not None and wanted.name == name:
        return link.preparation(wanted)
    if there is None:
        return b""
    link.forget(there)
    link.mark(Ours(link.expect.sent(codes.CLOSE)))
    return close_statement(name)
