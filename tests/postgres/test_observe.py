"""What the agent sees of its server."""

import asyncio
from collections.abc import Iterator

import pytest

from howdah.cluster.serverfacts import HistoryStep, ServerFacts
from howdah.ports.postgres import SqlFailed
from howdah.postgres.connection import LocalSql
from howdah.postgres.observe import read_conninfo
from howdah.postgres.standby import LocalStandby
from howdah.values.address import Address
from howdah.values.lsn import parse_lsn
from tests.postgres.handclock import HandClock
from tests.postgres.sqlserver import Farm, SqlServer, conninfo, eventually


async def watch(server: SqlServer, clock: HandClock | None = None) -> ServerFacts:
    standby = LocalStandby(LocalSql(str(server.farm.root), server.port, 5000), clock or HandClock())
    try:
        return await standby.observe()
    finally:
        standby.close()


def look(server: SqlServer) -> ServerFacts:
    return asyncio.run(watch(server))


@pytest.fixture
def pair(farm: Farm) -> Iterator[tuple[SqlServer, SqlServer]]:
    primary = farm.primary(settings={"synchronous_standby_names": 'ANY 1 ("n2.t1")'})
    yield primary, farm.standby("n2", primary, {"primary_conninfo": conninfo(primary, "n2.t1")})


def test_a_primary_is_seen_whole(pair: tuple[SqlServer, SqlServer]) -> None:
    primary, _ = pair
    primary.sql("SELECT pg_create_physical_replication_slot('howdah_n2', true)")
    primary.sql("SELECT pg_create_physical_replication_slot('archive', true)")
    primary.reload(max_connections="31")
    eventually(
        lambda: primary.sql("SELECT pending_restart FROM pg_settings WHERE name = 'max_connections'"), "reloaded"
    )
    with primary.connect(), primary.connect():
        facts = look(primary)
    assert not facts.in_recovery
    assert facts.system_identifier == primary.sql("SELECT system_identifier::text FROM pg_control_system()")
    assert (facts.timeline, facts.history, facts.checkpoint_timeline) == (1, (), 1)
    assert facts.end_lsn == facts.replay_lsn == parse_lsn(primary.lsn())
    assert facts.sync_setting == 'ANY 1 ("n2.t1")'
    assert facts.clients == 2
    assert facts.version == int(primary.sql("SHOW server_version_num"))
    assert "C.UTF-8" in facts.collation
    assert dict(facts.sensitive)["max_connections"] == 30
    assert facts.pending_restart == ("max_connections",)
    assert facts.slots == ("howdah_n2",)
    assert facts.upstream is None
    (walsender,) = facts.walsenders
    assert (walsender.application_name, walsender.state, walsender.sync_priority) == ("n2.t1", "streaming", 1)
    assert walsender.flush_lsn == facts.end_lsn
    assert walsender.pid == primary.sql("SELECT pid FROM pg_stat_replication")
    assert walsender.started_ms > 1_600_000_000_000


def test_a_standby_is_seen_whole(pair: tuple[SqlServer, SqlServer]) -> None:
    primary, standby = pair
    standby.sql("SELECT 1")
    facts = look(standby)
    assert facts.in_recovery and facts.receiving and not facts.replay_paused
    assert (facts.upstream, facts.upstream_name) == (Address("127.0.0.1", primary.port), "n2.t1")
    assert facts.end_lsn == facts.replay_lsn == parse_lsn(primary.lsn())
    assert facts.timeline == 1 and facts.walsenders == () and facts.clients == 0
    assert facts.replay_lag_ms == 0 and not facts.lost_slot


def test_a_restarted_standby_that_has_received_nothing_ends_where_it_replayed(farm: Farm) -> None:
    primary = farm.primary()
    standby = farm.standby("n2", primary)
    primary.sql("CREATE TABLE t (x int)")
    end = parse_lsn(primary.lsn())
    eventually(lambda: look(standby).replay_lsn >= end, "caught up")
    standby.stop()
    primary.kill()
    standby.settings["primary_conninfo"] = ""
    standby.start(recovery=True)
    eventually(lambda: look(standby).end_lsn >= end, "replayed its own log")
    facts = look(standby)
    assert standby.sql("SELECT pg_last_wal_receive_lsn()") is None
    assert facts.upstream is None and not facts.receiving and facts.end_lsn == facts.replay_lsn


def test_the_lag_is_how_long_wal_waits_for_a_paused_replay(pair: tuple[SqlServer, SqlServer]) -> None:
    primary, server = pair
    clock = HandClock()

    async def run() -> None:
        standby = LocalStandby(LocalSql(str(server.farm.root), server.port, 5000), clock)
        await standby.pause_replay()
        eventually(lambda: server.sql("SELECT pg_get_wal_replay_pause_state()") == "paused", "paused")
        primary.sql("CREATE TABLE t (x int)")
        end = parse_lsn(primary.lsn())
        facts = await standby.observe()
        assert facts.replay_paused and facts.end_lsn >= end > facts.replay_lsn
        clock.now_ms += 7000
        assert (await standby.observe()).replay_lag_ms == 7000
        await standby.resume_replay()
        eventually(lambda: parse_lsn(server.sql("SELECT pg_last_wal_replay_lsn()")) >= end, "replayed")
        facts = await standby.observe()
        assert not facts.replay_paused and facts.replay_lag_ms == 0
        standby.close()

    asyncio.run(run())


def test_a_followed_timeline_is_known_before_any_restartpoint(farm: Farm) -> None:
    first = farm.primary()
    second, third = farm.standby("n2", first), farm.standby("n3", first)
    switch = parse_lsn(first.lsn())
    first.kill()
    second.sql("SELECT pg_promote()")
    third.reload(primary_conninfo=conninfo(second, "n3"))
    eventually(lambda: third.sql("SELECT received_tli FROM pg_stat_wal_receiver") == 2, "follows")
    second.sql("CREATE TABLE t (x int)")
    end = parse_lsn(second.lsn())
    eventually(lambda: look(third).replay_lsn >= end, "caught up")
    facts = look(third)
    assert (facts.timeline, facts.history) == (2, (HistoryStep(1, switch),))
    assert facts.end_lsn == end
    assert facts.checkpoint_timeline == 1  # what pg_control knows is older
    promoted = look(second)
    assert (promoted.timeline, promoted.history, promoted.in_recovery) == (2, (HistoryStep(1, switch),), False)


def test_the_received_timeline_counts_only_once_it_is_replayed(farm: Farm) -> None:
    first = farm.primary()
    second, third = farm.standby("n2", first), farm.standby("n3", first)
    third.sql("SELECT pg_wal_replay_pause()")
    eventually(lambda: third.sql("SELECT pg_get_wal_replay_pause_state()") == "paused", "paused")
    first.sql("CREATE TABLE t (x int)")
    end = parse_lsn(first.lsn())
    eventually(lambda: look(second).replay_lsn >= end and look(third).end_lsn >= end, "received")
    first.kill()
    second.sql("SELECT pg_promote()")
    facts = look(third)
    assert (facts.timeline, facts.history) == (1, ())
    assert facts.end_lsn >= end > facts.replay_lsn


def test_a_missing_history_file_is_named(farm: Farm) -> None:
    first = farm.primary()
    server = farm.standby("n2", first)
    server.sql("SELECT pg_promote()")
    (server.data / "pg_wal" / "00000002.history").unlink()
    with pytest.raises(SqlFailed, match=r"timeline 2 but pg_wal/00000002\.history is missing"):
        look(server)


def test_a_server_is_observed_through_its_promotion_without_a_gap(pair: tuple[SqlServer, SqlServer]) -> None:
    _, server = pair

    async def run() -> list[bool]:
        standby = LocalStandby(LocalSql(str(server.farm.root), server.port, 5000), HandClock())
        promotion = asyncio.create_task(standby.promote(5000))
        seen: list[bool] = []
        while not promotion.done() or not seen or seen[-1]:
            seen.append((await standby.observe()).in_recovery)
        assert await promotion
        standby.close()
        return seen

    seen = asyncio.run(run())
    assert seen == sorted(seen, reverse=True)


def test_a_blank_conninfo_is_nobody_and_an_unreadable_one_is_not_blank() -> None:
    assert read_conninfo(" ") == (None, "")
    assert read_conninfo("host=db.example hostaddr=10.0.0.1 port=6000 application_name=n2.t7") == (
        Address("db.example", 6000), "n2.t7",
    )  # fmt: skip
    assert read_conninfo("hostaddr=10.0.0.1") == (Address("10.0.0.1", 5432), "")
    assert read_conninfo("what is this")[0] == Address("", 0)
