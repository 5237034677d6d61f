"""Does `down --purge` remove what is Howdah's, and nothing else?"""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from howdah.local.place import Place
from howdah.local.plan import Plan, PlannedNode, write_plan
from howdah.local.purge import purge
from howdah.local.refused import Refused
from howdah.postgres import gone
from tests.postgres.serverdir import START_LIMIT_MS, is_file, server_directory, shared_files
from tests.realcluster.processes import eventually

PLAN = Plan("main", "sqlite", (PlannedNode("n1", 5432, 8008),))


def cluster(root: Path) -> Place:
    """A directory with a cluster's files."""
    place = Place(root)
    for directory in (place.node("n1") / "data", place.store, place.secrets, root / "postgres-18.6-1"):
        directory.mkdir(parents=True)
        (directory / "file").touch()
    for file in (place.connection, place.lock, place.stopped):
        file.touch()
    write_plan(place.plan, PLAN)
    return place


def test_everything_goes_and_the_directory_too(tmp_path: Path) -> None:
    place = cluster(tmp_path / "here")
    assert purge(place, PLAN) == ()
    assert not place.root.exists()


def test_what_is_not_the_clusters_stays(tmp_path: Path) -> None:
    place = cluster(tmp_path / "here")
    (place.root / "notes.txt").touch()
    assert purge(place, PLAN) == (place.root / "notes.txt",)
    assert [path.name for path in place.root.iterdir()] == ["notes.txt"]


def test_a_directory_that_is_no_cluster_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n1").mkdir()
    with pytest.raises(Refused, match="Nothing was removed"):
        purge(Place(tmp_path), PLAN)
    assert (tmp_path / "n1").exists()


def test_the_shared_memory_of_killed_servers_goes_with_their_directories() -> None:
    """They are never started again, and nobody else would remove it."""

    async def killed() -> set[str]:
        with server_directory() as server:
            process = server.process()
            await process.start(False, START_LIMIT_MS)
            files = shared_files(server)
            for pid in gone.processes_of(server.layout.data):
                os.kill(pid, signal.SIGKILL)
            eventually(lambda: not gone.processes_of(server.layout.data), "it is gone")
            assert files and all(map(is_file, files))
            place = Place(server.layout.root.parent)
            write_plan(place.plan, PLAN)
            purge(place, PLAN)
            place.root.mkdir(exist_ok=True)  # which the rig removes
            return files

    assert not [file for file in asyncio.run(killed()) if is_file(file)]
