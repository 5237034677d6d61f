"""Can every statistic be read from a real server, and does it become a metric?"""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from howdah.ports.postgres import SqlFailed
from howdah.postgres.connection import LocalSql
from howdah.postgres.statistics import Value, queries, read_statistics
from howdah.telemetry.statistics import FAMILIES, collect
from tests.ports import free_port
from tests.postgres.sqlserver import Farm, SqlServer, eventually

GONE_SINCE_17 = "pg_stat_bgwriter_"


def statistics_of(server: SqlServer) -> dict[str, Sequence[Mapping[str, Value]]]:
    return asyncio.run(read_statistics(LocalSql(str(server.farm.root), server.port, 5000)))


def test_a_primary_and_its_standby_show_every_statistic_and_each_becomes_a_metric(farm: Farm) -> None:
    primary = farm.primary()
    standby = farm.standby("n2", primary)
    primary.sql("SELECT pg_create_physical_replication_slot('howdah_n3')")
    version = primary.sql("SHOW server_version_num")
    replayed = "SELECT count(*) > 0 FROM pg_stat_replication WHERE replay_lsn IS NOT NULL"
    eventually(lambda: primary.sql(replayed), "the standby has told how far it is")
    rows = statistics_of(primary)
    assert set(rows) == set(queries(int(version)))
    for family in FAMILIES:
        if family.query in rows and not family.name.startswith(GONE_SINCE_17):
            columns = {family.column, *family.labels}
            assert all(columns <= set(row) for row in rows[family.query]), family.name
    names = {metric.name for metric in collect(rows)}
    assert {
        "pg_replication_lag_seconds", "pg_stat_replication_pg_wal_lsn_diff", "pg_replication_slots_active",
        "pg_stat_database_xact_commit", "pg_database_size_bytes", "pg_stat_activity_count", "pg_locks_count",
        "pg_settings_max_connections", "pg_settings_shared_buffers_bytes", "pg_stat_bgwriter_buffers_alloc_total",
        "pg_wal_size_bytes", "pg_stat_archiver_archived_count",
    } <= names  # fmt: skip
    eventually(lambda: lag_of(standby) == 0, "the standby has replayed everything")
    assert set(statistics_of(standby)) == set(rows)


def lag_of(server: SqlServer) -> Value:
    (row,) = statistics_of(server)["server"]
    assert row["is_replica"] == 1
    return row["lag_seconds"]


def test_without_a_server_there_are_no_statistics(farm: Farm) -> None:
    with pytest.raises(SqlFailed):
        asyncio.run(read_statistics(LocalSql(str(farm.root), free_port(), 1000)))


@pytest.mark.parametrize("version", [140000, 150000, 160000, 170000, 180000])
def test_no_version_is_asked_for_what_it_does_not_have(version: int) -> None:
    asked = queries(version)
    assert ("checkpointer" in asked) == (version >= 170000)
    assert ("checkpoints_timed" in asked["background"]) == (version < 170000)
