"""Does a server start, stop, reload and end as the agent believes, as a child and after adoption?"""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.process import LOG_ROTATE_BYTES, StillStarting, set_standby_signal
from tests.postgres.serverdir import START_LIMIT_MS, ServerDirectory, server_directory
from tests.waiting import until


@pytest.fixture
def server() -> Iterator[ServerDirectory]:
    """A server directory that was never started."""
    with server_directory() as directory:
        yield directory


def _settings(server: ServerDirectory, text: str) -> None:
    with (server.layout.data / "postgresql.conf").open("a") as file:
        file.write(f"{text}\n")


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def test_a_started_server_can_be_logged_into_and_a_fast_stop_leaves_no_process(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        assert process.view().alive == 0
        await process.start(False, START_LIMIT_MS)
        assert server.query("SELECT pg_is_in_recovery()") == "f"
        view = process.view()
        assert view.postmaster is not None
        assert view.alive > 3
        assert str(server.layout.root) in _command_line(view.postmaster)
        assert await process.stop_fast(START_LIMIT_MS)
        assert process.view() == type(view)(None, 0)
        assert not (server.layout.data / "postmaster.pid").exists()

    asyncio.run(story())


def test_a_start_in_recovery_returns_once_a_login_works_and_the_next_one_without_it_is_a_primary(
    server: ServerDirectory,
) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(True, START_LIMIT_MS)
        assert server.query("SELECT pg_is_in_recovery()") == "t"
        assert await process.stop_fast(START_LIMIT_MS)
        await process.start(False, START_LIMIT_MS)
        assert server.query("SELECT pg_is_in_recovery()") == "f"
        assert not (server.layout.data / "standby.signal").exists()

    asyncio.run(story())


def test_a_failed_start_says_what_this_start_wrote_to_the_log(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        await process.stop_fast(START_LIMIT_MS)
        _settings(server, "shared_buffers = 'no size'")
        with pytest.raises(PostgresFailure) as failure:
            await process.start(False, START_LIMIT_MS)
        assert "no size" in str(failure.value)
        assert "database system is shut down" not in str(failure.value)
        assert process.view().alive == 0

    asyncio.run(story())


def test_a_taken_port_is_named(server: ServerDirectory) -> None:
    async def story() -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", server.port))
            holder.listen()
            with pytest.raises(PostgresFailure, match=f'"127.0.0.1", port {server.port}|port {server.port}'):
                await server.process().start(False, START_LIMIT_MS)

    asyncio.run(story())


def test_a_directory_without_data_is_not_started(server: ServerDirectory) -> None:
    (server.layout.data / "PG_VERSION").unlink()
    with pytest.raises(PostgresFailure, match="holds no PostgreSQL data"):
        asyncio.run(server.process().start(False, START_LIMIT_MS))


def test_recovery_that_nobody_can_log_into_is_refused_with_the_mend(server: ServerDirectory) -> None:
    _settings(server, "hot_standby = off")
    with pytest.raises(PostgresFailure, match="hot_standby = off"):
        asyncio.run(server.process().start(True, START_LIMIT_MS))


def test_a_start_over_its_limit_leaves_the_server_starting_and_it_can_be_waited_for(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        with pytest.raises(StillStarting):
            await process.start(False, 0)
        assert process.view().postmaster is not None
        await process.wait_ready(START_LIMIT_MS)
        assert server.query("SELECT 1") == "1"

    asyncio.run(story())


def test_waiting_for_a_server_that_does_not_run_fails(server: ServerDirectory) -> None:
    with pytest.raises(PostgresFailure, match="no server runs"):
        asyncio.run(server.process().wait_ready(START_LIMIT_MS))


def test_a_reload_brings_new_settings_and_needs_a_server(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        with pytest.raises(PostgresFailure, match="no server runs"):
            await process.reload()
        await process.start(False, START_LIMIT_MS)
        _settings(server, "work_mem = '7MB'")
        await process.reload()
        await until(lambda: server.query("SHOW work_mem") == "7MB")

    asyncio.run(story())


def _end_is_seen(server: ServerDirectory, factory: type[asyncio.AbstractEventLoop] | None) -> None:
    async def story() -> None:
        process = server.process()
        await process.exited()  # nothing runs: at once
        await process.start(False, START_LIMIT_MS)
        postmaster = process.view().postmaster
        assert postmaster is not None
        waiting = asyncio.create_task(process.exited())
        other = asyncio.create_task(server.process().exited())
        await asyncio.sleep(0)
        assert not waiting.done()
        os.kill(postmaster, signal.SIGKILL)
        async with asyncio.timeout(30):
            await asyncio.gather(waiting, other)
        assert process.view().postmaster is None
        await process.kill()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(story())


def test_the_end_of_the_postmaster_is_seen(server: ServerDirectory) -> None:
    _end_is_seen(server, None)


def test_the_end_of_the_postmaster_is_seen_under_uvloop(server: ServerDirectory) -> None:
    _end_is_seen(server, uvloop.Loop)


def test_waiting_for_the_end_can_be_given_up(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        waiting = asyncio.create_task(process.exited())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert process.view().postmaster is not None

    asyncio.run(story())


def test_a_server_of_a_dead_agent_is_adopted(server: ServerDirectory) -> None:
    server.start_by_another_agent()

    async def story() -> None:
        process = server.process()
        postmaster = process.view().postmaster
        assert postmaster is not None
        await process.wait_ready(START_LIMIT_MS)
        await process.reload()
        waiting = asyncio.create_task(process.exited())
        assert await process.stop_fast(START_LIMIT_MS)
        async with asyncio.timeout(30):
            await waiting
        assert process.view().postmaster is None
        await process.start(False, START_LIMIT_MS)
        assert process.view().postmaster not in (None, postmaster)

    asyncio.run(story())


def test_a_lock_file_with_a_stranger_s_number_does_not_keep_a_server_from_starting(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        postmaster = process.view().postmaster
        await process.kill()
        lock = server.layout.data / "postmaster.pid"
        socket_lock = server.layout.root / f".s.PGSQL.{server.port}.lock"
        for file in (lock, socket_lock):
            lines = file.read_text().splitlines()
            assert lines[0] == str(postmaster)
            file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        assert process.view().postmaster is None
        await process.start(False, START_LIMIT_MS)
        assert server.query("SELECT 1") == "1"

    asyncio.run(story())


def test_standby_signal_is_made_without_following_a_link(server: ServerDirectory) -> None:
    victim = server.layout.root / "victim"
    victim.write_text("untouched")
    victim.chmod(0o644)
    owner = victim.stat().st_uid
    link = server.layout.data / "standby.signal"
    link.symlink_to(victim)
    set_standby_signal(server.layout.data, True, server.account)
    assert link.is_file()
    assert not link.is_symlink()
    assert (victim.read_text(), victim.stat().st_uid) == ("untouched", owner)
    if server.account is not None:
        assert link.stat().st_uid == server.account.uid
    set_standby_signal(server.layout.data, True, server.account)
    set_standby_signal(server.layout.data, False, server.account)
    assert not link.exists()


def test_a_log_that_grew_large_is_put_aside_at_a_start(server: ServerDirectory) -> None:
    server.layout.log.mkdir()
    log = server.layout.log / "postgresql.log"
    with log.open("wb") as file:
        file.truncate(LOG_ROTATE_BYTES + 1)

    async def story() -> None:
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        assert (server.layout.log / "postgresql.log.1").stat().st_size > LOG_ROTATE_BYTES
        assert "ready to accept connections" in log.read_text()
        await process.stop_fast(START_LIMIT_MS)

    asyncio.run(story())
