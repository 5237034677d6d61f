"""Does a killed server leave shared memory behind?"""

import asyncio
from pathlib import Path

from howdah.postgres import gone
from howdah.postgres.sharedmemory import release_shared_memory
from tests.postgres.serverdir import START_LIMIT_MS, ServerDirectory, server_directory


def _segment(server: ServerDirectory) -> str:
    """The number of the running server's System V segment."""
    return (server.layout.data / "postmaster.pid").read_text().splitlines()[6].split()[1]


def _exists(identifier: str) -> bool:
    return identifier in (line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:])


def _posix(server: ServerDirectory) -> set[str]:
    """The files in /dev/shm that processes of this server have mapped."""
    found = set()
    for pid in gone.processes_of(server.layout.data):
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if "/dev/shm/PostgreSQL." in line:
                found.add(line.split()[5])
    return found


def test_a_kill_leaves_no_shared_memory() -> None:
    async def story() -> None:
        with server_directory() as server:
            process = server.process()
            await process.start(False, START_LIMIT_MS)
            segment, files = _segment(server), _posix(server)
            assert files
            await process.kill()
            assert not _exists(segment)
            assert not [file for file in files if _is_file(file)]

    asyncio.run(story())


def test_a_running_server_s_shared_memory_is_left_alone() -> None:
    async def story() -> None:
        with server_directory() as server:
            process = server.process()
            await process.start(False, START_LIMIT_MS)
            assert release_shared_memory(server.layout.data.stat()) == 0
            assert _exists(_segment(server))
            assert all(map(_is_file, _posix(server)))
            assert server.query("SELECT 1") == "1"
            assert await process.stop_fast(START_LIMIT_MS)
            assert release_shared_memory(server.layout.data.stat()) == 0

    asyncio.run(story())


def _is_file(path: str) -> bool:
    return Path(path).is_file()
