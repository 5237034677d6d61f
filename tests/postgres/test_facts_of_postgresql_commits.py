"""What PostgreSQL does with a commit that waits for standbys: the facts the acknowledgement quorum rests on."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import pq

from howdah.values.lsn import parse_lsn
from tests.postgres.sqlserver import Farm, SqlServer, conninfo, eventually, spawn
from tests.signals import send

NAMES = "synchronous_standby_names"
INSERT = "INSERT INTO t VALUES (1)"


class Commit:
    """A statement on its way: sent, but its end not awaited."""

    def __init__(self, session: psycopg.Connection[Any], statement: str = INSERT) -> None:
        self._session = session
        self._raw = session.pgconn
        self.notices: list[tuple[str, str]] = []
        session.add_notice_handler(
            lambda notice: self.notices.append((notice.source_function or "", notice.message_primary or ""))
        )
        self._raw.send_query(statement.encode())
        self.pid = self._raw.backend_pid

    def acknowledged(self) -> bool:
        """Wait for the answer; whether it is a success."""
        eventually(self._answered, "an answer")
        result = self._raw.get_result()
        return result is not None and result.status == pq.ExecStatus.COMMAND_OK

    def abandon(self) -> None:
        """Close the connection without waiting for the answer, as a client that gives up."""
        self._session.close()

    def _answered(self) -> bool:
        with suppress(psycopg.OperationalError):
            self._raw.consume_input()
            return not self._raw.is_busy()
        return True

    def answered(self) -> bool:
        """Whether an answer has come by now."""
        return self._answered()


def waits(server: SqlServer, commit: Commit) -> None:
    """The commit has reached its wait for standbys."""
    asked = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {commit.pid} AND wait_event = 'SyncRep'"
    eventually(lambda: server.sql(asked), "the commit waits")


def sleeping(server: SqlServer, pid: int) -> bool:
    """Whether this backend is in pg_sleep."""
    return bool(server.sql(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep'"))


def gone(server: SqlServer, pid: int) -> bool:
    """Whether this backend has ended."""
    return not server.sql(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}")


def setting(server: SqlServer, names: str) -> None:
    """Reload, until a new connection shows it."""
    server.reload(synchronous_standby_names=names)
    eventually(lambda: server.sql(f"SHOW {NAMES}") == names, "the setting is shown")


@pytest.fixture
def primary(farm: Farm) -> Iterator[SqlServer]:
    """A primary with a table, whose commits do not wait yet."""
    server = farm.primary()
    server.sql("CREATE TABLE t (x int)")
    yield server


@contextmanager
def receiver(server: SqlServer, name: str, *options: str) -> Iterator[None]:
    """An archive receiver that streams, and confirms, under a name."""
    directory = server.farm.root / f"archive-{name}"
    command = [server.farm.binary("pg_receivewal"), "--synchronous", "-D", str(directory), *options]
    process = spawn(["sh", "-c", 'mkdir "$0" && exec "$@"', str(directory), *command, "-d", conninfo(server, name)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_a_cancelled_wait_is_reported_as_a_success_with_a_warning(primary: SqlServer) -> None:
    """A commit whose wait is cancelled answers INSERT 0 1, after a warning that names SyncRepWaitForLSN."""
    setting(primary, "ANY 1 (nobody)")
    primary.sql("CHECKPOINT")
    with closing(primary.connect()) as session:
        commit = Commit(session)
        waits(primary, commit)
        primary.sql(f"SELECT pg_cancel_backend({commit.pid})")
        assert commit.acknowledged()
    assert commit.notices == [("SyncRepWaitForLSN", "canceling wait for synchronous replication due to user request")]
    assert primary.sql("SELECT count(*) FROM t") == 1


def test_a_terminated_wait_is_not_acknowledged_though_the_row_is_there(primary: SqlServer) -> None:
    """A session that is ended while its commit waits loses its connection without a success."""
    setting(primary, "ANY 1 (nobody)")
    primary.sql("CHECKPOINT")
    with closing(primary.connect()) as session:
        commit = Commit(session)
        waits(primary, commit)
        primary.sql(f"SELECT pg_terminate_backend({commit.pid})")
        assert not commit.acknowledged()
    assert primary.sql("SELECT count(*) FROM t") == 1


def test_a_client_that_gives_up_leaves_its_backend_in_the_wait_whatever_looks_at_connections(
    primary: SqlServer,
) -> None:
    """client_connection_check_interval ends other waits, not this one: the signal is not looked at in it."""
    setting(primary, "ANY 1 (nobody)")
    primary.reload(client_connection_check_interval="20ms")
    eventually(lambda: primary.sql("SHOW client_connection_check_interval") == "20ms", "the setting is shown")
    primary.sql("CHECKPOINT")
    given_up = Commit(primary.connect())
    waits(primary, given_up)
    given_up.abandon()
    for _ in range(3):  # each time later than the one before, and each is ended by the check
        other = Commit(primary.connect(), "SELECT pg_sleep(600)")
        eventually(partial(sleeping, primary, other.pid), "it sleeps")
        other.abandon()
        eventually(partial(gone, primary, other.pid), "its backend ends")
    waits(primary, given_up)


def test_crash_recovery_makes_commits_visible_that_nobody_acknowledged(primary: SqlServer) -> None:
    """After a crash and restart a row is read whose commit never finished its wait: so a barrier before clients."""
    setting(primary, "ANY 1 (nobody)")
    primary.sql("CHECKPOINT")
    with closing(primary.connect()) as session:
        commit = Commit(session)
        waits(primary, commit)
        assert primary.sql("SELECT count(*) FROM t") == 0
        primary.kill()
        assert not commit.acknowledged()
    primary.start()
    assert primary.sql("SELECT count(*) FROM t") == 1


def test_from_an_empty_setting_commits_go_unconfirmed_until_the_checkpointer_has_seen_the_new_one(
    primary: SqlServer,
) -> None:
    """NEVER EMPTY: with the checkpointer stopped, an INSERT is acknowledged with nobody connected, although a new
    connection shows a setting; a CHECKPOINT begun after the reload ends that."""
    checkpointer = primary.process("checkpointer")
    checkpointer.suspend()
    setting(primary, "ANY 1 (nobody)")
    with closing(primary.connect()) as session:
        assert Commit(session).acknowledged()
    checkpointer.resume()
    primary.sql("CHECKPOINT")
    with closing(primary.connect()) as session:
        commit = Commit(session)
        waits(primary, commit)
        assert not commit.answered()


def test_one_server_connected_twice_satisfies_any_2(primary: SqlServer) -> None:
    """ONE CONNECTION: a standby and an archive receiver beside it, under two voters' names, are two voters."""
    primary.farm.standby("n2", primary)
    setting(primary, "ANY 2 (n2, n3)")
    primary.sql("CHECKPOINT")
    with closing(primary.connect()) as session:
        commit = Commit(session)
        waits(primary, commit)
        with receiver(primary, "n3"):
            assert commit.acknowledged()


def test_names_match_without_case_and_are_cut_at_63_bytes(primary: SqlServer) -> None:
    """Two names that differ in case, or after 63 bytes, are one to PostgreSQL."""
    long = "n" * 70
    primary.farm.standby("n2", primary, {"primary_conninfo": conninfo(primary, long)})
    name = primary.sql("SELECT application_name FROM pg_stat_replication")
    assert name == "n" * 63
    setting(primary, f'ANY 1 ("{name.upper()}")')
    eventually(lambda: primary.sql("SELECT sync_priority FROM pg_stat_replication") == 1, "the name matches")
    primary.sql("CHECKPOINT")
    with closing(primary.connect()) as session:
        assert Commit(session).acknowledged()


def test_a_stopped_walsender_keeps_the_old_setting_while_a_barrier_passes(primary: SqlServer) -> None:
    """LIVE: a commit under the new setting proves nothing about a dropped voter's walsender that did not run yet."""
    for name in ("n2", "n3"):
        primary.farm.standby(name, primary)
    setting(primary, "ANY 1 (n2, n3)")
    priority = "SELECT sync_priority FROM pg_stat_replication WHERE application_name = 'n3'"
    eventually(lambda: primary.sql(priority) == 1, "n3 is a voter")
    primary.sql("CHECKPOINT")
    pid = primary.sql("SELECT pid FROM pg_stat_replication WHERE application_name = 'n3'")
    send((pid,), signal.SIGSTOP)
    setting(primary, "ANY 1 (n2)")
    with closing(primary.connect()) as session:
        assert Commit(session).acknowledged()
    assert primary.sql(priority) == 1
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: primary.sql(priority) == 0, "n3 is none")


def test_a_diverged_standby_counts_as_a_flush_of_what_it_does_not_have(farm: Farm) -> None:
    """PREFIX: a standby whose history left earlier streams from the start of the segment and confirms its old,
    larger LSN: a commit is acknowledged that no other server has."""
    first = farm.primary()
    first.sql("CREATE TABLE t (x int)")
    second, third = farm.standby("n2", first), farm.standby("n3", first)
    first.sql("SELECT pg_switch_wal()")
    first.sql("INSERT INTO t VALUES (0)")
    shared = parse_lsn(first.lsn())
    replayed = "SELECT pg_last_wal_replay_lsn()"
    eventually(lambda: parse_lsn(second.sql(replayed)) >= shared, "n2 has it")
    second.reload(primary_conninfo="")
    eventually(lambda: not second.sql("SELECT count(*) FROM pg_stat_wal_receiver"), "n2 is cut off")
    first.sql("SELECT pg_logical_emit_message(false, 'x', repeat('x', 300000))")
    first.sql("INSERT INTO t VALUES (0)")
    ahead = parse_lsn(first.lsn())
    eventually(lambda: parse_lsn(third.sql(replayed)) >= ahead, "n3 is ahead")
    first.kill()

    second.settings[NAMES] = "ANY 1 (n3)"
    second.configure()
    second.stop()
    second.start(recovery=True)
    second.sql("SELECT pg_promote()")
    with closing(second.connect()) as session:
        commit = Commit(session)
        waits(second, commit)
        third.reload(primary_conninfo=conninfo(second, "n3"))
        assert commit.acknowledged()
    assert parse_lsn(second.lsn()) < ahead
    assert second.sql("SELECT count(*) FROM t WHERE x = 1") == 1
    assert third.sql("SELECT count(*) FROM t WHERE x = 1") == 0
    assert "forked off current database system timeline 1 before current recovery point" in third.log


def test_a_walreceiver_goes_on_acknowledging_until_the_startup_process_reads_the_setting(primary: SqlServer) -> None:
    """A blank primary_conninfo that a new connection shows stops nobody: the startup process does."""
    standby = primary.farm.standby("n2", primary)
    setting(primary, "ANY 1 (n2)")
    primary.sql("CHECKPOINT")
    startup = standby.process("startup")
    startup.suspend()
    standby.reload(primary_conninfo="")
    eventually(lambda: standby.sql("SHOW primary_conninfo") == "", "the blank setting is shown")
    with closing(primary.connect()) as session:
        assert Commit(session).acknowledged()
    startup.resume()
    eventually(lambda: not standby.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walreceiver'"),
               "the receiver ends")  # fmt: skip
    with closing(primary.connect()) as session:
        commit = Commit(session)
        waits(primary, commit)


def test_a_receiver_that_was_connecting_while_the_view_was_empty_acknowledges_later(primary: SqlServer) -> None:
    """STARTUP PROOF: an empty pg_stat_wal_receiver and a blank setting are no proof that nobody will acknowledge."""
    standby = primary.farm.standby("n2", primary)
    setting(primary, "ANY 1 (n2)")
    primary.sql("CHECKPOINT")
    with closing(primary.connect()) as session:
        primary.signal(signal.SIGSTOP)  # the postmaster: logins hang, the open session does not
        old = standby.process("walreceiver")
        old.terminate()
        others = f"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walreceiver' AND pid <> {old.pid}"
        eventually(lambda: standby.sql(others), "a new receiver connects")
        startup = standby.process("startup")
        startup.suspend()
        standby.reload(primary_conninfo="")
        eventually(lambda: standby.sql("SHOW primary_conninfo") == "", "the blank setting is shown")
        assert standby.sql("SELECT count(*) FROM pg_stat_wal_receiver") == 0
        end = parse_lsn(standby.sql("SELECT pg_last_wal_receive_lsn()"))
        commit = Commit(session)
        primary.signal(signal.SIGCONT)
        assert commit.acknowledged()
        assert parse_lsn(standby.sql("SELECT pg_last_wal_receive_lsn()")) > end
        startup.resume()


def test_a_slot_is_held_by_a_receiver_that_is_stopped_until_its_walsender_is_ended(primary: SqlServer) -> None:
    """A cut voter's old walsender holds its slot: the same server cannot stream through it again until it ends."""
    primary.sql("SELECT pg_create_physical_replication_slot('howdah_n2', true)")
    standby = primary.farm.standby("n2", primary, {"primary_slot_name": "howdah_n2"})
    standby.process("walreceiver").suspend()
    directory = primary.farm.root / "archive"
    directory.mkdir()
    directory.chmod(0o777)
    command = [primary.farm.binary("pg_receivewal"), "-D", str(directory), "-S", "howdah_n2", "--no-loop"]
    done = subprocess.run([*command, "-d", conninfo(primary, "again")], capture_output=True, text=True, check=False)
    assert 'replication slot "howdah_n2" is active for PID' in done.stderr
    primary.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots")
    eventually(lambda: primary.sql("SELECT NOT active FROM pg_replication_slots"), "the slot is free")
