"""How a cluster begins: with new data, with somebody's existing data, or after the first node died in the middle."""

import stat
import subprocess
from pathlib import Path

from howdah.cluster.record import Phase
from howdah.postgres.account import choose_account, run_as
from tests.postgres.serverdir import ServerDirectory, server_directory
from tests.realcluster.cluster import RealCluster, real_cluster, slot_of
from tests.realcluster.processes import command_line, eventually


def test_a_new_cluster_has_what_safety_needs(cluster: RealCluster) -> None:
    primary = cluster.wait_healthy()
    assert primary.name == "n1"
    for node in cluster.nodes.values():
        assert node.value("SHOW data_checksums") == "on"
        assert node.value("SHOW wal_log_hints") == "on"
        assert node.value("SHOW full_page_writes") == "on"
        assert node.value("SHOW password_encryption") == "scram-sha-256"
        assert node.value("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'postgres'")
        for name in ("superuser", "replication", "api_token", "passfile"):
            mode = (node.layout.secrets / name).stat().st_mode
            assert stat.S_IMODE(mode) == 0o600, name
        assert stat.S_IMODE((node.root / "data").stat().st_mode) == 0o700
        hba = (node.root / "data" / "pg_hba.conf").read_text()
        assert "trust" not in hba
    slots = {row[0] for row in primary.sql("SELECT slot_name FROM pg_replication_slots WHERE active")}
    assert slots == {slot_of(node) for node in cluster.standbys()}


def test_the_others_clone_at_the_same_time(cluster: RealCluster) -> None:
    spans = []
    for node in cluster.standbys():
        begun = [entry.at for entry in node.journal("CLONE") if entry.sentence.startswith("cloning from")]
        ended = [entry.at for entry in node.journal() if entry.rule == "Clone" and entry.sentence == "done"]
        spans.append((begun[0], ended[0]))
    (first_begun, first_ended), (second_begun, second_ended) = spans
    assert first_begun < second_ended
    assert second_begun < first_ended


def test_the_first_start_is_taken_over_when_its_node_dies_in_the_middle() -> None:
    with real_cluster(started=False) as cluster:
        cluster.store.start()
        for name in ("n2", "n3"):
            cluster[name].start()
        cluster["n1"].start()
        eventually(lambda: any("initdb" in command_line(pid) for pid in cluster["n1"].processes), "n1 initialises")
        cluster["n1"].kill()
        assert cluster.wait_serving(other_than="n1").name in ("n2", "n3")
        record = cluster.record()
        assert record.term > 1
        cluster["n1"].start()  # what it had begun never served: it is put aside, and n1 becomes a standby
        cluster.wait_healthy()
        assert cluster.record().system_identifier == record.system_identifier


def test_the_first_node_goes_on_when_it_died_with_its_directory_just_in_place() -> None:
    with real_cluster(started=False) as cluster:
        cluster.store.start()
        first = cluster["n1"]
        first.start()
        eventually(lambda: (first.layout.data / "PG_VERSION").exists(), "n1's directory is in its place")
        first.kill()
        first.start()
        for name in ("n2", "n3"):
            cluster[name].start()
        assert cluster.wait_healthy().name == "n1"
        assert cluster.record().term == 1


def test_what_a_first_start_made_that_was_taken_over_is_put_aside_and_its_node_clones() -> None:
    """Alone it has a whole cluster, and waits for a standby before it lets anybody in."""
    with real_cluster(started=False) as cluster:
        cluster.store.start()
        first = cluster["n1"]
        first.start()
        eventually(lambda: first.journal("PREPARE VOTERS"), "n1 waits for a standby")
        begun = cluster.record()
        assert begun.system_identifier
        assert begun.phase is Phase.INITIALISING
        first.kill()
        for name in ("n2", "n3"):
            cluster[name].start()
        cluster.wait_serving(other_than="n1")
        first.start()
        cluster.wait_healthy()
        assert cluster.record().system_identifier != begun.system_identifier
        assert (first.layout.kept / "global" / "pg_control").exists()


def _somebody_s(existing: ServerDirectory) -> Path:
    """A database of somebody's own on timeline 2, shut down cleanly."""
    programs, data = existing.installation, existing.layout.data
    control = (programs.program("pg_ctl"), "-D", str(data), "-w", "-l", str(data / "log"))

    def run(*arguments: str) -> None:
        subprocess.run([*control, *arguments], check=True, stdout=subprocess.DEVNULL, **run_as(choose_account()))

    run("start")
    existing.query("CREATE TABLE precious AS SELECT generate_series(1, 1000) AS number")
    run("stop")
    subprocess.run(["touch", data / "standby.signal"], check=True, **run_as(choose_account()))
    run("start")
    run("promote")
    existing.query("INSERT INTO precious VALUES (1001)")
    run("stop")
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(THEIR_SETTINGS)
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.write("work_mem = '9MB'\n")
    return data


THEIR_SETTINGS = """
max_connections = 130
shared_buffers = 24MB
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.max = 777
timezone = 'Europe/Berlin'
lc_time = 'C.UTF-8'
work_mem = 5MB          # ALTER SYSTEM says something else
wal_keep_size = 64MB    # the cluster's own settings say something else
fsync = off
synchronous_standby_names = 'their_standby'
include_dir = 'conf.d'
"""
KEPT = {
    "max_connections": "130",
    "shared_buffers": "24MB",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.max": "777",
    "TimeZone": "Europe/Berlin",
    "lc_time": "C.UTF-8",
    "work_mem": "9MB",
    "wal_keep_size": "192MB",
    "fsync": "on",
}


def test_an_adopted_directory_s_own_settings_become_the_cluster_s() -> None:
    """Also those that a standby must not have less of: both come up at once. What belongs to the protocol is left out,
    with its reason, and what the operator set for the cluster goes before all. Sort order and character types are the
    directory's own, on every node."""
    with server_directory() as existing:
        data = _somebody_s(existing)
        collation = "SELECT datcollate || ' ' || datctype || ' ' || datlocprovider FROM pg_database LIMIT 1"
        cluster = RealCluster(config={"postgresql": {"parameters": {"wal_keep_size": "192MB"}}})
        cluster["n1"].document["initial"]["adopt"] = str(data)
        try:
            cluster.start()
            cluster.wait_healthy()
            for node in cluster.nodes.values():
                assert {name: node.value(f"SHOW {name}") for name in KEPT} == KEPT, node.name
            assert len({node.value(collation) for node in cluster.nodes.values()}) == 1
            log = cluster["n1"].log_file.read_text()
            assert "a setting is left out: fsync cannot be set" in log
            assert "a setting is left out: synchronous_standby_names cannot be set" in log
            assert "a setting is left out: include_dir cannot be set" in log
            noted = cluster["n1"].journal("ADOPT")
            assert "shared_preload_libraries" in noted[0].sentence
        except BaseException as error:
            error.add_note(cluster.story())
            raise
        finally:
            cluster.close()


def test_an_existing_directory_of_a_later_timeline_becomes_the_first_node() -> None:
    with server_directory() as existing:
        data = _somebody_s(existing)
        cluster = RealCluster()
        cluster["n1"].document["initial"]["adopt"] = str(data)
        try:
            cluster.start()
            primary = cluster.wait_healthy()
            assert primary.name == "n1"
            assert not data.exists()
            assert primary.value("SELECT count(*) FROM precious") == 1001
            assert [(e.timeline, e.term, e.parent) for e in cluster.record().timelines] == [(2, 1, 0)]
            # The old life of the directory is everybody's: a failover and the return work on it.
            primary.kill()
            second = cluster.wait_serving(other_than="n1")
            assert second.value("SELECT count(*) FROM precious") == 1001
            primary.start()
            cluster.wait_healthy()
        except BaseException as error:
            error.add_note(cluster.story())
            raise
        finally:
            cluster.close()


def test_a_directory_of_another_major_version_is_not_adopted_and_not_touched() -> None:
    with server_directory() as existing:
        version = existing.layout.data / "PG_VERSION"
        version.write_text("13\n")
        with_it = RealCluster(("n1",))
        with_it["n1"].document["initial"]["adopt"] = str(existing.layout.data)
        try:
            with_it.start()
            eventually(
                lambda: [e for e in with_it["n1"].journal() if "is data of PostgreSQL 13" in e.sentence],
                "the agent says what it found",
            )
            assert version.read_text() == "13\n"
        finally:
            with_it.close()
