"""What is wrong is told in one clear sentence, with a status that is not 0, and no data is touched."""

import copy
import os
import shutil
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.features.operator import explained
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode, loopback
from tests.realcluster.processes import eventually

END_S = 30.0


@pytest.fixture(scope="module")
def started() -> Iterator[RealCluster]:
    """One primary with one standby; a third node's name is free."""
    cluster = RealCluster(("n1", "n2"))
    try:
        cluster.start()
        cluster.wait_serving()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def stranger(started: RealCluster) -> Iterator[RealNode]:
    """A node to be started wrongly; its files and processes go afterwards."""
    root = started.root / "stranger"
    node = RealNode("stranger", root, loopback("stranger"), copy.deepcopy(started["n2"].document))
    node.document["node"] = {"name": "n3", "root": str(root)}
    node.document["postgresql"] = {"port": node.port}
    node.document["api"] = {"port": node.api_port}
    try:
        yield node
    finally:
        node.kill()
        for process in node.started:
            process.wait()
        shutil.rmtree(root, ignore_errors=True)


def refused(node: RealNode) -> str:
    """What the agent says, having ended by itself with status 1."""
    node.start()
    assert node.started[-1].wait(END_S) == 1
    return node.log_file.read_text()


def test_a_name_that_is_used_twice(started: RealCluster, stranger: RealNode) -> None:
    eventually(lambda: started["n2"].value("SELECT pg_is_in_recovery()"), "n2 is known")
    stranger.document["node"]["name"] = "n2"
    said = refused(stranger)
    assert f"is called n2 already, and answers at 127.0.0.1:{started['n2'].api_port}" in said
    assert "another node.name" in said
    assert not (stranger.root / "data").exists()


def test_an_api_port_that_is_taken(stranger: RealNode) -> None:
    with socket.create_server(("127.0.0.1", stranger.api_port)):
        said = refused(stranger)
    assert f"port {stranger.api_port} on 127.0.0.1 is taken by another process" in said


def test_a_root_that_the_account_cannot_enter(started: RealCluster, stranger: RealNode) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs PostgreSQL under another account: run it as root")
    closed = started.root / "stranger"
    closed.mkdir(mode=0o700)
    stranger.document["node"]["root"] = str(closed / "inside")
    said = refused(stranger)
    assert f"cannot enter {closed}" in said
    assert f"chmod a+x {closed}" in said


def test_programs_without_pg_rewind(stranger: RealNode) -> None:
    stranger.root.mkdir()
    stranger.root.chmod(0o755)
    programs = stranger.root / "programs"
    programs.mkdir()
    for name in ("initdb", "postgres", "pg_basebackup", "pg_controldata", "pg_ctl"):
        (programs / name).symlink_to("/bin/true")
    stranger.document["postgresql"]["bin"] = str(programs)
    said = refused(stranger)
    assert "pg_rewind" in said


def test_a_root_that_is_a_file(started: RealCluster, stranger: RealNode) -> None:
    blocked = started.root / "stranger-file"
    blocked.write_text("mine")
    stranger.document["node"]["root"] = str(blocked / "n3")
    said = refused(stranger)
    assert str(blocked) in said
    assert "Choose another node.root" in said
    assert blocked.read_text() == "mine"


def test_a_state_file_that_cannot_be_read(stranger: RealNode) -> None:
    stranger.root.mkdir()
    stranger.layout.state.write_text("{ half")
    said = refused(stranger)
    assert "is damaged: its promise is unknown" in said
    assert stranger.layout.state.read_text() == "{ half"


def test_a_wrong_replication_password_is_named_and_nothing_is_replaced(stranger: RealNode) -> None:
    stranger.document["secrets"]["replication"] = "wrong"
    stranger.start()
    eventually(
        lambda: [e for e in stranger.journal() if "password" in e.sentence.lower() and e.rule == "Clone"],
        "the failed clone names the password",
    )
    assert not (stranger.root / "data").exists() or not any((stranger.root / "data").iterdir())


def test_a_data_directory_that_is_not_this_node_s_is_left_alone(stranger: RealNode) -> None:
    stranger.root.mkdir()
    data = stranger.root / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    (data / "precious").write_text("mine")
    stranger.start()
    eventually(lambda: stranger.journal("IDENTITY"), "the agent says what it found")
    assert str(data) in stranger.journal("IDENTITY")[-1].sentence
    assert sorted(path.name for path in data.iterdir()) == ["PG_VERSION", "precious"]


def test_a_store_that_is_not_there_is_named(started: RealCluster, stranger: RealNode) -> None:
    nowhere = started.root / "no-store"
    stranger.document["store"] = {"kind": "sqlite", "directory": str(nowhere)}
    stranger.start()
    eventually(lambda: str(nowhere) in explained(stranger), "the explanation names the store")
    assert "the store does not answer" in explained(stranger)


def test_a_postgresql_port_that_is_taken_is_named(started: RealCluster) -> None:
    """The server cannot start; the standby says why, and starts once the port is free again."""
    standby = started["n2"]
    os.kill(standby.agent, signal.SIGKILL)
    standby.started[-1].wait()
    for pid in standby.processes:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not standby.processes, "nothing of it runs")
    with socket.create_server(("127.0.0.1", standby.port)):
        standby.start()
        eventually(
            lambda: [e for e in standby.journal() if str(standby.port) in e.sentence and "port" in e.sentence],
            "the journal names the port",
        )
    eventually(lambda: standby.value("SELECT pg_is_in_recovery()"), "it starts in the end")
