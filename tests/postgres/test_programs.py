"""How are PostgreSQL's programs run, and when is a success believed?"""

import asyncio
from pathlib import Path

import psutil
import pytest

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import choose_account
from howdah.postgres.programs import LINES_KEPT, Command, ProgramFailed, run_program, run_program_blocking
from tests.waiting import until

SHELL = Path("/bin/sh")


def _ignore(line: str) -> None:
    """Nobody reads the lines of this program."""


def _command(script: str, proof: str = "done", given: str = "") -> Command:
    return Command(SHELL, ("-c", script), (proof,), given)


def test_each_line_goes_to_the_log_and_to_the_answer() -> None:
    lines: list[str] = []
    output = asyncio.run(run_program(_command("echo one; echo done >&2"), choose_account(), lines.append))
    assert output.lines == ("one", "done")
    assert lines == ["one", "done"]


def test_an_exit_status_alone_is_no_success() -> None:
    """Another part of the agent may reap the child, and then the status reads 0."""
    with pytest.raises(ProgramFailed, match="exit status 0"):
        asyncio.run(run_program(_command("exit 0"), choose_account(), _ignore))
    with pytest.raises(ProgramFailed, match=r"exit status 3.*done"):
        run_program_blocking(_command("echo done; exit 3"), choose_account())


def test_a_full_disk_is_told_with_the_mend() -> None:
    with pytest.raises(ProgramFailed, match="free some space"):
        run_program_blocking(_command("echo 'could not write: No space left on device'; exit 1"), choose_account())


def test_input_is_given_and_the_environment_is_ours() -> None:
    script = 'read word; echo "$word $LC_ALL ${PGHOST-no PGHOST} done"'
    output = asyncio.run(run_program(_command(script, given="hello\n"), choose_account(), _ignore))
    assert output.text == "hello C no PGHOST done"


def test_a_program_that_does_not_read_its_input_is_no_problem() -> None:
    asyncio.run(run_program(_command("exec 0<&-; echo done", given="x" * 1_000_000), choose_account(), _ignore))


def test_a_talkative_program_is_remembered_by_its_last_lines() -> None:
    output = asyncio.run(run_program(_command("seq 5000; echo done"), choose_account(), _ignore))
    assert len(output.lines) == LINES_KEPT
    assert output.lines[-1] == "done"


def test_a_cancelled_program_is_gone_with_its_children_before_the_caller_goes_on() -> None:
    async def story() -> None:
        started: list[str] = []
        script = "sleep 1000 & echo $!; echo $$; wait"
        running = asyncio.create_task(run_program(_command(script), choose_account(), started.append))
        await until(lambda: len(started) == 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        for pid in started:
            assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE

    asyncio.run(story())


def test_a_program_that_is_missing_is_named() -> None:
    command = Command(Path("/no/such/program"), (), ("done",))
    with pytest.raises(PostgresFailure, match="cannot start /no/such/program"):
        asyncio.run(run_program(command, choose_account(), _ignore))


def test_the_event_loop_goes_on_while_a_program_runs() -> None:
    async def story() -> None:
        running = asyncio.create_task(run_program(_command("sleep 0.3; echo done"), choose_account(), _ignore))
        turns = 0
        while not running.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 1

    asyncio.run(story())
