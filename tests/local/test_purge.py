"""Does `down --purge` remove what is Howdah's, and nothing else?"""

from pathlib import Path

import pytest

from howdah.local.place import Place
from howdah.local.plan import Plan, PlannedNode, write_plan
from howdah.local.purge import purge
from howdah.local.refused import Refused

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
