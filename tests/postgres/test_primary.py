"""What the agent does to a primary."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import psycopg
import pytest

from howdah.ports.postgres import ClientWork, SqlFailed
from howdah.postgres.connection import LocalSql, ServerObjected
from howdah.postgres.layout import REPLICATION_ROLE
from howdah.postgres.primary import CommitOverride, LocalPrimary, commit_overrides, segment_start
from howdah.values.lsn import parse_lsn
from tests.postgres.sqlserver import Farm, SqlServer, eventually

T = TypeVar("T")
SLOTS = "SELECT coalesce(string_agg(slot_name, ' ' ORDER BY slot_name), '') FROM pg_replication_slots"


def use(server: SqlServer, act: Callable[[LocalPrimary], Awaitable[T]]) -> T:
    async def run() -> T:
        primary = LocalPrimary(LocalSql(str(server.farm.root), server.port, 5000))
        try:
            return await act(primary)
        finally:
            primary.close()

    return asyncio.run(run())


@pytest.fixture
def primary(farm: Farm) -> Iterator[SqlServer]:
    yield farm.primary()


def test_the_barrier_is_written_once_a_term_and_flushed(primary: SqlServer) -> None:
    before = parse_lsn(primary.lsn())
    first = use(primary, lambda server: server.write_barrier(3, "n1"))
    assert before < first <= parse_lsn(primary.lsn())
    assert use(primary, lambda server: server.write_barrier(4, "n2")) > first
    with primary.connect() as session:
        assert session.execute("SELECT singleton, term, holder FROM howdah.term").fetchall() == [(True, 4, "n2")]


def test_the_barrier_needs_no_standby_to_be_written(primary: SqlServer) -> None:
    primary.reload(synchronous_standby_names="ANY 1 (nobody)")
    eventually(lambda: primary.sql("SHOW synchronous_standby_names") == "ANY 1 (nobody)", "reloaded")
    primary.sql("CHECKPOINT")
    assert use(primary, lambda server: server.write_barrier(3, "n1"))


def test_two_first_barriers_at_once_both_succeed(primary: SqlServer) -> None:
    async def both(server: LocalPrimary) -> None:
        other = LocalPrimary(LocalSql(str(primary.farm.root), primary.port, 5000))
        await asyncio.gather(server.write_barrier(3, "n1"), other.write_barrier(3, "n1"))
        other.close()

    use(primary, both)
    assert primary.sql("SELECT count(*) FROM howdah.term") == 1


def test_the_barrier_reaches_a_standby(farm: Farm, primary: SqlServer) -> None:
    farm.standby("n2", primary)
    barrier = use(primary, lambda server: server.write_barrier(3, "n1"))

    def flushed() -> bool:
        (row,) = use(primary, lambda server: server.walsenders())
        return row.application_name == "n2" and row.flush_lsn >= barrier

    eventually(flushed, "flushed by n2")


def test_walsenders_are_ended_before_the_call_returns(farm: Farm, primary: SqlServer) -> None:
    farm.standby("n2", primary)
    (row,) = use(primary, lambda server: server.walsenders())
    use(primary, lambda server: server.end_walsenders((row.pid,)))
    assert primary.sql(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {row.pid}") == 0
    use(primary, lambda server: server.end_walsenders(()))
    own = primary.connect()
    use(primary, lambda server: server.end_walsenders((own.info.backend_pid,)))  # no walsender: left alone
    assert own.execute("SELECT 1").fetchone() == (1,)
    own.close()


def test_a_walsender_that_cannot_end_is_named(farm: Farm, primary: SqlServer) -> None:
    farm.standby("n2", primary)
    (row,) = use(primary, lambda server: server.walsenders())
    walsender = primary.process("walsender")
    walsender.suspend()
    with pytest.raises(SqlFailed, match=rf"do not end \(pid {row.pid}\)"):
        use(primary, lambda server: server.end_walsenders((row.pid,)))
    walsender.resume()


def test_only_walsenders_older_than_the_reload_that_could_release_commits_are_ended(
    farm: Farm, primary: SqlServer
) -> None:
    for name in ("n2", "n3"):
        farm.standby(name, primary)
    primary.reload(synchronous_standby_names="ANY 1 (n2)")
    rows = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'n2' AND sync_priority = 1"
    eventually(lambda: primary.sql(rows), "n2 is a voter")
    before = {row.application_name: row.pid for row in use(primary, lambda server: server.walsenders())}
    assert use(primary, lambda server: server.end_old_walsenders()) == 1
    eventually(lambda: primary.sql(rows), "n2 streams again")
    after = {row.application_name: row.pid for row in use(primary, lambda server: server.walsenders())}
    assert after["n2"] != before["n2"] and after["n3"] == before["n3"]
    assert use(primary, lambda server: server.end_old_walsenders()) == 0


def test_every_client_session_but_the_agents_is_ended(primary: SqlServer) -> None:
    with primary.connect() as client, primary.connect(user="howdah") as agent:
        assert use(primary, lambda server: server.end_client_sessions()) == 1
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
        assert agent.execute("SELECT 1").fetchone() == (1,)
    eventually(lambda: use(primary, lambda server: server.end_client_sessions()) == 0, "none is left")


def test_a_rewind_from_a_primary_that_does_not_serve_yet_is_not_broken_off(primary: SqlServer) -> None:
    primary.sql(f"CREATE ROLE {REPLICATION_ROLE} LOGIN REPLICATION")
    with primary.connect(user=REPLICATION_ROLE) as rewind:
        assert use(primary, lambda server: server.end_client_sessions()) == 0
        assert rewind.execute("SELECT 1").fetchone() == (1,)


def test_a_setting_is_shown_as_a_new_connection_sees_it(primary: SqlServer) -> None:
    primary.reload(work_mem="7MB")
    eventually(lambda: use(primary, lambda server: server.show("work_mem")) == "7MB", "reloaded")
    with pytest.raises(ServerObjected, match="unrecognized configuration parameter"):
        use(primary, lambda server: server.show("no_such_thing"))


def test_a_checkpoint_is_complete_when_the_call_returns(primary: SqlServer) -> None:
    primary.sql("CREATE TABLE t (x int)")
    before = parse_lsn(primary.lsn())
    use(primary, lambda server: server.checkpoint())
    assert parse_lsn(primary.sql("SELECT checkpoint_lsn FROM pg_control_checkpoint()")) >= before


def test_slots_are_made_once_reserved_and_dropped_only_when_asked(primary: SqlServer) -> None:
    primary.sql("SELECT pg_create_physical_replication_slot('archive')")
    primary.sql("SELECT pg_create_physical_replication_slot('howdah_gone', true)")
    made = use(primary, lambda server: server.keep_slots(("n2", "n-3"), False))
    assert made == ("made slot howdah_n2", "made slot howdah_n_3")
    assert primary.sql(SLOTS) == "archive howdah_gone howdah_n2 howdah_n_3"
    assert primary.sql("SELECT bool_and(restart_lsn IS NOT NULL) FROM pg_replication_slots WHERE slot_name ~ '_n'")
    assert use(primary, lambda server: server.keep_slots(("n2", "n-3"), False)) == ()
    done = use(primary, lambda server: server.keep_slots(("n2",), True))
    assert len(done) == 2 and primary.sql(SLOTS) == "archive howdah_n2"


def test_a_slot_in_use_is_not_dropped(farm: Farm, primary: SqlServer) -> None:
    use(primary, lambda server: server.keep_slots(("n2",), False))
    farm.standby("n2", primary, {"primary_slot_name": "howdah_n2"})
    eventually(lambda: primary.sql("SELECT active FROM pg_replication_slots"), "in use")
    assert use(primary, lambda server: server.keep_slots((), True)) == ()
    assert primary.sql(SLOTS) == "howdah_n2"


def test_a_slot_whose_wal_is_lost_is_made_anew(primary: SqlServer) -> None:
    use(primary, lambda server: server.keep_slots(("n2",), False))
    primary.reload(max_slot_wal_keep_size="1MB", max_wal_size="2MB")
    eventually(lambda: primary.sql("SHOW max_slot_wal_keep_size") == "1MB", "reloaded")

    def lost() -> bool:
        primary.sql("SELECT pg_switch_wal() FROM (SELECT pg_logical_emit_message(false, 'x', 'x')) AS x")
        primary.sql("CHECKPOINT")
        return bool(primary.sql("SELECT wal_status = 'lost' FROM pg_replication_slots"))

    eventually(lost, "the slot loses its WAL")
    done = use(primary, lambda server: server.keep_slots(("n2",), False))
    assert [re.split("[: ]", each)[0] for each in done] == ["dropped", "made"]
    assert primary.sql("SELECT wal_status FROM pg_replication_slots") == "reserved"


def test_the_oldest_wal_is_where_the_first_segment_begins(primary: SqlServer) -> None:
    assert segment_start("0000000200000003", 1 << 24) == (2 << 32) + 3 * (1 << 24)
    first = primary.sql("SELECT redo_lsn FROM pg_control_checkpoint()")
    oldest = use(primary, lambda server: server.oldest_wal())
    assert oldest % (1 << 20) == 0 and oldest <= parse_lsn(first)
    for _ in range(3):
        primary.sql("SELECT pg_switch_wal() FROM (SELECT pg_logical_emit_message(false, 'x', 'x')) AS x")
        primary.sql("CHECKPOINT")
    primary.sql("SELECT pg_create_physical_replication_slot('howdah_n2', true)")
    now = parse_lsn(primary.sql("SELECT restart_lsn FROM pg_replication_slots"))
    assert oldest < use(primary, lambda server: server.oldest_wal()) <= now


def test_a_winner_makes_its_slots_before_it_promotes(farm: Farm, primary: SqlServer) -> None:
    standby = farm.standby("n2", primary)
    assert use(standby, lambda server: server.keep_slots(("n1", "n3"), True)) == (
        "made slot howdah_n1", "made slot howdah_n3",
    )  # fmt: skip
    assert standby.sql("SELECT bool_and(restart_lsn IS NOT NULL) FROM pg_replication_slots")


def test_roles_and_databases_whose_commits_would_not_wait_are_named(primary: SqlServer) -> None:
    primary.sql("CREATE ROLE app")
    primary.sql("CREATE DATABASE shop")
    assert asyncio.run(commit_overrides(LocalSql(str(primary.farm.root), primary.port, 5000))) == ()
    primary.sql("ALTER ROLE app SET synchronous_commit = off")
    primary.sql("ALTER ROLE postgres SET synchronous_commit = on")
    primary.sql("ALTER DATABASE shop SET synchronous_commit = local")
    primary.sql("ALTER ROLE app IN DATABASE shop SET synchronous_commit = remote_write")
    assert asyncio.run(commit_overrides(LocalSql(str(primary.farm.root), primary.port, 5000))) == (
        CommitOverride("", "shop", "synchronous_commit=local"),
        CommitOverride("app", "", "synchronous_commit=off"),
        CommitOverride("app", "shop", "synchronous_commit=remote_write"),
    )


def test_what_clients_do_is_counted_and_routers_are_told_apart(primary: SqlServer) -> None:
    primary.sql("DROP ROLE IF EXISTS howdah_router")
    primary.sql("CREATE ROLE howdah_router LOGIN")
    with primary.connect() as client, primary.connect(user="howdah_router"):
        assert use(primary, lambda server: server.client_work()) == ClientWork(1, 0)
        client.autocommit = False
        client.execute("SELECT 1")
        assert use(primary, lambda server: server.client_work()) == ClientWork(1, 1)
