"""What the agent does to a server in recovery."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import psycopg
import pytest

from howdah.ports.postgres import SqlFailed, Standby
from howdah.postgres.connection import LocalSql, ServerSilent
from howdah.postgres.standby import LocalStandby
from howdah.values.lsn import parse_lsn
from tests.postgres.handclock import HandClock
from tests.postgres.sqlserver import Farm, SqlServer, conninfo, eventually

T = TypeVar("T")


def use(server: SqlServer, act: Callable[[Standby], Awaitable[T]], timeout_ms: int = 5000) -> T:
    async def run() -> T:
        standby = LocalStandby(LocalSql(str(server.farm.root), server.port, timeout_ms), HandClock())
        try:
            return await act(standby)
        finally:
            standby.close()

    return asyncio.run(run())


@pytest.fixture
def pair(farm: Farm) -> Iterator[tuple[SqlServer, SqlServer]]:
    primary = farm.primary()
    yield primary, farm.standby("n2", primary)


def test_the_proofs_of_a_revocation_can_be_read(pair: tuple[SqlServer, SqlServer]) -> None:
    primary, server = pair
    view = use(server, lambda standby: standby.replay())
    assert view.shown_conninfo == conninfo(primary, "n2") and view.shown_restore_command == ""
    assert (view.pause_state, view.receivers, view.startup_waits) == ("not paused", 1, "RecoveryWalStream")
    assert view.timeline == 1 and view.received_lsn == view.replayed_lsn == parse_lsn(primary.lsn())

    server.reload(primary_conninfo="")
    eventually(lambda: use(server, lambda standby: standby.replay()).shown_conninfo == "", "the setting is shown")
    use(server, lambda standby: standby.pause_replay())
    eventually(lambda: use(server, lambda standby: standby.replay()).pause_state == "paused", "paused")
    use(server, lambda standby: standby.resume_replay())
    eventually(
        lambda: use(server, lambda standby: standby.replay()).startup_waits == "RecoveryRetrieveRetryInterval",
        "the startup process waits for nothing but time",
    )
    view = use(server, lambda standby: standby.replay())
    assert view.receivers == 0 and view.replayed_lsn >= view.received_lsn


def test_a_receiver_that_is_only_connecting_is_counted(pair: tuple[SqlServer, SqlServer]) -> None:
    primary, server = pair
    primary.signal(signal.SIGSTOP)
    receiver = server.process("walreceiver")
    receiver.terminate()
    others = f"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walreceiver' AND pid <> {receiver.pid}"
    eventually(lambda: server.sql(others), "a new receiver connects")
    assert server.sql("SELECT count(*) FROM pg_stat_wal_receiver") == 0
    assert use(server, lambda standby: standby.replay()).receivers == 1


def test_a_pause_that_was_there_before_is_not_taken_for_a_fresh_one(pair: tuple[SqlServer, SqlServer]) -> None:
    _, server = pair
    state = "SELECT pg_get_wal_replay_pause_state()"
    use(server, lambda standby: standby.pause_replay())
    eventually(lambda: server.sql(state) == "paused", "paused")
    startup = server.process("startup")
    startup.suspend()
    with pytest.raises(ServerSilent):  # the startup process does not answer
        use(server, lambda standby: standby.pause_replay(), timeout_ms=300)
    assert server.sql(state) != "paused"
    startup.resume()
    use(server, lambda standby: standby.pause_replay())
    eventually(lambda: server.sql(state) == "paused", "paused afresh")


def test_resuming_what_runs_changes_nothing(pair: tuple[SqlServer, SqlServer]) -> None:
    _, server = pair
    use(server, lambda standby: standby.resume_replay())
    assert server.sql("SELECT pg_get_wal_replay_pause_state()") == "not paused"


def test_queries_that_hold_replay_are_ended_and_idle_sessions_are_kept(pair: tuple[SqlServer, SqlServer]) -> None:
    primary, server = pair
    primary.sql("CREATE TABLE t AS SELECT 1 AS x")
    eventually(lambda: server.sql("SELECT to_regclass('t') IS NOT NULL"), "replayed")
    with server.connect() as idle, server.connect(autocommit=False) as holder:
        holder.execute("SELECT * FROM t")
        primary.sql("DROP TABLE t")
        end = parse_lsn(primary.lsn())
        eventually(lambda: server.sql("SELECT wait_event_type FROM pg_stat_activity WHERE backend_type = 'startup'")
                   == "Lock", "replay waits for the holder")  # fmt: skip
        assert use(server, lambda standby: standby.end_conflicting_queries()) == 1
        eventually(lambda: parse_lsn(server.sql("SELECT pg_last_wal_replay_lsn()")) >= end, "replay goes on")
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")
        assert idle.execute("SELECT 1").fetchone() == (1,)


def test_a_running_query_is_cancelled_and_its_session_lives(pair: tuple[SqlServer, SqlServer]) -> None:
    _, server = pair
    with server.connect() as session:
        session.pgconn.send_query(b"SELECT pg_sleep(60)")
        eventually(lambda: server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"), "sleeps")
        assert use(server, lambda standby: standby.end_conflicting_queries()) == 1
        result = session.pgconn.get_result()
        assert result is not None and b"canceling statement" in result.error_message
        assert session.pgconn.get_result() is None
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_promotion_ends_recovery_and_may_be_asked_twice(pair: tuple[SqlServer, SqlServer]) -> None:
    _, server = pair
    assert use(server, lambda standby: standby.promote(5000))
    assert server.sql("SELECT pg_is_in_recovery()") is False
    assert use(server, lambda standby: standby.promote(5000))


def test_a_paused_standby_is_promoted_all_the_same(pair: tuple[SqlServer, SqlServer]) -> None:
    _, server = pair
    use(server, lambda standby: standby.pause_replay())
    eventually(lambda: server.sql("SELECT pg_get_wal_replay_pause_state()") == "paused", "paused")
    assert use(server, lambda standby: standby.promote(5000))


def test_a_promotion_that_exceeds_its_limit_is_told_and_still_happens(pair: tuple[SqlServer, SqlServer]) -> None:
    _, server = pair
    startup = server.process("startup")
    startup.suspend()
    assert not use(server, lambda standby: standby.promote(200))
    startup.resume()
    eventually(lambda: server.sql("SELECT pg_is_in_recovery()") is False, "promoted")


def test_a_primary_has_no_replay_to_look_at(pair: tuple[SqlServer, SqlServer]) -> None:
    primary, _ = pair
    with pytest.raises(SqlFailed, match="recovery is not in progress"):
        use(primary, lambda standby: standby.replay())
    with pytest.raises(SqlFailed, match="recovery is not in progress"):
        use(primary, lambda standby: standby.pause_replay())
