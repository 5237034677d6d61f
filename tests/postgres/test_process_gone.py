"""Is a server taken for gone only when no process of it is left?"""

import asyncio
import contextlib
import ctypes
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from howdah.postgres import gone
from howdah.postgres.sharedmemory import release_shared_memory
from tests.postgres.serverdir import START_LIMIT_MS, WAIT_LIMIT_S, ServerDirectory, server_directory
from tests.signals import send
from tests.waiting import until

BUSY = "SELECT count(*) FROM generate_series(1, 1000000000000)"
BUSY_PID = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT count%' AND state = 'active'"
WITHOUT_PTRACE = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_SYS_PTRACE = 24, 19
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0):
    sys.exit("cannot drop")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
"""
LOOK = """
import os, sys
from pathlib import Path
from howdah.postgres import gone
print(*gone.processes_of(Path(sys.argv[1])))
"""


@pytest.fixture
def server() -> Iterator[ServerDirectory]:
    """A server directory that was never started."""
    with server_directory() as directory:
        yield directory


@contextlib.contextmanager
def _busy_backend(server: ServerDirectory) -> Iterator[int]:
    """A backend that computes and looks at nothing else."""
    client = server.start_query(BUSY)
    try:
        end = time.monotonic() + WAIT_LIMIT_S
        while not (found := server.query(BUSY_PID)):
            assert time.monotonic() < end
        yield int(found)
    finally:
        client.kill()
        client.communicate()


def _run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _has_number(pid: int) -> bool:
    """Whether the number is taken, be it by a defunct process."""
    return Path(f"/proc/{pid}").exists()


def test_a_dead_postmaster_s_backends_are_found_and_killed(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        with _busy_backend(server) as backend:
            postmaster = process.view().postmaster
            assert postmaster is not None
            os.kill(postmaster, signal.SIGKILL)
            await until(lambda: process.view().postmaster is None and process.view().alive == 1)
            assert gone.processes_of(server.layout.data) == (backend,)
            assert not await process.stop_fast(20)
            await process.kill()
            assert process.view().alive == 0
            assert not gone.belongs(backend, server.layout.data)

    asyncio.run(story())


def test_a_start_first_ends_what_an_earlier_server_left(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        with _busy_backend(server) as backend:
            first = process.view().postmaster
            assert first is not None
            os.kill(first, signal.SIGKILL)
            await server.process().start(False, START_LIMIT_MS)
            assert backend not in gone.processes_of(server.layout.data)
            assert process.view().postmaster not in (None, first)
            assert server.query("SELECT 1") == "1"

    asyncio.run(story())


def test_a_stopped_backend_holds_a_fast_stop_and_not_a_kill(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        with _busy_backend(server) as backend:
            send((backend,), signal.SIGSTOP)
            assert not await process.stop_fast(200)
            assert backend in gone.processes_of(server.layout.data)
            await process.kill()
            assert process.view().alive == 0

    asyncio.run(story())


def test_a_stopped_postmaster_is_killed(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        postmaster = process.view().postmaster
        assert postmaster is not None
        send((postmaster,), signal.SIGSTOP)
        await process.kill()
        assert process.view().alive == 0

    asyncio.run(story())


def test_a_defunct_postmaster_is_neither_alive_nor_left_defunct(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        postmaster = process.view().postmaster
        assert postmaster is not None
        os.kill(postmaster, signal.SIGKILL)
        await until(lambda: postmaster not in gone.processes_of(server.layout.data))
        assert _has_number(postmaster)
        process.view()
        assert not _has_number(postmaster)
        await process.kill()

    asyncio.run(story())


def test_processes_of_a_deleted_directory_are_found_and_killed(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        kept, deleted = server.layout.root / "kept", server.layout.data.stat()
        _run("cp", "-a", server.layout.data, kept)
        _run("rm", "-rf", server.layout.data)
        assert process.view().alive > 0
        kept.rename(server.layout.data)  # another directory of the same name
        assert process.view().alive > 0
        await process.kill()
        assert process.view().alive == 0
        release_shared_memory(deleted)

    asyncio.run(story())


def test_a_process_that_the_server_started_counts_and_a_shell_on_a_terminal_does_not(
    server: ServerDirectory,
) -> None:
    data = server.layout.data
    helper = subprocess.Popen(["sleep", "600"], cwd=data, start_new_session=True)
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, "-c", "import fcntl, termios, time; fcntl.ioctl(0, termios.TIOCSCTTY, 0); time.sleep(600)"],
        cwd=data,
        stdin=theirs,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + WAIT_LIMIT_S
        while gone.belongs(shell.pid, data):
            assert time.monotonic() < end
        assert gone.processes_of(data) == (helper.pid,)
        assert gone.kill_all(data, 10_000) == ()
        assert helper.wait() == -signal.SIGKILL
        assert shell.poll() is None
    finally:
        for process in (helper, shell):
            process.kill()
            process.wait()
        os.close(ours)
        os.close(theirs)


def test_a_stranger_is_not_signalled(server: ServerDirectory) -> None:
    stranger = subprocess.Popen(["sleep", "600"], cwd="/")
    try:
        (server.layout.data / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert not gone.signal_process(stranger.pid, server.layout.data, signal.SIGKILL)
        assert gone.kill_all(server.layout.data, 1_000) == ()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert not gone.signal_process(stranger.pid, server.layout.data, signal.SIGKILL)


def test_a_data_directory_reached_through_a_link_is_found(server: ServerDirectory) -> None:
    link = server.layout.root / "link"
    link.symlink_to(server.layout.data)
    helper = subprocess.Popen(["sleep", "600"], cwd=server.layout.data, start_new_session=True)
    try:
        assert gone.processes_of(link) == (helper.pid,)
    finally:
        helper.kill()
        helper.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root looks at processes of another account: run it as root")
def test_root_without_the_right_to_trace_as_in_a_container_finds_them_too(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        answer = _run(sys.executable, "-c", WITHOUT_PTRACE, LOOK, server.layout.data)
        found = {int(pid) for pid in answer.split()}
        assert process.view().postmaster in found
        assert len(found) == process.view().alive

    asyncio.run(story())


def test_the_thread_s_file_system_identity_is_as_before_after_a_look(server: ServerDirectory) -> None:
    libc = ctypes.CDLL(None)
    before = (libc.setfsuid(-1), libc.setfsgid(-1))
    gone.processes_of(server.layout.data)
    assert (libc.setfsuid(-1), libc.setfsgid(-1)) == before
