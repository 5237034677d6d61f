"""What is a client told when the server that worked for it is gone?

Nothing is run a second time that may have had an effect; what certainly had none is run elsewhere.
"""

from dataclasses import dataclass
from enum import Enum

from howdah.routing.plan import Ends
from howdah.wire import sqlstate


class Fate(Enum):
    """Of a session whose server connection ended."""

    UNTOUCHED = "nothing was under way: the next statement goes elsewhere"
    AGAIN = "a read of which nothing was answered: it runs elsewhere"
    TRANSACTION = "the transaction is lost, nothing of it was committed"
    UNKNOWN = "it may have been committed"
    BROKEN = "the client has a part of a message, so that nothing more can be said to it"
    STATE = "the session had state on the server that cannot be made again"


@dataclass(frozen=True, slots=True)
class Situation:
    """`owed`: answers that are to come. `in_transaction`: by the last answer. `read`: all that is owed only reads.
    `ends`: what it does to the transaction. `answering`: the client has a part of the answer. `in_message`: and the
    last message of it not to its end. `pinned`: why the session could not leave that connection, or ""."""

    owed: int
    in_transaction: bool
    read: bool
    ends: Ends
    answering: bool
    in_message: bool
    pinned: str


def fate(now: Situation) -> Fate:
    """What became of it."""
    if now.in_message:
        return Fate.BROKEN
    if now.pinned:
        return Fate.STATE
    if not now.owed:
        return Fate.TRANSACTION if now.in_transaction else Fate.UNTOUCHED
    if now.in_transaction:
        return Fate.UNKNOWN if now.ends is Ends.COMMITS else Fate.TRANSACTION
    if now.read:
        return Fate.TRANSACTION if now.answering else Fate.AGAIN
    return Fate.UNKNOWN


def told(became: Fate, pinned: str) -> bytes:
    """The error that says so; b"" where none is due."""
    match became:
        case Fate.UNTOUCHED | Fate.AGAIN | Fate.BROKEN:
            return b""
        case Fate.TRANSACTION:
            return sqlstate.error(
                sqlstate.ERROR,
                sqlstate.SERIALIZATION_FAILURE,
                "the server that ran this transaction was lost; nothing of it was committed",
                hint="Run the transaction again.",
            )
        case Fate.UNKNOWN:
            return sqlstate.error(
                sqlstate.ERROR,
                sqlstate.TRANSACTION_RESOLUTION_UNKNOWN,
                "the server was lost before it answered: whether this was committed is not known",
                hint="Look whether it took effect before running it again.",
            )
        case Fate.STATE:
            return sqlstate.error(
                sqlstate.FATAL,
                sqlstate.CONNECTION_FAILURE,
                f"the server was lost, and with it what this session had there: {pinned}",
                hint="Connect again, and make it anew.",
            )


UNREPLICATED_COMMIT = sqlstate.error(
    sqlstate.ERROR,
    sqlstate.TRANSACTION_RESOLUTION_UNKNOWN,
    "the wait for standbys was cancelled: committed on the primary, and perhaps nowhere else",
    hint="A failover may undo it. Look whether it took effect before running it again.",
)
"""In place of the success that PostgreSQL reports for such a commit."""
