"""Does `howdah doctor` find what endangers a cluster, and name the mend?"""

import datetime
import socket
from dataclasses import replace
from pathlib import Path

from howdah.cli.checks.cluster import Login, check_agents, compare_collations
from howdah.cli.checks.finding import Finding, Level
from howdah.cli.checks.machine import check_directory
from howdah.cli.checks.node import check_ports
from howdah.cli.checks.programs import check_programs
from howdah.cli.checks.router import check_router
from howdah.cli.checks.store import compare
from howdah.cli.reach import Reach
from howdah.cluster.localstate import LocalState
from howdah.cluster.record import Mode, Phase, Record
from howdah.configuration.schema import AgentSettings
from howdah.postgres.account import Account
from howdah.postgres.secrets import ClusterSecrets
from howdah.values.member import Member
from tests.local.agentstub import answering

N1 = Member("n1", "a")
RECORD = Record("main", "77", 1, 5, Phase.ESTABLISHED, N1, (), 0, Mode.ASYNC, ())
STATE = LocalState(cluster="main", member_id="a", system_identifier="77", promise=5, won_term=5, record=RECORD)
C = ("postgres", "C", "C.UTF-8", "1", "1")
SECRETS = ClusterSecrets("x", "y", "z")


def fails(findings: list[Finding]) -> str:
    """The sentences of those that FAIL."""
    return "\n".join(finding.sentence for finding in findings if finding.level is Level.FAIL)


def test_a_store_that_agrees_is_no_finding() -> None:
    assert list(compare("n1", STATE, RECORD)) == []
    assert list(compare("n1", LocalState(), None)) == []


def test_a_store_that_was_wiped_or_went_back_is_told_with_the_ways_out() -> None:
    wiped, went_back = list(compare("n1", STATE, None)), list(compare("n1", STATE, replace(RECORD, term=4)))
    assert "wiped" in fails(wiped) and "back in time" in fails(went_back)
    assert all("howdah failover" in fails(findings) for findings in (wiped, went_back))


def test_data_of_another_cluster_is_told_and_a_left_promise_only_warned_of() -> None:
    assert "another cluster" in fails(list(compare("n1", STATE, replace(RECORD, system_identifier="88"))))
    (left,) = compare("n1", replace(STATE, promise=9), RECORD)
    assert left.level is Level.WARN and "term 9" in left.sentence


def test_servers_that_sort_text_otherwise_are_told() -> None:
    same = [Login("n1", (C,)), Login("n2", (C,)), Login("n3", (C,))]
    assert [finding.level for finding in compare_collations(same)] == [Level.OK]
    other = ("postgres", "C", "C.UTF-8", "2", "2")
    assert "others have" in fails(list(compare_collations([*same[:2], Login("n3", (other,))])))
    moved = ("postgres", "de_DE", "de_DE", "2.31", "2.36")
    assert "REINDEX" in fails(list(compare_collations([Login("n1", (moved,))])))


def test_a_directory_that_cannot_be_written_or_entered_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert "chmod" in fails(list(check_directory("n1", closed, Account("nobody", 65534, 65534))))
    assert "cannot be written" in fails(list(check_directory("n1", Path("/proc/self"), None)))


def test_missing_programs_are_told(tmp_path: Path) -> None:
    assert "no PostgreSQL programs" in fails(list(check_programs(tmp_path, None)))


def test_a_taken_port_is_told_unless_the_nodes_own_processes_have_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        document = {
            "node": {"name": "n1", "root": str(tmp_path)},
            "api": {"port": server.getsockname()[1]},
            "store": {"kind": "sqlite", "directory": str(tmp_path)},
        }
        settings = AgentSettings.model_validate(document)
        assert "ss -ltnp" in fails(list(check_ports(settings, running=False)))
        assert list(check_ports(settings, running=True)) == []


def test_a_port_on_which_another_agent_answers_and_different_systems_are_told() -> None:
    def status(name: str, system: str) -> dict[str, tuple[int, object]]:
        return {
            "/status": (200, {"name": name, "cluster": "main", "system_identifier": system, "role": "x", "state": "y"})
        }

    with answering("n1", status("n1", "77")) as (n1, _), answering("n2", status("n7", "88")) as (n2, _):
        found = list(check_agents(Reach("main", (n1, n2), SECRETS)))
    assert "answers as n7" in fails(found) and "different clusters" in fails(found)
    assert any(finding.level is Level.OK and finding.subject == "n1" for finding in found)
    assert datetime.datetime.now(datetime.UTC)  # the stub's clock is this machine's, so that none is warned of
    assert not any("clock" in finding.sentence for finding in found)


def test_a_router_s_settings_and_ports_are_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    assert not list(check_router(file, running=False)), "a cluster of before there were routers"
    file.write_text("listen: {port: many}\n")
    (fault,) = check_router(file, running=False)
    assert fault.level is Level.FAIL and "listen.port" in fault.sentence
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        store = f"store: {{kind: sqlite, directory: {tmp_path}}}\nsecrets: {{router: secret}}\nhealth: {{port: 0}}\n"
        file.write_text(f"listen: {{port: {port}}}\n{store}")
        assert [each.level for each in check_router(file, running=True)].count(Level.FAIL) == 0
        found = list(check_router(file, running=False))
        assert f"port {port} is taken" in found[-1].sentence and found[-1].level is Level.FAIL
    found = list(check_router(file, running=True))
    assert f"nobody answers at 127.0.0.1:{port}" in found[-1].sentence
    file.write_text(f"limits: {{clients: {1 << 40}}}\n{store}")
    assert any(each.level is Level.WARN and "LimitNOFILE" in each.sentence for each in check_router(file, False))
