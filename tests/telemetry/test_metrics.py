"""Does /metrics say what dashboards and alerts look for?"""

from howdah.cluster.intents import Intents
from howdah.telemetry.metrics import Metrics, writes_blocked
from howdah.telemetry.statistics import Rows
from tests.telemetry.sample import observation

PLACE = '{cluster="c",node="n1"}'


def test_the_agent_s_own_metrics_say_who_leads_and_whether_writes_go_on() -> None:
    text = Metrics("c", "n1").text(observation(intents=Intents(paused=True)), {})
    for line in (
        f"howdah_term{PLACE} 3.0",
        f"howdah_is_primary{PLACE} 1.0",
        f"howdah_serving{PLACE} 1.0",
        f"howdah_paused{PLACE} 1.0",
        f"howdah_voters{PLACE} 2.0",
        f"howdah_k{PLACE} 1.0",
        f"howdah_writes_blocked{PLACE} 0.0",
        f"howdah_lease_age_seconds{PLACE} 0.4",
        f"howdah_timeline{PLACE} 2.0",
        f"howdah_peers_connected{PLACE} 1.0",
        f"howdah_elections_total{PLACE} 0.0",
        "pg_up 0.0",
    ):
        assert line in text.splitlines()


def test_out_of_voters_is_seen_on_the_primary() -> None:
    assert not writes_blocked(observation(streaming=("n2.t3",)))
    assert writes_blocked(observation(streaming=("n9.t3", "someone")))


def test_counters_count_decisions_by_rule_and_promotions_that_succeeded() -> None:
    metrics = Metrics("c", "n1")
    metrics.counts.decisions["WON"] += 2
    metrics.counts.did("Promote", "done", 40)
    metrics.counts.did("Promote", "too slow", 3000)
    metrics.counts.did("Campaign", "interrupted", 5)
    lines = metrics.text(None, {}).splitlines()
    assert 'howdah_decisions_total{cluster="c",node="n1",rule="WON"} 2.0' in lines
    assert f"howdah_promotions_total{PLACE} 1.0" in lines
    assert f"howdah_elections_total{PLACE} 1.0" in lines
    assert 'howdah_action_seconds_total{action="Promote",cluster="c",node="n1"} 3.04' in lines


def test_postgresql_s_statistics_have_postgres_exporter_s_names_and_labels() -> None:
    rows: dict[str, Rows] = {
        "server": [{"lag_seconds": 1.5, "is_replica": 1, "one": 1, "version": "PostgreSQL 18", "short_version": "18"}],
        "replication": [
            {"application_name": "n2.t3", "client_addr": None, "state": "streaming", "slot_name": "howdah_n2",
             "pg_wal_lsn_diff": 16}
        ],
        "databases": [{"datid": "5", "datname": "app", "xact_commit": 9, "active_time": 1500.0, "size_bytes": 7}],
        "settings": [
            {"name": "shared_buffers", "setting": "16", "unit": "8kB", "short_desc": "d"},
            {"name": "checkpoint_timeout", "setting": "5", "unit": "min", "short_desc": "d"},
            {"name": "log_min_duration_statement", "setting": "-1", "unit": "ms", "short_desc": "d"},
            {"name": "wal_segment_size", "setting": "16777216", "unit": "B", "short_desc": "d"},
            {"name": "fsync", "setting": "on", "unit": None, "short_desc": "d"},
            {"name": "max_connections", "setting": "100", "unit": None, "short_desc": "d"},
        ],
    }  # fmt: skip
    lines = Metrics("c", "n1").text(None, rows).splitlines()
    for line in (
        "pg_up 1.0",
        "pg_replication_lag_seconds 1.5",
        'pg_static{short_version="18",version="PostgreSQL 18"} 1.0',
        'pg_stat_replication_pg_wal_lsn_diff{application_name="n2.t3",client_addr="",slot_name="howdah_n2",'
        'state="streaming"} 16.0',
        'pg_stat_database_xact_commit{datid="5",datname="app"} 9.0',
        'pg_stat_database_active_time_seconds_total{datid="5",datname="app"} 1.5',
        'pg_database_size_bytes{datname="app"} 7.0',
        "pg_settings_shared_buffers_bytes 131072.0",
        "pg_settings_checkpoint_timeout_seconds 300.0",
        "pg_settings_log_min_duration_statement_seconds -1.0",
        "pg_settings_wal_segment_size_bytes 1.6777216e+07",
        "pg_settings_fsync 1.0",
        "pg_settings_max_connections 100.0",
    ):
        assert line in lines, line
