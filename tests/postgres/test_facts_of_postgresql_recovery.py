"""What PostgreSQL does in recovery and at promotion: the facts revocation, election and return rest on."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from howdah.postgres.connection import LocalSql
from howdah.postgres.standby import LocalStandby
from howdah.values.lsn import parse_lsn
from tests.postgres.handclock import HandClock
from tests.postgres.sqlserver import Farm, SqlServer, conninfo, eventually

STATE = "SELECT pg_get_wal_replay_pause_state()"
RECEIVERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walreceiver'"
REPLAYED = "SELECT pg_last_wal_replay_lsn()"
TIMELINE = "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"


async def predicted(server: SqlServer) -> int:
    """The timeline that the agent would announce for a promotion of this server."""
    standby = LocalStandby(LocalSql(str(server.farm.root), server.port, 5000), HandClock())
    try:
        return await standby.next_timeline()
    finally:
        standby.close()


@pytest.fixture
def pair(farm: Farm) -> Iterator[tuple[SqlServer, SqlServer]]:
    """A primary with a table, and its standby."""
    primary = farm.primary()
    primary.sql("CREATE TABLE t (x int)")
    yield primary, farm.standby("n2", primary)


def test_only_the_startup_process_makes_a_pause_paused(pair: tuple[SqlServer, SqlServer]) -> None:
    """STARTUP PROOF: while the startup process is stopped a fresh pause stays a request."""
    _, standby = pair
    startup = standby.process("startup")
    startup.suspend()
    standby.sql("SELECT pg_wal_replay_pause()")
    assert standby.sql(STATE) == "pause requested"
    startup.resume()
    eventually(lambda: standby.sql(STATE) == "paused", "paused")


def test_a_startup_process_that_is_paused_has_read_its_settings_again(pair: tuple[SqlServer, SqlServer]) -> None:
    """STARTUP PROOF: once `paused` follows a blank setting, the receiver has been told to end and none is started."""
    _, standby = pair
    startup = standby.process("startup")
    startup.suspend()
    standby.reload(primary_conninfo="")
    eventually(lambda: standby.sql("SHOW primary_conninfo") == "", "the blank setting is shown")
    standby.sql("SELECT pg_wal_replay_pause()")
    assert standby.sql(RECEIVERS) == 1
    startup.resume()
    eventually(lambda: standby.sql(STATE) == "paused", "paused")
    standby.sql("SELECT pg_wal_replay_resume()")
    waits = "SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup'"
    eventually(lambda: standby.sql(waits) == "RecoveryRetrieveRetryInterval", "it waits for nothing but time")
    assert standby.sql(RECEIVERS) == 0


def test_a_pause_is_not_reached_while_a_query_holds_replay(pair: tuple[SqlServer, SqlServer]) -> None:
    """A query that conflicts with replay keeps a pause from being reached: so such queries are ended first."""
    primary, standby = pair
    with standby.connect(autocommit=False) as holder:
        holder.execute("SELECT * FROM t")
        primary.sql("DROP TABLE t")
        held = "SELECT wait_event_type FROM pg_stat_activity WHERE backend_type = 'startup'"
        eventually(lambda: standby.sql(held) == "Lock", "replay is held")
        standby.sql("SELECT pg_wal_replay_pause()")
        assert standby.sql(STATE) == "pause requested"
        assert standby.sql(held) == "Lock"
        holder.rollback()
        eventually(lambda: standby.sql(STATE) == "paused", "paused")


def test_slots_made_on_a_standby_are_there_after_its_promotion(pair: tuple[SqlServer, SqlServer]) -> None:
    """The winner makes its slots before it promotes."""
    _, standby = pair
    standby.sql("SELECT pg_create_physical_replication_slot('howdah_n3', true)")
    reserved = standby.sql("SELECT restart_lsn FROM pg_replication_slots")
    standby.sql("SELECT pg_promote()")
    assert standby.sql("SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = 'howdah_n3'") == reserved


def test_a_session_that_is_open_on_a_standby_writes_after_its_promotion(pair: tuple[SqlServer, SqlServer]) -> None:
    """So client sessions are ended at a promotion, and ended again until the server is serving."""
    _, standby = pair
    with standby.connect() as session:
        assert session.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        standby.sql("SELECT pg_promote()")
        session.execute("INSERT INTO t VALUES (1)")
        assert session.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_the_new_timeline_is_the_number_after_the_history_files_that_follow_each_other(farm: Farm) -> None:
    """A promotion takes the first number above its own without a history file. It looks one number at a time, so a
    history file behind a gap is not seen: "highest + 1" holds only without gaps."""
    first = farm.primary()
    near, far = farm.standby("n2", first), farm.standby("n3", first)
    for server, timeline, expected in ((near, 2, 3), (far, 5, 2)):
        path = server.data / "pg_wal" / f"{timeline:08X}.history"
        path.write_text("1\t0/1000000\tsomebody else's promotion\n")
        path.chmod(0o644)
        assert asyncio.run(predicted(server)) == expected
        server.sql("SELECT pg_promote()")
        assert server.sql(TIMELINE) == expected


def test_two_promotions_of_one_parent_take_the_same_number(farm: Farm) -> None:
    """Equal timeline numbers can be different histories: the number alone identifies nothing."""
    first = farm.primary()
    second, third = farm.standby("n2", first), farm.standby("n3", first)
    first.kill()
    second.sql("SELECT pg_promote()")
    third.sql("SELECT pg_promote()")
    assert second.sql(TIMELINE) == third.sql(TIMELINE) == 2


def test_a_standby_with_fewer_connections_than_its_primary_does_not_start(pair: tuple[SqlServer, SqlServer]) -> None:
    """Hot standby refuses to start with a smaller max_connections than the WAL was written with."""
    _, standby = pair
    standby.stop()
    standby.settings["max_connections"] = "20"
    standby.start(recovery=True, wait=False)
    assert standby.postmaster is not None
    eventually(lambda: standby.postmaster is not None and standby.postmaster.poll() is not None, "it ends")
    assert "recovery aborted because of insufficient parameter settings" in standby.log


def test_a_running_standby_pauses_when_its_primary_gets_more_connections_and_ends_when_resumed(
    pair: tuple[SqlServer, SqlServer],
) -> None:
    """A raise on the primary first stops replay on standbys: so it is raised on standbys first."""
    primary, standby = pair
    primary.stop()
    primary.settings["max_connections"] = "40"
    primary.start()
    eventually(lambda: standby.sql(STATE) == "paused", "replay pauses")
    assert "hot standby is not possible because of insufficient parameter settings" in standby.log
    with suppress(psycopg.OperationalError):  # it may end before it answers
        standby.sql("SELECT pg_wal_replay_resume()")
    eventually(lambda: standby.postmaster is not None and standby.postmaster.poll() is not None, "it ends")


def test_a_killed_primary_replays_to_its_end_in_recovery_and_goes_on_as_primary(farm: Farm) -> None:
    """HOLDER VOTES FOR ALL: started with standby.signal it has every commit, and started again without it it is a
    primary on the same timeline."""
    server = farm.primary()
    server.sql("CREATE TABLE t (x int)")
    server.sql("INSERT INTO t VALUES (1)")
    end = parse_lsn(server.lsn())
    server.kill()
    server.start(recovery=True)
    eventually(lambda: parse_lsn(server.sql(REPLAYED)) >= end, "replayed to its end")
    assert server.sql("SELECT count(*) FROM t") == 1
    assert server.sql("SELECT pg_is_in_recovery()") is True
    server.stop()
    server.start()
    assert server.sql("SELECT pg_is_in_recovery()") is False
    assert server.sql(TIMELINE) == 1
    server.sql("INSERT INTO t VALUES (2)")
    assert server.sql("SELECT count(*) FROM t") == 2


def test_a_standby_follows_a_promotion_that_has_not_checkpointed(farm: Farm) -> None:
    """Following needs the promotion only, so no checkpoint stands on the barrier's path."""
    first = farm.primary()
    first.sql("CREATE TABLE t (x int)")
    second, third = farm.standby("n2", first), farm.standby("n3", first)
    first.kill()
    checkpointer = second.process("checkpointer")
    checkpointer.suspend()
    second.sql("SELECT pg_promote()")
    second.sql("INSERT INTO t VALUES (1)")
    assert second.sql("SELECT timeline_id FROM pg_control_checkpoint()") == 1
    third.reload(primary_conninfo=conninfo(second, "n3"))
    eventually(lambda: third.sql("SELECT count(*) FROM t") == 1, "n3 has the row")
    assert second.sql("SELECT timeline_id FROM pg_control_checkpoint()") == 1
    checkpointer.resume()
