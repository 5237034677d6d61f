"""Is PostgreSQL killed in time when nobody renews the deadline, and only then?"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from howdah.agent.deadman.client import DeadmanClient
from howdah.agent.deadman.process import Deadman
from howdah.ports.deadman import DeadmanGone
from howdah.postgres import gone
from howdah.postgres.layout import NodeLayout
from tests.postgres.serverdir import START_LIMIT_MS, ServerDirectory, server_directory
from tests.signals import send
from tests.waiting import until

MEMORY_KB_MAX = 15 * 1024
FAR_MS = 3_600_000
AGENT = """
import asyncio, sys, time
from pathlib import Path
from howdah.agent.deadman.client import DeadmanClient
from howdah.postgres.layout import NodeLayout

async def main():
    client = DeadmanClient(NodeLayout(Path(sys.argv[1])))
    assert await client.alive()
    await client.arm(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 + int(sys.argv[2]))
    print("armed", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@contextlib.contextmanager
def _node(root: Path) -> Iterator[NodeLayout]:
    """End whatever dead-man of this node is left."""
    layout = NodeLayout(root)
    try:
        yield layout
    finally:
        for pid in _deadmen(layout):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


@pytest.fixture
def node() -> Iterator[NodeLayout]:
    """A node without a server."""
    with tempfile.TemporaryDirectory(prefix="howdah-test-", dir="/tmp") as name:
        root = Path(name) / "n1"
        root.mkdir()
        with _node(root) as layout:
            yield layout


@pytest.fixture
def server() -> Iterator[ServerDirectory]:
    """A node with a server that was never started."""
    with server_directory() as directory, _node(directory.layout.root):
        yield directory


def _deadmen(layout: NodeLayout) -> list[int]:
    """The live dead-man processes of this node: they carry its path in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if b"howdah.agent.deadman.process" in line and str(layout.data).encode() in line.split(b"\0"):
                found.append(int(entry.name))
    return found


def _boot_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _log(layout: NodeLayout) -> str:
    return (layout.log / "deadman.log").read_text()


def _process_in(data: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "600"], cwd=data, start_new_session=True)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_the_server_is_killed_at_the_deadline_while_the_agent_does_nothing(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        client = DeadmanClient(server.layout)
        assert await client.alive()
        await process.start(False, START_LIMIT_MS)
        deadline = _boot_ms() + 300
        await client.arm(deadline)
        assert process.view().postmaster is not None
        await until(lambda: process.view().alive == 0)
        assert _boot_ms() >= deadline
        state = await client.state()
        assert state.fired_at_ms >= deadline
        await until(lambda: "no process of" in _log(server.layout))

    asyncio.run(story())


def test_a_backend_that_outlived_its_postmaster_is_killed_at_the_deadline(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        client = DeadmanClient(server.layout)
        assert await client.alive()
        await process.start(False, START_LIMIT_MS)
        busy = server.start_query("SELECT count(*) FROM generate_series(1, 1000000000000)")
        await until(
            lambda: (
                server.query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) FROM g%'") == "1"
            )
        )
        postmaster = process.view().postmaster
        assert postmaster is not None
        os.kill(postmaster, signal.SIGKILL)
        await until(lambda: process.view().alive == 1)
        send((gone.processes_of(server.layout.data)[0],), signal.SIGSTOP)
        await client.arm(_boot_ms() + 1)
        await until(lambda: process.view().alive == 0)
        busy.kill()
        busy.communicate()

    asyncio.run(story())


def test_a_deadline_that_is_renewed_does_not_fire_and_disarming_ends_it(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        client = DeadmanClient(server.layout)
        assert await client.alive()
        await process.start(False, START_LIMIT_MS)
        first = _boot_ms() + 1_000
        await client.arm(first)
        await client.arm(first + FAR_MS)
        await until(lambda: _boot_ms() > first + 300)
        assert (await client.state()).fired_at_ms == 0
        assert server.query("SELECT 1") == "1"
        await client.disarm()
        assert (await client.state()).deadline_ms == 0

    asyncio.run(story())


def test_what_starts_after_the_deadline_is_killed_until_the_dead_man_is_disarmed(server: ServerDirectory) -> None:
    async def story() -> None:
        client = DeadmanClient(server.layout)
        assert await client.alive()
        await client.arm(1)
        late = _process_in(server.layout.data)
        await until(lambda: late.poll() is not None)
        await client.disarm()
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        assert server.query("SELECT 1") == "1"

    asyncio.run(story())


def test_the_agent_s_death_changes_nothing_and_the_next_agent_finds_the_same_dead_man(server: ServerDirectory) -> None:
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(server.layout.root), str(FAR_MS)], stdout=subprocess.PIPE
    )
    assert agent.stdout is not None
    assert agent.stdout.readline() == b"armed\n"
    os.kill(agent.pid, signal.SIGKILL)
    agent.communicate()

    async def story() -> None:
        client = DeadmanClient(server.layout)
        before = await client.state()
        assert before.deadline_ms > _boot_ms()
        assert await client.alive()
        process = server.process()
        await process.start(False, START_LIMIT_MS)
        await client.arm(_boot_ms() + 50)
        assert (await client.state()).pid == before.pid
        await until(lambda: process.view().alive == 0)

    asyncio.run(story())


def test_a_stopped_dead_man_fires_at_once_when_it_goes_on_after_the_deadline(server: ServerDirectory) -> None:
    async def story() -> None:
        process = server.process()
        client = DeadmanClient(server.layout)
        assert await client.alive()
        pid = (await client.state()).pid
        await process.start(False, START_LIMIT_MS)
        deadline = _boot_ms() + 200
        await client.arm(deadline)
        send((pid,), signal.SIGSTOP)
        await until(lambda: _boot_ms() > deadline + 200)
        assert process.view().postmaster is not None
        os.kill(pid, signal.SIGCONT)
        await until(lambda: process.view().alive == 0)

    asyncio.run(story())


def test_a_dead_man_that_hangs_is_noticed_and_replaced_with_its_deadline_kept(node: NodeLayout) -> None:
    async def story() -> None:
        client = DeadmanClient(node)
        assert await client.alive()
        await client.arm(_boot_ms() + FAR_MS)
        before = await client.state()
        send((before.pid,), signal.SIGSTOP)
        await until(lambda: _is_stopped(before.pid))
        with pytest.raises(DeadmanGone, match="does not answer"):
            await client.arm(_boot_ms() + 2 * FAR_MS)
        assert await client.alive()
        after = await client.state()
        assert after.pid != before.pid
        assert after.deadline_ms > before.deadline_ms
        assert _deadmen(node) == [after.pid]

    asyncio.run(story())


def test_without_a_dead_man_arming_fails(node: NodeLayout) -> None:
    async def story() -> None:
        client = DeadmanClient(node)
        for attempt in (client.arm(1), client.disarm(), client.quit()):
            with pytest.raises(DeadmanGone, match="no dead-man answers"):
                await attempt

    asyncio.run(story())


def test_an_interpreter_that_does_not_run_is_named(node: NodeLayout) -> None:
    client = DeadmanClient(node, Path("/no/such/python"))
    assert not asyncio.run(client.alive())
    assert "/no/such/python: No such file" in client.fault


def test_a_killed_dead_man_is_started_again(node: NodeLayout) -> None:
    async def story() -> None:
        client = DeadmanClient(node)
        assert await client.alive()
        first = (await client.state()).pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: first not in _deadmen(node))
        with pytest.raises(DeadmanGone):
            await client.state()
        assert await client.alive()
        assert _deadmen(node) == [(await client.state()).pid]

    asyncio.run(story())


def test_a_node_has_one_dead_man_however_many_ask_for_it(node: NodeLayout) -> None:
    async def story() -> None:
        assert all(await asyncio.gather(*(DeadmanClient(node).alive() for _ in range(3))))
        await until(lambda: len(_deadmen(node)) == 1)

    asyncio.run(story())


def test_it_ends_when_told_but_not_while_armed(node: NodeLayout) -> None:
    async def story() -> None:
        client = DeadmanClient(node)
        assert await client.alive()
        pid = (await client.state()).pid
        await client.arm(_boot_ms() + FAR_MS)
        with pytest.raises(DeadmanGone, match="error armed"):
            await client.quit()
        os.kill(pid, signal.SIGTERM)
        assert (await client.state()).pid == pid
        await client.disarm()
        await client.quit()
        await until(lambda: _deadmen(node) == [])
        assert not (node.root / "deadman.sock").exists()

    asyncio.run(story())


def test_a_termination_ends_it_while_disarmed(node: NodeLayout) -> None:
    async def story() -> None:
        client = DeadmanClient(node)
        assert await client.alive()
        os.kill((await client.state()).pid, signal.SIGTERM)
        await until(lambda: _deadmen(node) == [])

    asyncio.run(story())


def test_it_ends_with_its_node_s_directory_but_not_before_its_deadline(node: NodeLayout) -> None:
    node.data.mkdir()
    server = _process_in(node.data)

    async def story() -> None:
        client = DeadmanClient(node)
        assert await client.alive()
        await client.arm(_boot_ms() + 1_500)
        shutil.rmtree(node.root)
        await until(lambda: _deadmen(node) == [])

    asyncio.run(story())
    assert server.wait() == -signal.SIGKILL


def test_a_removed_socket_comes_back(node: NodeLayout) -> None:
    async def story() -> None:
        client = DeadmanClient(node)
        assert await client.alive()
        pid = (await client.state()).pid
        path = node.root / "deadman.sock"
        path.unlink()
        await until(path.exists)
        assert (await client.state()).pid == pid

    asyncio.run(story())


def test_a_node_with_a_long_path_works_too_also_under_uvloop(node: NodeLayout) -> None:
    root = node.root / ("long" * 40)
    root.mkdir()

    async def story(layout: NodeLayout) -> None:
        client = DeadmanClient(layout)
        assert await client.alive()
        await client.arm(_boot_ms() + FAR_MS)
        await client.disarm()
        await client.quit()

    with _node(root) as layout, asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        runner.run(story(layout))


def test_it_is_small(node: NodeLayout) -> None:
    async def story() -> int:
        client = DeadmanClient(node)
        assert await client.alive()
        return (await client.state()).pid

    pid = asyncio.run(story())
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    assert resident <= MEMORY_KB_MAX


def test_somebody_else_s_socket_is_not_taken_for_a_dead_man(node: NodeLayout) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"hello\n")
        writer.close()

    async def story() -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(node.root / "deadman.sock"))
        async with await asyncio.start_unix_server(answer, sock=listener):
            with pytest.raises(DeadmanGone, match="it answered 'hello'"):
                await DeadmanClient(node).state()

    asyncio.run(story())


@pytest.mark.parametrize("request_", ["", "arm", "arm x", "arm -1", "arm 0", "arm 1 2", "fire", "arm ²"])
def test_nonsense_is_refused_and_changes_nothing(node: NodeLayout, request_: str) -> None:
    deadman = Deadman(node.data, node.root / "log", deadline_ms=77)
    assert deadman.answer(request_).startswith("error unknown request")
    assert deadman.answer("ping") == "ok 77 0"


def test_steps_are_short_while_armed_and_end_at_the_deadline(node: NodeLayout) -> None:
    deadman = Deadman(node.data, node.root / "log")
    assert deadman.step(1_000) == 1_000
    assert deadman.answer("arm 2000") == "ok 2000 0"
    assert deadman.step(1_000) == 100
    assert deadman.step(1_960) == 40
    deadman.step(2_005)
    assert deadman.answer("ping") == "ok 2000 2005"
    assert deadman.answer("arm 3000") == "ok 3000 0"
