"""How is a client answered whose transaction was lost with its server, until it ends that transaction?

As PostgreSQL answers in a failed transaction: everything is refused but what ends it. But a client that has not been
told of the loss yet takes the answer to its COMMIT for a success, whatever the tag says: so that is refused as well.
"""

from __future__ import annotations

from typing import Final

from howdah.routing.plan import Ends, Plan
from howdah.wire import codes, sqlstate

READY_IDLE: Final = b"Z\x00\x00\x00\x05I"
READY_FAILED: Final = b"Z\x00\x00\x00\x05E"
ROLLED_BACK: Final = b"C\x00\x00\x00\x0dROLLBACK\x00"
IGNORED: Final = sqlstate.error(
    sqlstate.ERROR,
    sqlstate.IN_FAILED_SQL_TRANSACTION,
    "current transaction is aborted, commands ignored until end of transaction block",
)
CANCELED: Final = sqlstate.error(
    sqlstate.ERROR, sqlstate.QUERY_CANCELED, "canceling statement due to user request; it did not run"
)
_PARSED: Final = b"1\x00\x00\x00\x04"
_BOUND: Final = b"2\x00\x00\x00\x04"
_CLOSED: Final = b"3\x00\x00\x00\x04"
_NO_PARAMETERS: Final = b"t\x00\x00\x00\x06\x00\x00"
_NO_DATA: Final = b"n\x00\x00\x00\x04"


class Aborted:
    """A transaction that no server has any more. `over` once the client ended it. `skipping`: everything up to the
    next Sync is ignored."""

    def __init__(self, first: bytes, skipping: bool = False, over: bool = False) -> None:
        self.over = over
        self._error = first  # the first statement is told what happened, later ones are as PostgreSQL's
        self._skipping = skipping
        self._commits = False
        self._ends = False  # the statement that is bound ends the transaction

    def query(self, plan: Plan) -> bytes:
        """The answer to a simple query; PostgreSQL gives none before the Sync that it waits for."""
        if self._skipping:
            return b""
        if plan.ends is Ends.COMMITS and self._error is not IGNORED:
            self.over = True
            return self._refuse() + READY_IDLE
        if plan.ends is Ends.ROLLS_BACK or plan.ends is Ends.COMMITS:
            self.over = True
            return ROLLED_BACK + READY_IDLE
        return self._refuse() + READY_FAILED

    def extended(self, kind: int, plan: Plan | None, of_statement: bool) -> bytes:
        """The answer to an extended message. `plan`: of what it parses or binds."""
        if kind == codes.SYNC:
            self._skipping = False
            return READY_IDLE if self.over else READY_FAILED
        if self._skipping or kind == codes.FLUSH:
            return b""
        if kind == codes.PARSE or kind == codes.BIND:
            self._commits = plan is not None and plan.ends is Ends.COMMITS
            self._ends = self._commits or (plan is not None and plan.ends is Ends.ROLLS_BACK)
            if self._ends:
                return _PARSED if kind == codes.PARSE else _BOUND
        elif kind == codes.CLOSE:
            return _CLOSED
        elif self._ends and kind == codes.DESCRIBE:
            return _NO_PARAMETERS + _NO_DATA if of_statement else _NO_DATA
        elif self._ends and kind == codes.EXECUTE:
            self.over = True
            if not self._commits or self._error is IGNORED:
                return ROLLED_BACK
        self._skipping = True
        return self._refuse()

    def call(self) -> bytes:
        """The answer to a function call."""
        return b"" if self._skipping else self._refuse() + READY_FAILED

    def _refuse(self) -> bytes:
        error, self._error = self._error, IGNORED
        return error
