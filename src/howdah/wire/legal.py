"""Which message may a client send when, and what happens to one that it may not send?

A client may send on without waiting for answers, so while the server is busy nearly everything is legal; it waits its
turn. PostgreSQL's own rules: SocketBackend, CopyGetData and ProcessRepliesIfAny.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from howdah.wire import codes
from howdah.wire.sqlstate import PROTOCOL_VIOLATION


class State(Enum):
    """Where one client's conversation stands."""

    STARTUP = "startup"
    """Nothing has come; packets of this state have no type byte (startup.py)."""
    AUTHENTICATING = "authenticating"
    IDLE = "idle"
    SIMPLE = "in a simple query"
    EXTENDED = "in an extended batch"
    SKIPPING = "skipping until Sync"
    COPY_IN = "copying in"
    COPY_BOTH = "copying both ways"
    TERMINATED = "terminated"


class Verdict(Enum):
    """What to do with a message."""

    TAKE = "take"
    """It means what it says."""
    IGNORE = "ignore"
    """Allowed, and without effect: the rest of rows after a COPY failed, anything while skipping."""
    REFUSE = "refuse"
    """The client is told `VIOLATION`, and its connection ends."""


VIOLATION: Final = PROTOCOL_VIOLATION
"""The SQLSTATE of every REFUSE. There is no milder one: after a message that cannot be there, the two sides do not
agree on where they are, and PostgreSQL ends the connection too."""

_ROWS: Final = b"dcf"
_COMMANDS: Final = b"QPBDECHSFX"


@dataclass(frozen=True, slots=True)
class Row:
    """The kinds taken and the kinds ignored in one state; all others are refused."""

    take: bytes
    ignore: bytes = b""


RULES: Final[dict[State, Row]] = {
    State.STARTUP: Row(b""),
    State.AUTHENTICATING: Row(b"p"),
    State.IDLE: Row(_COMMANDS, _ROWS),
    # Rows sent ahead of the server's invitation to copy are taken: a COPY may be what is being run.
    State.SIMPLE: Row(_COMMANDS + _ROWS),
    State.EXTENDED: Row(_COMMANDS + _ROWS),
    State.SKIPPING: Row(b"SX", b"QPBDECHF" + _ROWS),
    # Terminate is refused by the server in the middle of rows, which ends the connection just as well.
    State.COPY_IN: Row(_ROWS + b"X", b"HS"),
    State.COPY_BOTH: Row(b"dcX"),
    State.TERMINATED: Row(b""),
}


def _table(row: Row) -> tuple[Verdict, ...]:
    made = [Verdict.REFUSE] * 256
    for kind in row.take:
        made[kind] = Verdict.TAKE
    for kind in row.ignore:
        made[kind] = Verdict.IGNORE
    return tuple(made)


_VERDICTS: Final = {state: _table(row) for state, row in RULES.items()}


def verdict(state: State, kind: int) -> Verdict:
    """What becomes of a message of this kind, from a client in this state."""
    return _VERDICTS[state][kind]


def refusal(state: State, kind: int) -> str:
    """The sentence for a client whose message was refused, in PostgreSQL's words where it has some."""
    if state is State.AUTHENTICATING:
        return f"expected password response, got message type {kind}"
    if state is State.COPY_IN:
        return f"unexpected message type 0x{kind:02X} during COPY from stdin"
    if state is State.COPY_BOTH:
        return f'invalid standby message type "{chr(kind)}"'
    if kind not in _COMMANDS and kind not in _ROWS and kind != codes.PASSWORD:
        return f"invalid frontend message type {kind}"
    return f'message of type "{chr(kind)}" while {state.value}'
