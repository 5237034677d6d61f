"""Which texts need no parser: because they are always the same, or because they are too long?"""

from howdah.sql.classify import not_understood
from howdah.sql.hints import leading_hint
from howdah.sql.statement import Reach, Script, Statement
from howdah.sql.transaction import Begin, Commit, Modes, Rollback

TEXT_BYTES_MAX = 16_384
"""Longer texts are not parsed but sent to the primary: their parsing would hold up every other client for ten
milliseconds and more, and texts of this length are mostly INSERTs of many rows."""

HINT_BYTES_MAX = 4_096
"""How far into a text that is not parsed a hint is looked for."""

_NOTHING = Script((), why="it holds no statement")


def _alone(statement: Statement) -> Script:
    return Script((statement,), why=statement.why)


_BEGIN_WHY = "a transaction that is not READ ONLY may write"
_BEGIN = _alone(Statement("BEGIN", Reach.WRITE, _BEGIN_WHY, transaction=Begin()))
_START = _alone(Statement("START TRANSACTION", Reach.WRITE, _BEGIN_WHY, transaction=Begin()))
_BEGIN_READ_ONLY = _alone(
    Statement("BEGIN", Reach.READ, "the transaction is read only", transaction=Begin(Modes(read_only=True)))
)
_COMMIT = _alone(Statement("COMMIT", Reach.READ, "COMMIT belongs to the running transaction", transaction=Commit()))
_ROLLBACK = _alone(
    Statement("ROLLBACK", Reach.READ, "ROLLBACK belongs to the running transaction", transaction=Rollback())
)
_SELECT_1 = _alone(Statement("SELECT", Reach.READ, "SELECT only reads", any_literal=True))

KNOWN: dict[bytes, Script] = {
    form: script
    for texts, script in (
        ((b"", b";", b" ", b"-- ping", b"/* ping */", b"/* ping */;"), _NOTHING),
        ((b"BEGIN", b"BEGIN;", b"begin", b"begin;", b"BEGIN TRANSACTION", b"Begin"), _BEGIN),
        ((b"START TRANSACTION", b"START TRANSACTION;", b"start transaction"), _START),
        ((b"BEGIN READ ONLY", b"BEGIN READ ONLY;", b"BEGIN TRANSACTION READ ONLY"), _BEGIN_READ_ONLY),
        ((b"COMMIT", b"COMMIT;", b"commit", b"commit;", b"END", b"END;", b"end", b"end;"), _COMMIT),
        ((b"ROLLBACK", b"ROLLBACK;", b"rollback", b"rollback;", b"ABORT"), _ROLLBACK),
        ((b"SELECT 1", b"SELECT 1;", b"select 1", b"select 1;"), _SELECT_1),
    )
    for form in texts
}
"""The scripts of texts that every driver sends, exactly as parsing them gives."""

PROBES = frozenset(
    (b"", b";", b" ", b"-- ping", b"/* ping */", b"/* ping */;", b"SELECT 1", b"SELECT 1;", b"select 1", b"select 1;")
)
"""Texts by which poolers and drivers ask whether anybody is there."""


def without_parser(text: bytes) -> Script | None:
    """The script of a text that need not be parsed, or is not worth it; None: parse it."""
    known = KNOWN.get(text)
    if known is not None:
        return known
    if len(text) > TEXT_BYTES_MAX:
        readable = text.decode("latin-1")
        return not_understood(
            readable, f"it is longer than {TEXT_BYTES_MAX} bytes", leading_hint(readable[:HINT_BYTES_MAX])
        )
    return None
