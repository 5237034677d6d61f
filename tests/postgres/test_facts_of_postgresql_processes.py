"""How PostgreSQL's processes live on without each other: the facts fencing and switchover rest on."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from psycopg import pq

from tests.postgres.sqlserver import Farm, SqlServer, eventually
from tests.signals import send

WRITES_LATER = """
    DO $$
    DECLARE began timestamptz := clock_timestamp();
    BEGIN
        WHILE clock_timestamp() < began + interval '1 second' LOOP END LOOP;
        INSERT INTO t VALUES (1);
    END $$
"""


@pytest.fixture
def primary(farm: Farm) -> Iterator[SqlServer]:
    """A primary with a table."""
    server = farm.primary()
    server.sql("CREATE TABLE t (x int)")
    yield server


def control_state(server: SqlServer) -> str:
    """What pg_controldata says of the cluster state."""
    done = subprocess.run(
        [server.farm.binary("pg_controldata"), str(server.data)], capture_output=True, text=True, check=True
    )
    return next(line.split(":")[1].strip() for line in done.stdout.splitlines() if "cluster state" in line)


def test_a_backend_outlives_its_killed_postmaster_and_acknowledges_a_commit(primary: SqlServer) -> None:
    """A busy backend, in a process group of its own, commits after the postmaster was killed: so every process is
    killed, and none is looked for by process group."""
    assert primary.postmaster is not None
    with closing(primary.connect()) as session:
        backend = session.info.backend_pid
        session.pgconn.send_query(WRITES_LATER.encode())
        eventually(
            lambda: primary.sql(f"SELECT state = 'active' FROM pg_stat_activity WHERE pid = {backend}"), "it works"
        )
        assert os.getpgid(backend) != os.getpgid(primary.postmaster.pid)
        primary.signal(signal.SIGKILL)
        primary.postmaster.wait()
        assert backend in [process.pid for process in primary.processes()]
        result = session.pgconn.get_result()
        assert result is not None and result.status == pq.ExecStatus.COMMAND_OK
    eventually(lambda: not primary.processes(), "the last one ends")
    primary.start()
    assert primary.sql("SELECT count(*) FROM t") == 1


def test_a_server_does_not_start_while_a_backend_of_its_last_life_is_there(primary: SqlServer) -> None:
    """A stopped backend of a killed postmaster keeps the next one from starting."""
    assert primary.postmaster is not None
    with closing(primary.connect()) as session:
        send((session.info.backend_pid,), signal.SIGSTOP)
        primary.signal(signal.SIGKILL)
        primary.postmaster.wait()
        eventually(lambda: len(primary.processes()) == 1, "only the stopped one is left")
        primary.start(wait=False)
        assert primary.postmaster.wait() != 0
        assert "is still in use" in primary.log
    primary.kill()
    primary.start()


def test_a_stopped_postmaster_serves_open_sessions_and_takes_no_new_one(primary: SqlServer) -> None:
    """So a probe uses a new connection: an old one does not notice."""
    with closing(primary.connect()) as session:
        primary.signal(signal.SIGSTOP)
        assert session.execute("SELECT 1").fetchone() == (1,)
        raw = pq.PGconn.connect_start(f"host={primary.farm.root} port={primary.port} user=postgres".encode())
        raw.connect_poll()
        raw.connect_poll()
        assert raw.status not in (pq.ConnStatus.OK, pq.ConnStatus.BAD)
        raw.finish()
        primary.signal(signal.SIGCONT)


def test_a_fast_stop_hangs_on_a_stalled_standby_after_its_shutdown_checkpoint(primary: SqlServer) -> None:
    """A stalled receiver keeps a cleanly shut down primary from ending, without a limit; ending its walsender
    frees it. So a switchover ends the walsenders of lagging standbys first, and the stop has a limit."""
    standby = primary.farm.standby("n2", primary)
    assert primary.postmaster is not None
    walsender = primary.process("walsender")
    standby.process("walreceiver").suspend()
    primary.sql("INSERT INTO t VALUES (1)")
    primary.signal(signal.SIGINT)
    eventually(lambda: control_state(primary) == "shut down", "the shutdown checkpoint is written")
    assert primary.postmaster.poll() is None and walsender.is_running()
    walsender.kill()
    eventually(lambda: primary.postmaster is not None and primary.postmaster.poll() is not None, "it ends")


def test_a_crash_of_one_backend_ends_the_server_when_it_is_told_not_to_restart(primary: SqlServer) -> None:
    """restart_after_crash = off hands a backend's crash to the agent: no restart behind the barrier's back."""
    assert primary.postmaster is not None
    with closing(primary.connect()) as session:
        os.kill(session.info.backend_pid, signal.SIGKILL)
        primary.postmaster.wait()
    eventually(lambda: not primary.processes(), "everything has ended")
