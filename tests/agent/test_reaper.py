"""Are orphans reaped, and is no exit status taken from its owner?

Being a subreaper is a property of a process for life, so each story runs in a process of its own.
"""

import os
import subprocess
import sys
import textwrap

import pytest

from howdah.agent.reaper import ROUNDS_OWNED, Reaper

PRELUDE = """
import asyncio, os, signal, subprocess, sys, time
from pathlib import Path
from howdah.agent.reaper import ROUNDS_OWNED, Reaper, become_subreaper

ORPHAN = (
    "import os; actions = [(os.POSIX_SPAWN_DUP2, 2, 1)]; "
    "print(os.posix_spawnp('sleep', ['sleep', '{}'], os.environ, file_actions=actions), flush=True); os._exit(0)"
)

def orphan(seconds):
    \"\"\"The number of a process whose parent has ended.\"\"\"
    code = ORPHAN.format(seconds)
    parent = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return int(parent.stdout)

def stat(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[1])

def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
"""
ORPHANS_ARE_REAPED = """
reaper = Reaper()
first, second = orphan(0), orphan(60)
for pid in (first, second):
    until(lambda: stat(pid)[1] == os.getpid())
os.kill(second, signal.SIGKILL)
for pid in (first, second):
    until(lambda: stat(pid)[0] == "Z")
rounds = [reaper.round() for _ in range(ROUNDS_OWNED + 1)]
assert rounds == [()] * (ROUNDS_OWNED - 1) + [(first, second), ()], rounds
assert not Path(f"/proc/{first}").exists()
print("reaped")
"""


def _tell(story: str, *before: str) -> str:
    code = PRELUDE + textwrap.dedent(story)
    command = [*before, sys.executable, "-W", "error", "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    return answer.stdout.strip()


def test_orphans_come_to_a_subreaper_and_are_reaped() -> None:
    assert _tell("assert become_subreaper()" + ORPHANS_ARE_REAPED) == "reaped"


def test_process_1_of_a_container_reaps_orphans() -> None:
    container = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*container, "true"], capture_output=True, check=False).returncode != 0:
        container.remove("--user")
        container.remove("--map-root-user")
        if os.geteuid() != 0 or subprocess.run([*container, "true"], capture_output=True, check=False).returncode != 0:
            pytest.skip(
                "nobody may make a process namespace here: run it as root with CAP_SYS_ADMIN, or allow user namespaces"
            )
    assert _tell("assert os.getpid() == 1" + ORPHANS_ARE_REAPED, *container) == "reaped"


def test_statuses_reach_their_owners() -> None:
    story = """
    async def main():
        reaper = Reaper()
        task = asyncio.create_task(reaper.run())
        mine = [await asyncio.create_subprocess_exec("sh", "-c", f"exit {number}") for number in range(5)]
        assert [await process.wait() for process in mine] == list(range(5))
        run = await asyncio.to_thread(subprocess.run, ["sh", "-c", "exit 7"])
        assert run.returncode == 7
        task.cancel()
        print("all")

    assert become_subreaper()
    asyncio.run(main())
    """
    assert _tell(story) == "all"


def test_a_child_that_somebody_keeps_is_never_reaped_until_it_is_released() -> None:
    story = """
    reaper = Reaper()
    child = subprocess.Popen(["sh", "-c", "exit 3"])
    other = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 4"], {})
    reaper.keep(child.pid)
    for pid in (child.pid, other):
        until(lambda: stat(pid)[0] == "Z")
    reaped = [pid for _ in range(3 * ROUNDS_OWNED) for pid in reaper.round()]
    assert reaped == [other]
    assert child.wait() == 3
    reaper.release(child.pid)
    print("kept")
    """
    assert _tell(story) == "kept"


def test_an_owner_that_comes_late_still_gets_its_status() -> None:
    story = """
    reaper = Reaper()
    child = subprocess.Popen(["sh", "-c", "exit 3"])
    until(lambda: stat(child.pid)[0] == "Z")
    assert [reaper.round() for _ in range(ROUNDS_OWNED - 1)] == [()] * (ROUNDS_OWNED - 1)
    assert child.wait() == 3
    assert reaper.round() == ()
    print("late")
    """
    assert _tell(story) == "late"


def test_a_killed_server_s_orphans_and_its_defunct_postmaster_are_reaped_by_the_next_agent() -> None:
    story = """
    from tests.postgres.serverdir import server_directory
    assert become_subreaper()
    with server_directory() as server:
        server.start_by_another_agent()
        process = server.process()
        postmaster = process.view().postmaster
        assert stat(postmaster)[1] == os.getpid()
        asyncio.run(process.kill())
        reaper = Reaper()
        reaped = set()
        while postmaster not in reaped:
            reaped |= set(reaper.round())
        assert not Path(f"/proc/{postmaster}").exists()
    print("reaped")
    """
    assert _tell(story) == "reaped"


def test_a_round_without_children_does_nothing() -> None:
    assert _tell("print(Reaper().round())") == "()"
    assert ROUNDS_OWNED > 1
    assert Reaper().round() == ()
