"""Does a killed server leave shared memory behind?"""

import asyncio
from pathlib import Path

from howdah.postgres.sharedmemory import release_shared_memory
from tests.postgres.serverdir import START_LIMIT_MS, ServerDirectory, is_file, server_directory, shared_files


def _segment(server: ServerDirectory) -> str:
    """The number of the running server's System V segment."""
    return (server.layout.data / "postmaster.pid").read_text().splitlines()[6].split()[1]


def _exists(identifier: str) -> bool:
    return identifier in (line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:])


def test_a_kill_leaves_no_shared_memory() -> None:
    async def story() -> None:
        with server_directory() as server:
            process = server.process()
            await process.start(False, START_LIMIT_MS)
            segment, files = _segment(server), shared_files(server)
            assert files
            await process.kill()
            assert not _exists(segment)
            assert not [file for file in files if is_file(file)]

    asyncio.run(story())


def test_a_running_server_s_shared_memory_is_left_alone() -> None:
    async def story() -> None:
        with server_directory() as server:
            process = server.process()
            await process.start(False, START_LIMIT_MS)
            assert release_shared_memory(server.layout.data.stat()) == 0
            assert _exists(_segment(server))
            assert all(map(is_file, shared_files(server)))
            assert server.query("SELECT 1") == "1"
            assert await process.stop_fast(START_LIMIT_MS)
            assert release_shared_memory(server.layout.data.stat()) == 0

    asyncio.run(story())
