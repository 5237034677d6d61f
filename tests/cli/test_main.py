"""Does each command have its help, and do exit codes say what happened?"""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from howdah.cli.main import COMMANDS, load_command


def howdah(*words: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "howdah", *words],
        env=environment | ({"HOWDAH_DATA": str(data)} if data else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command_and_loads_none_of_them() -> None:
    program = "import sys; sys.argv[1:] = ['--help']\n"
    program += "from howdah.cli.main import main\n"
    program += "try: main()\nexcept SystemExit: pass\n"
    program += "heavy = ('fastapi', 'pydantic', 'psycopg', 'httpx', 'yaml', 'rich', 'howdah.cli.status')\n"
    program += "print('LOADED', [name for name in heavy if name in sys.modules])\n"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "LOADED []" in answer.stdout
    assert all(f"  {name} " in answer.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_list_says_of_each_command_what_its_own_help_says(name: str) -> None:
    command = load_command(name)
    assert (command.help or "").split("\n\n")[0].strip() == COMMANDS[name]
    assert (importlib.import_module(f"howdah.cli.{name}").__doc__ or "").startswith(f"`howdah {name}`")


def test_no_command_that_reads_state_loads_the_web_framework() -> None:
    program = "import sys, importlib\n"
    program += "for name in ('up', 'down', 'status', 'explain', 'history', 'exec', 'switchover', 'config'):\n"
    program += "    importlib.import_module(f'howdah.cli.{name}')\n"
    program += "print([name for name in ('fastapi', 'uvicorn') if name in sys.modules])\n"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words", [("stats",), ("up", "--nodes", "zero"), ("up", "--nodes", "0"), ("exec",), ("restart",)]
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...]) -> None:
    answer = howdah(*words)
    assert answer.returncode == 2 and "Usage:" in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("down",),
        ("explain",),
        ("history",),
        ("exec", "SELECT 1"),
        ("psql",),
        ("pause",),
        ("config", "show"),
    ],
)
def test_without_a_cluster_every_command_says_where_it_looked(words: tuple[str, ...], tmp_path: Path) -> None:
    answer = howdah(*words, data=tmp_path / "nothing")
    assert answer.returncode == 1
    assert f"there is no cluster in {tmp_path / 'nothing'}" in answer.stderr and "howdah up" in answer.stderr


def test_purge_refuses_a_directory_that_is_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    answer = howdah("down", "--purge", "--yes", data=tmp_path)
    assert answer.returncode == 1 and "Nothing was removed" in answer.stderr
    assert (tmp_path / "precious").exists()


def test_two_ways_to_name_a_cluster_are_one_too_many(tmp_path: Path) -> None:
    answer = howdah("status", "--data", str(tmp_path), "--config", str(tmp_path / "agent.yaml"))
    assert answer.returncode == 1 and "--config" in answer.stderr


def test_settings_are_checked_and_each_fault_is_named(tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("node: {name: N1, root: data}\nstore: {kind: paper}\n")
    answer = howdah("config", "validate", str(file))
    assert answer.returncode == 1
    assert "node.name" in answer.stderr and "store" in answer.stderr
    agent = howdah("agent", "--config", str(file))
    assert agent.returncode == 1 and "node.name" in agent.stderr


def test_a_router_s_settings_are_checked_too(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text("store: {kind: sqlite, directory: /var/lib/howdah/store}\npools: {size: many}\n")
    answer = howdah("config", "validate", str(file))
    assert answer.returncode == 1 and "pools.size" in answer.stderr and "node" not in answer.stderr
    file.write_text("store: {kind: sqlite, directory: /var/lib/howdah/store}\nsecrets: {router: secret}\n")
    answer = howdah("config", "validate", str(file))
    assert answer.returncode == 0 and "can be used" in answer.stdout


def test_an_assignment_without_a_value_is_wrong_usage() -> None:
    answer = howdah("config", "set", "work_mem")
    assert answer.returncode == 2 and "KEY=VALUE" in answer.stderr
