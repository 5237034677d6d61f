"""Which of a client's statements does the router answer itself, or send to the server in other words?

- `SET howdah.route = ...` with a value that makes no sense is an error, which only a server can raise in the right
  place of a transaction: it is sent words that raise it. One that makes sense goes through: to a server it is a
  placeholder.
- `SHOW howdah.route` shows what the session asked for, or what holds without it.
- `DEALLOCATE name` of what the protocol prepared: on the server that statement may be others' as well, or under another
  name, or not there.
- `DISCARD ALL` and `DEALLOCATE ALL` of a session that has nothing on any server.
- With `pools.mode: transaction`, what would need its connection beyond the transaction is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing.aborted import IGNORED
from howdah.routing.pins import Kind
from howdah.routing.profile import quoted
from howdah.routing.traces import binds
from howdah.routing.wishes import CONSISTENCY, HOLD_TIMEOUT, NAMES, ROUTE, is_wish, objection
from howdah.sql import sessioneffect as effects
from howdah.wire import codes, sqlstate
from howdah.wire.fields import cstring, message
from howdah.wire.replies import ready_for_query
from howdah.wire.rows import Column, data_row, row_description

if TYPE_CHECKING:
    from howdah.routing.plan import Plan
    from howdah.routing.session import Session
    from howdah.sql.statement import Statement


def answer(session: Session, plan: Plan) -> bytes:
    """The whole answer to a simple query that needs no server; b"" for all others. Everything before it is answered."""
    statement = _alone(plan)
    if statement is None:
        return b""
    link = session.link
    status = codes.IDLE if link is None else link.expect.status
    name = shown(statement)
    if name:
        if status == codes.IN_FAILED_TRANSACTION:
            return IGNORED + ready_for_query(status)
        row = _row(name, value_of(session, name))
        return row + message(codes.COMMAND_COMPLETE, b"SHOW\0") + ready_for_query(status)
    tag = ""
    match statement.session:
        case (effects.Deallocate(str(known)),) if known.encode() in session.state.names:
            if status == codes.IN_FAILED_TRANSACTION:
                return IGNORED + ready_for_query(status)
            session.state.forget(known.encode())
            tag = "DEALLOCATE"
        case (effects.Deallocate(None),) if link is None:
            session.state.forget_all()
            tag = "DEALLOCATE ALL"
        case (effects.Discard(effects.DiscardTarget.ALL),) if link is None:
            session.state.forget_all()
            session.state.start_again()
            tag = "DISCARD ALL"
    return message(codes.COMMAND_COMPLETE, cstring(tag.encode())) + ready_for_query(status) if tag else b""


def words(session: Session, plan: Plan) -> bytes:
    """What is sent in place of the client's text; b"": the text as it is."""
    script = plan.script
    if script is None:
        return b""
    for statement in script.statements:
        why = _refusal(session, statement)
        if why:
            return why
    alone = _alone(plan)
    if alone is None:
        return b""
    name = shown(alone)
    if name:
        return f'SELECT {quoted(value_of(session, name))}::pg_catalog.text AS "{name}"'.encode()
    match alone.session:
        case (effects.Deallocate(str(known)),) if known.encode() in session.state.names:
            return b"SET howdah.deallocated = ''"  # a command without rows, that a server of any role runs
    return b""


def shown(statement: Statement) -> str:
    """The router's setting that it shows; "" for any other statement."""
    return statement.setting if statement.kind == "SHOW" and statement.setting in NAMES else ""


def value_of(session: Session, name: str) -> str:
    """What holds for the session."""
    said = session.state.profile.get(name)
    if said is not None:
        return said
    if name == ROUTE:
        return session.place.route.value
    if name == CONSISTENCY:
        return session.place.consistency.value
    if name == HOLD_TIMEOUT:
        return f"{session.hub.hold_ms:g}ms"
    raise ValueError(f"the router has no setting {name}")


def _alone(plan: Plan) -> Statement | None:
    script = plan.script
    return script.statements[0] if script is not None and len(script.statements) == 1 else None


def _refusal(session: Session, statement: Statement) -> bytes:
    for effect in statement.session:
        match effect:
            case effects.SetSetting(name=name, value=value) if is_wish(name) and value is not None:
                why = objection(name, value)
                if why:
                    known = name in NAMES
                    return raising(sqlstate.INVALID_PARAMETER_VALUE if known else sqlstate.UNDEFINED_OBJECT, why)
        if not session.place.binds:
            for kind, _, reason in binds(effect):
                if kind is not Kind.OTHER:
                    return raising(
                        sqlstate.FEATURE_NOT_SUPPORTED,
                        f"{reason}: with pools.mode transaction a session keeps nothing on its connection",
                    )
    return b""


def raising(state: str, why: str) -> bytes:
    """Words with which a server raises this error."""
    raised = f"BEGIN RAISE EXCEPTION USING ERRCODE = {quoted(state)}, MESSAGE = {quoted(why)}; END"
    return f"DO {quoted(raised)}".encode()


def _row(name: str, value: str) -> bytes:
    """One row of one column of text."""
    return row_description((Column(name),)) + data_row((value.encode(),))
