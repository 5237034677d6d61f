"""How are BEGIN, COMMIT, savepoints and SET TRANSACTION read from the parse tree?"""

from howdah.sql.statement import Reach, Statement
from howdah.sql.transaction import (
    Begin,
    Commit,
    CommitPrepared,
    Isolation,
    Modes,
    PrepareTransaction,
    Release,
    Rollback,
    RollbackPrepared,
    RollbackTo,
    Savepoint,
    SetTransaction,
    TransactionControl,
)
from howdah.sql.tree import Node, boolean, constant, flag, items, of_kind, text

ISOLATION = {level.value: level for level in Isolation}

_KINDS = {
    "TRANS_STMT_BEGIN": "BEGIN",
    "TRANS_STMT_START": "START TRANSACTION",
    "TRANS_STMT_COMMIT": "COMMIT",
    "TRANS_STMT_ROLLBACK": "ROLLBACK",
    "TRANS_STMT_SAVEPOINT": "SAVEPOINT",
    "TRANS_STMT_RELEASE": "RELEASE",
    "TRANS_STMT_ROLLBACK_TO": "ROLLBACK TO",
    "TRANS_STMT_PREPARE": "PREPARE TRANSACTION",
    "TRANS_STMT_COMMIT_PREPARED": "COMMIT PREPARED",
    "TRANS_STMT_ROLLBACK_PREPARED": "ROLLBACK PREPARED",
}


def transaction_statement(fields: Node) -> Statement | None:
    """BEGIN, COMMIT and their like; None for a kind not known here."""
    kind = _KINDS.get(text(fields, "kind"))
    if kind is None:
        return None
    control = _control(kind, fields)
    if isinstance(control, Begin):
        if control.modes.for_standby:
            return Statement(kind, Reach.READ, "the transaction is read only", transaction=control)
        return Statement(kind, Reach.WRITE, _why_primary(control.modes), transaction=control)
    if isinstance(control, PrepareTransaction | CommitPrepared | RollbackPrepared):
        return Statement(kind, Reach.WRITE, f"{kind} writes", transaction=control)
    return Statement(kind, Reach.READ, f"{kind} belongs to the running transaction", transaction=control)


def _why_primary(modes: Modes) -> str:
    if modes.read_only:
        return "a serializable transaction cannot run on a standby"
    return "a transaction that is not READ ONLY may write"


def _control(kind: str, fields: Node) -> TransactionControl:
    name, gid = text(fields, "savepoint_name"), text(fields, "gid")
    match kind:
        case "BEGIN" | "START TRANSACTION":
            return Begin(modes_of(items(fields, "options")))
        case "COMMIT":
            return Commit(flag(fields, "chain"))
        case "ROLLBACK":
            return Rollback(flag(fields, "chain"))
        case "SAVEPOINT":
            return Savepoint(name)
        case "RELEASE":
            return Release(name)
        case "ROLLBACK TO":
            return RollbackTo(name)
        case "PREPARE TRANSACTION":
            return PrepareTransaction(gid)
        case "COMMIT PREPARED":
            return CommitPrepared(gid)
        case _:
            return RollbackPrepared(gid)


def modes_of(options: list[object]) -> Modes:
    """The modes in a list of options; of a mode said twice the last one holds, as in PostgreSQL."""
    isolation: Isolation | None = None
    read_only: bool | None = None
    deferrable: bool | None = None
    for option in of_kind(options, "DefElem"):
        value = constant(option.get("arg"))
        match text(option, "defname"):
            case "transaction_isolation":
                isolation = ISOLATION.get((value or "").lower(), isolation)
            case "transaction_read_only":
                read_only = boolean(value)
            case "transaction_deferrable":
                deferrable = boolean(value)
            case _:
                pass
    return Modes(isolation, read_only, deferrable)


def set_transaction(modes: Modes, snapshot: str | None = None) -> Statement:
    """SET TRANSACTION with these modes, however it was written."""
    control = SetTransaction(modes, snapshot)
    if modes.read_only is False:
        return Statement("SET TRANSACTION", Reach.WRITE, "the transaction may write", transaction=control)
    if modes.isolation is Isolation.SERIALIZABLE:
        why = "a serializable transaction cannot run on a standby"
        return Statement("SET TRANSACTION", Reach.WRITE, why, transaction=control)
    if snapshot is not None:
        why = "a snapshot is exported on the primary"
        return Statement("SET TRANSACTION", Reach.WRITE, why, transaction=control)
    why = "SET TRANSACTION belongs to the running transaction"
    return Statement("SET TRANSACTION", Reach.READ, why, transaction=control)
