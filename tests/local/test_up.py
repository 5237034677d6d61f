"""Does `howdah up` make a cluster that serves, and does `howdah down` leave nothing of it running?"""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from howdah.local.connection import uri_of
from howdah.local.place import Place
from howdah.local.plan import read_plan
from howdah.local.processes import wait_until
from howdah.postgres.secrets import read_secrets
from tests.local.upcluster import UpCluster, up_cluster
from tests.signals import send


@pytest.fixture
def cluster() -> Iterator[UpCluster]:
    with up_cluster() as made:
        yield made


def write_through_the_uri(place: Place, statement: str) -> str:
    """Run a statement where the printed URI leads."""
    uri = uri_of(read_plan(place.plan), read_secrets(place.secrets).superuser)
    with psycopg.connect(uri, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
    return str(row[0]) if row else ""


def test_a_cluster_is_made_stopped_continued_and_removed(cluster: UpCluster) -> None:
    printed = cluster.up()
    assert "nothing is wrong" in printed and "postgresql://postgres:" in printed and "psql" in printed
    assert cluster.states() == {"n1": "running", "n2": "streaming", "n3": "streaming"}
    place = cluster.place
    for secret in ("superuser", "replication", "api_token"):
        assert stat.S_IMODE((place.secrets / secret).stat().st_mode) == 0o600
    assert stat.S_IMODE(place.connection.stat().st_mode) == 0o600
    write_through_the_uri(place, "CREATE TABLE kept AS SELECT 42 AS answer")

    everything = cluster.done("exec", "--all", "SELECT pg_is_in_recovery();")
    assert everything.splitlines() == ["n1: f", "n2: t", "n3: t"]

    assert "is down" in cluster.done("down")
    assert not cluster.processes().any
    down = cluster.howdah("status", "--json")
    assert down.returncode == 1 and set(cluster.states().values()) == {"unreachable"}

    cluster.up()
    assert write_through_the_uri(place, "SELECT answer FROM kept") == "42"
    (router,) = cluster.status()["routers"]
    assert (router["address"], router["state"]) == (f"127.0.0.1:{cluster.port}", "listening")
    assert httpx.get(f"http://{router['health']}/readiness").json()["ready"]
    refused = cluster.howdah("down", "--purge")  # nobody is there to answer the question
    assert refused.returncode == 1 and place.exists
    cluster.done("down", "--purge", "--yes")
    assert not cluster.processes().any and not place.root.exists()


def test_a_second_up_starts_what_is_missing_and_leaves_the_rest_alone(cluster: UpCluster) -> None:
    cluster.up()
    before = cluster.processes()
    os.kill(before.agents["n3"], signal.SIGKILL)
    assert before.router is not None
    os.kill(before.router, signal.SIGKILL)
    assert "n1, n2 ran already; started n3" in cluster.up()
    after = cluster.processes()
    assert after.router not in (None, before.router)
    assert {name: after.agents[name] for name in ("n1", "n2")} == {name: before.agents[name] for name in ("n1", "n2")}
    assert after.store == before.store and after.agents["n3"] != before.agents["n3"]
    assert "n4 joined" in cluster.up("--nodes", "4")
    assert cluster.states()["n4"] == "streaming"


def test_down_works_when_agents_and_store_are_dead_or_stopped(cluster: UpCluster) -> None:
    cluster.up()
    found = cluster.processes()
    assert found.store is not None
    os.kill(found.store, signal.SIGKILL)
    os.kill(found.agents["n1"], signal.SIGKILL)
    send((found.agents["n2"],), signal.SIGSTOP)
    printed = cluster.done("down")
    assert "the agent of n2 does not answer" in printed
    assert not cluster.processes().any
    cluster.up()
    assert cluster.heals()


def foreground(cluster: UpCluster, output: Path, *words: str) -> "subprocess.Popen[bytes]":
    """A `howdah up` in the foreground, whose output goes to a file."""
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "howdah", "up", "--port", str(cluster.port), *words],
            env=cluster.environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def test_in_the_foreground_a_dead_agent_comes_back_and_an_interrupt_stops_everything(
    cluster: UpCluster, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with foreground(cluster, output, "--ordered") as up:
        try:
            assert wait_until(lambda: "look: " in output.read_text(), 90), output.read_text()
            first = cluster.processes().agents["n2"]
            os.kill(first, signal.SIGKILL)
            assert wait_until(lambda: cluster.processes().agents.get("n2", first) != first, 30), output.read_text()
            assert "the agent of n2 ended; it is started again in 5 s" in output.read_text()
            assert cluster.heals()
            up.send_signal(signal.SIGINT)
            assert up.wait(60) == 0
        finally:
            up.kill()
    assert "waiting until n1 is ready" in output.read_text() and "the cluster is down" in output.read_text()
    assert not cluster.processes().any


def test_down_ends_an_up_in_the_foreground(cluster: UpCluster, tmp_path: Path) -> None:
    output = tmp_path / "output"
    with foreground(cluster, output, "--nodes", "1") as up:
        try:
            assert wait_until(lambda: "look: " in output.read_text(), 60), output.read_text()
            cluster.done("down")
            assert up.wait(30) == 0
        finally:
            up.kill()
    assert "stopped by `howdah down`" in output.read_text()


def test_an_interrupted_start_leaves_nothing_running(cluster: UpCluster, tmp_path: Path) -> None:
    output = tmp_path / "output"
    with foreground(cluster, output) as up:
        try:
            assert wait_until(lambda: bool(cluster.processes().agents), 30)
            time.sleep(0.5)
            up.send_signal(signal.SIGTERM)
            assert up.wait(90) == 130
        finally:
            up.kill()
    assert not cluster.processes().any, output.read_text()


def test_a_cluster_keeps_its_record_in_etcd_when_asked(cluster: UpCluster) -> None:
    cluster.up("--nodes", "2", "--store", "etcd")
    assert cluster.status()["sync"]["mode"] == "async"
    assert "etcd answers; n1 holds term 1" in cluster.howdah("doctor").stdout
    cluster.done("down")
    assert not cluster.processes().any
    cluster.up()
    cluster.done("down", "--purge", "--yes")
    assert not cluster.place.root.exists()
