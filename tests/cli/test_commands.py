"""Do the commands do on a real cluster what they say?"""

import json
from collections.abc import Iterator

import pytest

from tests.local.upcluster import UpCluster, up_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[UpCluster]:
    with up_cluster() as made:
        made.up()
        yield made


def test_status_shows_a_table_and_the_same_as_json(cluster: UpCluster) -> None:
    table = cluster.done("status")
    assert all(word in table for word in ("n1", "n2", "n3", "primary", "standby", "voter", "nothing is wrong"))
    document = cluster.status()
    assert list(document) == [
        "cluster", "system_identifier", "term", "primary", "serving", "paused", "sync", "nodes", "routers"
    ]  # fmt: skip
    by_config = cluster.done("status", "--json", "--config", str(cluster.place.agent_file("n2")))
    assert {node["name"] for node in json.loads(by_config)["nodes"]} == {"n1", "n2", "n3"}


def test_exec_answers_under_each_nodes_name_and_fails_if_one_does(cluster: UpCluster) -> None:
    primary = cluster.status()["primary"]
    answers = json.loads(cluster.done("exec", "--all", "--json", "SELECT pg_is_in_recovery(), NULL"))
    assert {node: answer["rows"] for node, answer in answers.items()} == {
        name: [["f" if name == primary else "t", None]] for name in ("n1", "n2", "n3")
    }
    assert cluster.done("exec", "CREATE TABLE IF NOT EXISTS e(); SELECT 7").strip() == f"{primary}: 7"
    failed = cluster.howdah("exec", "--all", "CREATE TABLE only_on_the_primary()")
    assert failed.returncode == 1 and failed.stdout.count("read-only transaction") == 2
    assert cluster.howdah("exec", "--all", "--node", "n1", "SELECT 1").returncode == 2
    assert "there is no node 'n9'" in cluster.howdah("exec", "--node", "n9", "SELECT 1").stderr


def test_psql_leads_to_the_primary_or_to_the_named_node(cluster: UpCluster) -> None:
    ask = ("--", "-Atc", "SELECT pg_is_in_recovery()")
    assert cluster.done("psql", *ask).strip() == "f"
    standby = next(name for name, state in cluster.states().items() if state == "streaming")
    assert cluster.done("psql", "--node", standby, *ask).strip() == "t"


def test_a_switchover_tells_its_outcome_and_history_keeps_it(cluster: UpCluster) -> None:
    document = cluster.status()
    target = next(node["name"] for node in document["nodes"] if node["role"] == "standby")
    told = cluster.done("switchover", "--to", target)
    assert f"{target} is the primary of term {document['term'] + 1}" in told
    assert cluster.heals()
    rows = json.loads(cluster.done("history", "--json"))
    assert rows[-1]["node"] == target and rows[-1]["term"] == document["term"] + 1
    assert target in cluster.done("history")
    again = cluster.howdah("switchover", "--to", target)
    assert again.returncode == 1 and "primary already" in again.stderr
    assert cluster.howdah("switchover", "--at", "yesterday").returncode == 2
    assert "hands over to the best standby at" in cluster.done("switchover", "--at", "2999-01-01T03:00")
    cluster.done("switchover", "--cancel")
    assert json.loads(cluster.done("config", "show", "--json"))["switchover"] is None


def test_explain_tells_why(cluster: UpCluster) -> None:
    primary = cluster.status()["primary"]
    assert f"{primary} is the primary" in cluster.done("explain")
    assert json.loads(cluster.done("explain", "--json"))["wrong"] == []


def test_a_pause_is_shown_and_taken_back(cluster: UpCluster) -> None:
    cluster.done("pause")
    assert "paused" in cluster.done("status")
    cluster.done("resume")
    assert "nothing is wrong" in cluster.done("status")


def test_a_file_of_settings_is_applied_once(cluster: UpCluster) -> None:
    file = cluster.place.root / "wanted.yaml"
    file.write_text("postgresql: {parameters: {maintenance_work_mem: 65MB}}\n", encoding="utf-8")
    assert "maintenance_work_mem is 65MB" in cluster.done("config", "apply", str(file))
    assert "has these settings already" in cluster.done("config", "apply", str(file))
    file.write_text("postgresql: {parameters: {fsync: false}}\n", encoding="utf-8")
    refused = cluster.howdah("config", "apply", str(file))
    assert refused.returncode == 1 and "fsync" in refused.stderr


def test_a_setting_reaches_every_server_and_one_of_the_protocols_is_refused(cluster: UpCluster) -> None:
    cluster.done("config", "set", "postgresql.parameters.work_mem=7MB")
    assert json.loads(cluster.done("config", "show", "--json"))["postgresql"]["parameters"]["work_mem"] == "7MB"
    assert cluster.heals()
    cluster.done("reload")
    shown = cluster.done("exec", "--all", "SHOW work_mem").split()
    assert shown.count("7MB") == 3
    refused = cluster.howdah("config", "set", "postgresql.parameters.fsync=off")
    assert refused.returncode == 1 and "fsync" in refused.stderr


def test_a_standby_is_restarted_and_cloned_anew_and_the_primary_only_after_asking(cluster: UpCluster) -> None:
    document = cluster.status()
    primary, standby = document["primary"], next(n["name"] for n in document["nodes"] if n["role"] == "standby")
    before = cluster.done("exec", "--node", standby, "SELECT pg_postmaster_start_time()")
    assert f"{standby} is back" in cluster.done("restart", standby)
    assert cluster.done("exec", "--node", standby, "SELECT pg_postmaster_start_time()") != before
    assert cluster.howdah("restart", primary).returncode == 1  # nobody is there to say yes
    assert cluster.howdah("reinit", standby).returncode == 1
    assert f"{standby} streams from {primary}" in cluster.done("reinit", standby, "--yes")
    assert "is the primary" in cluster.howdah("reinit", primary, "--yes").stderr


def test_a_failover_is_refused_while_a_primary_serves(cluster: UpCluster) -> None:
    refused = cluster.howdah("failover", "--accept-data-loss", "--yes")
    assert refused.returncode == 1 and "howdah switchover" in refused.stderr


def test_the_doctor_finds_a_healthy_cluster_healthy(cluster: UpCluster) -> None:
    found = json.loads(cluster.done("doctor", "--json"))
    assert {finding["level"] for finding in found} == {"ok"}, found
    assert any("password" in finding["subject"] for finding in found)
