"""What can a statement do to the transaction it runs in?"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Isolation(Enum):
    """Isolation levels as SQL writes them. PostgreSQL runs READ UNCOMMITTED as READ COMMITTED."""

    READ_UNCOMMITTED = "read uncommitted"
    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"


@dataclass(frozen=True, slots=True)
class Modes:
    """Modes of a transaction; None: not said, the session's default holds."""

    isolation: Isolation | None = None
    read_only: bool | None = None
    deferrable: bool | None = None

    @property
    def for_standby(self) -> bool:
        """Whether such a transaction can run on a standby, if what it holds can: read only, and not serializable.

        PostgreSQL refuses SERIALIZABLE in recovery (0A000); the session's default isolation is the caller's to know.
        """
        return self.read_only is True and self.isolation is not Isolation.SERIALIZABLE


NO_MODES = Modes()


@dataclass(frozen=True, slots=True)
class NoControl:
    """The statement does not steer transactions."""


NO_CONTROL = NoControl()


@dataclass(frozen=True, slots=True)
class Begin:
    """BEGIN or START TRANSACTION."""

    modes: Modes = NO_MODES


@dataclass(frozen=True, slots=True)
class Commit:
    """COMMIT or END. With `chain` a transaction of the same modes begins at once."""

    chain: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """ROLLBACK or ABORT. With `chain` a transaction of the same modes begins at once."""

    chain: bool = False


@dataclass(frozen=True, slots=True)
class Savepoint:
    """SAVEPOINT name."""

    name: str


@dataclass(frozen=True, slots=True)
class RollbackTo:
    """ROLLBACK TO SAVEPOINT name: settings changed since are undone, the savepoint stays."""

    name: str


@dataclass(frozen=True, slots=True)
class Release:
    """RELEASE SAVEPOINT name."""

    name: str


@dataclass(frozen=True, slots=True)
class PrepareTransaction:
    """PREPARE TRANSACTION 'gid': the transaction leaves the session."""

    gid: str


@dataclass(frozen=True, slots=True)
class CommitPrepared:
    """COMMIT PREPARED 'gid'."""

    gid: str


@dataclass(frozen=True, slots=True)
class RollbackPrepared:
    """ROLLBACK PREPARED 'gid'."""

    gid: str


@dataclass(frozen=True, slots=True)
class SetTransaction:
    """SET TRANSACTION, or SET of one of the transaction_* settings: for the running transaction only."""

    modes: Modes = NO_MODES
    snapshot: str | None = None


TransactionControl: TypeAlias = (
    NoControl
    | Begin
    | Commit
    | Rollback
    | Savepoint
    | RollbackTo
    | Release
    | PrepareTransaction
    | CommitPrepared
    | RollbackPrepared
    | SetTransaction
)
