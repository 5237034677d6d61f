"""Is every form of transaction control told apart?"""

import pytest

from howdah.sql.classify import parse
from howdah.sql.control import modes_of, set_transaction
from howdah.sql.statement import Reach
from howdah.sql.transaction import (
    NO_CONTROL,
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

FORMS: tuple[tuple[str, TransactionControl], ...] = (
    ("BEGIN", Begin()),
    ("begin work", Begin()),
    ("START TRANSACTION", Begin()),
    ("BEGIN READ ONLY", Begin(Modes(read_only=True))),
    ("BEGIN READ WRITE", Begin(Modes(read_only=False))),
    ("BEGIN READ ONLY, READ WRITE", Begin(Modes(read_only=False))),
    ("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE", Begin(Modes(Isolation.SERIALIZABLE, True, True))),
    ("START TRANSACTION ISOLATION LEVEL REPEATABLE READ", Begin(Modes(Isolation.REPEATABLE_READ))),
    ("BEGIN ISOLATION LEVEL READ UNCOMMITTED NOT DEFERRABLE", Begin(Modes(Isolation.READ_UNCOMMITTED, None, False))),
    ("COMMIT", Commit()),
    ("END", Commit()),
    ("COMMIT AND CHAIN", Commit(chain=True)),
    ("COMMIT AND NO CHAIN", Commit()),
    ("ROLLBACK", Rollback()),
    ("ABORT", Rollback()),
    ("ROLLBACK TRANSACTION AND CHAIN", Rollback(chain=True)),
    ("SAVEPOINT a", Savepoint("a")),
    ('SAVEPOINT "A b"', Savepoint("A b")),
    ("ROLLBACK TO SAVEPOINT A", RollbackTo("a")),
    ("ROLLBACK TO a", RollbackTo("a")),
    ("RELEASE a", Release("a")),
    ("PREPARE TRANSACTION 'x'", PrepareTransaction("x")),
    ("COMMIT PREPARED 'x'", CommitPrepared("x")),
    ("ROLLBACK PREPARED 'x'", RollbackPrepared("x")),
    ("SET TRANSACTION READ ONLY", SetTransaction(Modes(read_only=True))),
    ("SET LOCAL transaction_read_only = on", SetTransaction(Modes(read_only=True))),
    ("SET transaction_read_only = 0", SetTransaction(Modes(read_only=False))),
    ("SET transaction_isolation TO 'repeatable read'", SetTransaction(Modes(Isolation.REPEATABLE_READ))),
    ("SET TRANSACTION SNAPSHOT '1-1'", SetTransaction(Modes(), "1-1")),
    ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", NO_CONTROL),
    ("SELECT 1", NO_CONTROL),
)


@pytest.mark.parametrize(("sql", "control"), FORMS)
def test_each_form_is_told_apart(sql: str, control: TransactionControl) -> None:
    (statement,) = parse(sql).statements
    assert statement.transaction == control


@pytest.mark.parametrize(
    ("sql", "reach"),
    [
        ("BEGIN", Reach.WRITE),
        ("BEGIN READ ONLY", Reach.READ),
        ("BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", Reach.READ),
        ("BEGIN READ ONLY ISOLATION LEVEL SERIALIZABLE", Reach.WRITE),
        ("COMMIT", Reach.READ),
        ("SAVEPOINT a", Reach.READ),
        ("PREPARE TRANSACTION 'x'", Reach.WRITE),
        ("SET TRANSACTION READ WRITE", Reach.WRITE),
        ("SET TRANSACTION READ ONLY", Reach.READ),
    ],
)
def test_only_what_is_surely_read_only_may_begin_on_a_standby(sql: str, reach: Reach) -> None:
    assert parse(sql).reach is reach


def test_a_transaction_inside_one_text_is_seen_statement_by_statement() -> None:
    script = parse("BEGIN READ ONLY; SELECT 1; COMMIT")
    assert [statement.kind for statement in script.statements] == ["BEGIN", "SELECT", "COMMIT"]
    assert script.reach is Reach.READ
    assert parse("BEGIN READ ONLY; SET TRANSACTION READ WRITE; SELECT 1; COMMIT").reach is Reach.WRITE


def test_no_modes_are_read_from_what_are_no_options() -> None:
    assert modes_of([]) == modes_of(["x", 1, {"DefElem": {"defname": "unheard_of"}}]) == Modes()
    assert set_transaction(Modes()).reach is Reach.READ
