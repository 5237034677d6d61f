"""Are a cluster's processes told from others by their command lines, and is nothing of theirs passed on?"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from howdah.local.launch import agent_command, agent_environment, last_words, router_command, store_command
from howdah.local.place import Place
from howdah.local.plan import Plan, PlannedNode
from howdah.local.processes import after, look, wait_until
from howdah.postgres.layout import NodeLayout

PLAN = Plan("main", "sqlite", (PlannedNode("n1", 5432, 8008), PlannedNode("n2", 5433, 8009)))
SLEEPER = "import time; time.sleep(60)"


@contextmanager
def process(*words: str, cwd: Path | None = None) -> Iterator[int]:
    """A process that sleeps, with these words at the end of its command line."""
    command = [sys.executable, "-c", SLEEPER, *words]
    with subprocess.Popen(command, cwd=cwd, start_new_session=True) as running:
        line = Path(f"/proc/{running.pid}/cmdline")
        try:
            assert wait_until(lambda: SLEEPER.encode() in line.read_bytes(), 10)
            yield running.pid
        finally:
            running.kill()


def test_agents_and_store_are_found_by_the_command_lines_that_start_them(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with process(*agent_command(place, "n2")[1:]) as agent, process(*store_command(place, PLAN)[1:]) as store:
        found = look(place, PLAN.names)
    assert found.agents == {"n2": agent} and found.store == store and found.any
    assert not look(place, PLAN.names).any


def test_the_router_is_found_by_its_file(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with process(*router_command(place)[1:]) as router, process(*router_command(Place(tmp_path / "other"))[1:]):
        assert look(place, PLAN.names).router == router


def test_agents_of_another_directory_are_not_ours(tmp_path: Path) -> None:
    with process(*agent_command(Place(tmp_path / "other"), "n1")[1:]):
        assert not look(Place(tmp_path), PLAN.names).any


def test_an_editor_with_an_agents_file_is_no_agent(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with process("vim", str(place.agent_file("n1"))), process("tail", "-f", str(place.agent_log("n1"))):
        assert not look(place, PLAN.names).any


def test_what_works_in_a_data_directory_is_that_nodes_server(tmp_path: Path) -> None:
    place = Place(tmp_path)
    data = NodeLayout(place.node("n1")).data
    data.mkdir(parents=True)
    with process(cwd=data) as server:
        found = look(place, PLAN.names)
    assert found.servers == {"n1": (server,)}
    assert str(server) in found.of_node("n1")


def test_the_words_behind_a_pattern() -> None:
    assert after(("python", "-m", "howdah", "agent", "--config", "x"), ("agent", "--config")) == "x"
    assert after(("agent", "--config"), ("agent", "--config")) == ""
    assert after((), ("a",)) == ""


def test_settings_of_others_do_not_reach_agents() -> None:
    given = {"PATH": "/bin", "HOWDAH_NODE__NAME": "x", "REPMGR_PASSWORD": "x", "REPMGRD_START_DELAY": "9"}
    given |= {"POSTGRES_PASSWORD": "x", "POSTGRESQL_VERSION": "x", "PGHOST": "x", "PGPOOL_PORT_NUMBER": "1"}
    kept = agent_environment(given)
    assert kept == {"PATH": "/bin", "PYTHONSAFEPATH": "1"}


def test_the_end_of_a_log_is_told_with_its_name(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    assert "cannot be read" in last_words(log)
    log.touch()
    assert "is empty" in last_words(log)
    log.write_text("\n".join(f"line {number}" for number in range(20)))
    told = last_words(log, lines=2)
    assert told.splitlines() == [f"the end of {log}:", "  line 18", "  line 19"]
