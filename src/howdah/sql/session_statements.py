"""How are statements read that change their session: prepared statements, cursors, LISTEN, DISCARD, LOAD?"""

from howdah.sql.sessioneffect import (
    CloseCursor,
    Deallocate,
    DeclareCursor,
    Discard,
    DiscardTarget,
    Execute,
    Listen,
    Load,
    SessionEffect,
    Unknown,
    Unlisten,
)
from howdah.sql.setting_statements import OF_SESSION
from howdah.sql.statement import Reach, Statement
from howdah.sql.survey import Survey
from howdah.sql.tree import Node, flag, items, number, text

_CURSOR_BINARY, _CURSOR_SCROLL, _CURSOR_HOLD = 0x01, 0x02, 0x20
"""Bits of DeclareCursorStmt.options (CURSOR_OPT_* in PostgreSQL's parsenodes.h)."""

_DISCARD = {
    "DISCARD_ALL": DiscardTarget.ALL,
    "DISCARD_PLANS": DiscardTarget.PLANS,
    "DISCARD_SEQUENCES": DiscardTarget.SEQUENCES,
    "DISCARD_TEMP": DiscardTarget.TEMPORARY,
}


def execute_statement(fields: Node) -> Statement:
    """EXECUTE: reads only if what was prepared does, which the caller may know."""
    name = text(fields, "name")
    survey = Survey()
    survey.walk(items(fields, "params"))
    why = f'what EXECUTE of "{name}" does was said when it was prepared'
    return Statement("EXECUTE", Reach.WRITE, why, survey.names(), session=(Execute(name), *survey.effects))


def deallocate_statement(fields: Node) -> Statement:
    """DEALLOCATE name or ALL."""
    return _of_session("DEALLOCATE", Deallocate(text(fields, "name") or None))


def declaration(fields: Node) -> DeclareCursor:
    """The cursor that a DECLARE makes."""
    options = number(fields, "options")
    return DeclareCursor(
        text(fields, "portalname"),
        hold=bool(options & _CURSOR_HOLD),
        scroll=bool(options & _CURSOR_SCROLL),
        binary=bool(options & _CURSOR_BINARY),
    )


def close_statement(fields: Node) -> Statement:
    """CLOSE name or ALL."""
    return _of_session("CLOSE", CloseCursor(text(fields, "portalname") or None))


def fetch_statement(fields: Node) -> Statement:
    """FETCH and MOVE."""
    kind = "MOVE" if flag(fields, "ismove") else "FETCH"
    return Statement(kind, Reach.READ, f"{kind} runs where its cursor is")


def listen_statement(fields: Node) -> Statement:
    """LISTEN."""
    effect = Listen(text(fields, "conditionname"))
    return Statement("LISTEN", Reach.WRITE, "notifications come from the primary", session=(effect,))


def unlisten_statement(fields: Node) -> Statement:
    """UNLISTEN channel or *."""
    effect = Unlisten(text(fields, "conditionname") or None)
    return Statement("UNLISTEN", Reach.WRITE, "notifications come from the primary", session=(effect,))


def discard_statement(fields: Node) -> Statement:
    """DISCARD."""
    what = _DISCARD.get(text(fields, "target"))
    return _of_session("DISCARD", Discard(what) if what is not None else Unknown("DISCARD of something not known"))


def load_statement(fields: Node) -> Statement:
    """LOAD."""
    effect = Load(text(fields, "filename"))
    return Statement("LOAD", Reach.WRITE, "LOAD changes its connection", session=(effect,))


def _of_session(kind: str, effect: SessionEffect) -> Statement:
    return Statement(kind, Reach.READ, OF_SESSION, session=(effect,))
