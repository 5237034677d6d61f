"""Do PostgreSQL's own tools for backups and log archives work through the router?"""

import subprocess
import time
from pathlib import Path

import psycopg

from howdah.postgres.installation import find_installation
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import PASSWORD, POSTGRES_BIN
from tests.realcluster.processes import eventually
from tests.router.realrouter import router_before

COPIER = {"user": "copier", "password": PASSWORD}


def tool(name: str) -> str:
    """PostgreSQL's program of that name."""
    return str(find_installation(Path(POSTGRES_BIN) if POSTGRES_BIN else None).bin / name)


def test_a_backup_and_a_log_archive_are_taken_through_the_router_and_end_with_the_primary(
    cluster: RealCluster, tmp_path: Path
) -> None:
    cluster.primary().sql(f"CREATE ROLE copier LOGIN REPLICATION PASSWORD '{PASSWORD}'")
    with router_before(cluster) as router:
        where = router.conninfo(**COPIER)
        backup, archive = tmp_path / "backup", tmp_path / "archive"
        archive.mkdir()
        ran = subprocess.run(
            [tool("pg_basebackup"), "-d", where, "-D", str(backup), "-X", "stream", "-c", "fast"],
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        assert (backup / "PG_VERSION").exists()
        assert list((backup / "pg_wal").glob("0*"))

        named = router.conninfo(**COPIER, application_name="archivist")
        receiver = subprocess.Popen(
            [tool("pg_receivewal"), "-d", named, "-D", str(archive), "--no-loop", "-s", "1"], stderr=subprocess.PIPE
        )
        try:
            old = cluster.primary()
            senders = "SELECT client_port FROM pg_stat_replication WHERE application_name = 'archivist'"
            eventually(lambda: old.sql(senders), "the archivist streams from the primary")
            with router.connect() as client:
                client.execute("CREATE TABLE IF NOT EXISTS archived (number int)")
                client.execute("INSERT INTO archived SELECT generate_series(1, 10000)")
            eventually(lambda: any(file.stat().st_size for file in archive.iterdir()), "log arrives")
            time.sleep(1.5)
            assert receiver.poll() is None
            old.kill()
            cluster.wait_serving(other_than=old.name)
            assert receiver.wait(timeout=60) != 0
        finally:
            receiver.kill()
            receiver.communicate()
        old.start()
        cluster.wait_healthy()


def test_logical_replication_speaks_sql_and_the_walsender_s_words(cluster: RealCluster) -> None:
    with (
        router_before(cluster) as router,
        psycopg.connect(router.conninfo(replication="database"), autocommit=True) as client,
    ):
        raw = psycopg.ClientCursor(client)
        identity = raw.execute("IDENTIFY_SYSTEM").fetchone()
        assert identity is not None
        assert identity[3] == "postgres"
        assert raw.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        assert raw.execute("SHOW in_hot_standby").fetchone() == ("off",)
