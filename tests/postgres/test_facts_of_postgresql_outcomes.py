"""What PostgreSQL says of a commit's outcome: timeouts while it waits for standbys, and its number after a failover."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from howdah.values.lsn import parse_lsn
from tests.postgres.sqlserver import Farm, SqlServer, eventually
from tests.postgres.test_facts_of_postgresql_commits import INSERT, Commit, setting, waits

PROCEDURE = "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO t VALUES (1); COMMIT; END'"


@pytest.fixture
def waiting(farm: Farm) -> Iterator[SqlServer]:
    """A primary whose commits wait for a standby that does not exist."""
    server = farm.primary()
    server.sql("CREATE TABLE t (x int)")
    server.sql(PROCEDURE)
    setting(server, "ANY 1 (nobody)")
    server.sql("CHECKPOINT")
    yield server


@pytest.mark.parametrize("statement", [INSERT, f"BEGIN; {INSERT}; COMMIT"])
def test_statement_timeout_does_not_end_the_wait_of_a_commit(waiting: SqlServer, statement: str) -> None:
    """It is switched off before the commit begins, so that only a cancel request makes a commit answer too early."""
    with closing(waiting.connect()) as session:
        session.execute("SET statement_timeout = 300")
        commit = Commit(session, statement)
        waits(waiting, commit)
        waiting.sql("SELECT pg_sleep(1)")
        waits(waiting, commit)
        assert not commit.notices


def test_statement_timeout_ends_the_wait_of_a_commit_inside_a_procedure(waiting: SqlServer) -> None:
    """A procedure's commits are part of the statement: at the timeout the CALL succeeds, with the same warning that a
    cancel request leaves, though no standby has the row."""
    with closing(waiting.connect()) as session:
        session.execute("SET statement_timeout = 300")
        commit = Commit(session, "CALL p()")
        assert commit.acknowledged()
    assert ("SyncRepWaitForLSN", "canceling wait for synchronous replication due to user request") in commit.notices


def test_after_a_failover_another_transaction_bears_the_number_of_one_that_was_lost(farm: Farm) -> None:
    """pg_xact_status on the new primary says "committed" of a transaction that it never had: an outcome that is not
    known is asked for by a unique value in the data, not by the transaction's number."""
    first = farm.primary()
    first.sql("CREATE TABLE t (x int)")
    second = farm.standby("n2", first)
    shared = parse_lsn(first.lsn())
    eventually(lambda: parse_lsn(second.sql("SELECT pg_last_wal_replay_lsn()")) >= shared, "n2 has the table")
    second.reload(primary_conninfo="")
    eventually(lambda: not second.sql("SELECT count(*) FROM pg_stat_wal_receiver"), "n2 is cut off")
    lost = first.sql("INSERT INTO t VALUES (1) RETURNING pg_current_xact_id()::text")
    first.kill()
    second.sql("SELECT pg_promote()")
    eventually(lambda: not second.sql("SELECT pg_is_in_recovery()"), "n2 is promoted")

    def number_is_taken() -> bool:
        second.sql("INSERT INTO t VALUES (2)")
        return bool(second.sql(f"SELECT pg_xact_status('{lost}') = 'committed'"))

    eventually(number_is_taken, "another transaction has the number")
    assert second.sql("SELECT count(*) FROM t WHERE x = 1") == 0
