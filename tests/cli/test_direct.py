"""What do commands that log in to a server tell of what it says? (A real server, without an agent.)"""

import threading
from collections.abc import Iterator

import pytest

from howdah.cli.checks.cluster import check_logins
from howdah.cli.checks.finding import Level
from howdah.cli.exec import run
from howdah.cli.reach import Reach
from howdah.local.processes import wait_until
from howdah.local.remote import Agent
from howdah.local.sight import KnownNode
from howdah.postgres.secrets import ClusterSecrets
from tests.ports import free_port
from tests.postgres.serverdir import ServerDirectory, server_directory

CANCEL = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerDirectory]:
    with server_directory() as made:
        made.start_by_another_agent()
        yield made


@pytest.fixture
def cluster(server: ServerDirectory) -> Reach:
    node = KnownNode("n1", "127.0.0.1", server.port, Agent("n1", "127.0.0.1", free_port()))
    return Reach("main", (node,), ClusterSecrets("any", "", ""))


def test_what_the_server_notes_is_kept_beside_the_answer(cluster: Reach) -> None:
    result = run(
        cluster, cluster.nodes[0], "CREATE TABLE IF NOT EXISTS t(); CREATE TABLE IF NOT EXISTS t()", "postgres"
    )
    assert result.error == "" and result.notices == ('NOTICE: relation "t" already exists, skipping',)


@pytest.mark.parametrize(("ending", "seen"), [("cancel", "canceling wait"), ("terminate", "terminating connection")])
def test_a_commit_that_no_standby_confirmed_is_an_error_that_says_so(
    cluster: Reach, server: ServerDirectory, ending: str, seen: str
) -> None:
    sql = "SET synchronous_commit = on; CREATE TABLE only_here()"
    server.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.query("SELECT pg_reload_conf()")
    try:
        assert wait_until(lambda: server.query("SHOW synchronous_standby_names") == "nobody", 20)
        other = CANCEL.replace("cancel", ending)
        ended = threading.Thread(target=wait_until, args=(lambda: server.query(other) == "1", 20))
        ended.start()
        result = run(cluster, cluster.nodes[0], sql, "postgres")
        ended.join()
    finally:
        server.query("ALTER SYSTEM RESET synchronous_standby_names")
        server.query("SELECT pg_reload_conf()")
        assert wait_until(lambda: server.query("SHOW synchronous_standby_names") == "", 20)
    assert "this server only" in result.error
    assert result.notices[0].startswith("WARNING: canceling") and seen in result.notices[0]
    assert "has already committed locally" in result.notices[0]
    server.query("DROP TABLE only_here")


def test_a_closed_gate_is_told_as_such_and_not_as_a_wrong_password(cluster: Reach, server: ServerDirectory) -> None:
    rules = server.layout.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all all trust\nhost all all all reject\n")
    server.query("SELECT pg_reload_conf()")
    try:
        assert wait_until(lambda: "rejects" in run(cluster, cluster.nodes[0], "SELECT 1", "postgres").error, 20)
        (found,) = check_logins(cluster)
    finally:
        rules.write_text(before)
        server.query("SELECT pg_reload_conf()")
    assert found.level is Level.WARN and "gate is closed" in found.sentence and "howdah explain" in found.sentence


def test_a_wrong_password_is_told_as_such(cluster: Reach, server: ServerDirectory) -> None:
    rules = server.layout.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all all trust\nhost all all all scram-sha-256\n")
    server.query("SELECT pg_reload_conf()")
    try:
        assert wait_until(lambda: "password" in run(cluster, cluster.nodes[0], "SELECT 1", "postgres").error, 20)
        (found,) = check_logins(cluster)
    finally:
        rules.write_text(before)
        server.query("SELECT pg_reload_conf()")
    assert found.level is Level.FAIL and "login is refused" in found.sentence
