"""What if the disk under the agent's state is full, or has become read-only?"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from howdah.agent.statefile import StateFile
from howdah.cluster.localstate import LocalState
from howdah.ports.disk import DiskFailure

KEPT = LocalState(cluster="c", member_id="id1", promise=5)
LATER = LocalState(cluster="c", member_id="id1", promise=6)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 64 kB."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system: run it as root")
    made = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path), capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here (it takes CAP_SYS_ADMIN): {made.stderr.strip()}")
    try:
        yield tmp_path
    finally:
        subprocess.run(("umount", tmp_path), check=True)


def test_a_full_disk_refuses_the_new_state_and_the_old_one_stands(small_disk: Path) -> None:
    file = StateFile(small_disk / "state.json")
    file.save(KEPT)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as filling:
        while True:
            filling.write(bytes(4096))
    with pytest.raises(DiskFailure, match=r"cannot be made durable.*No space left"):
        file.save(LATER)
    assert file.load() == KEPT
    ballast.unlink()
    file.save(LATER)
    assert file.load() == LATER


def test_a_read_only_disk_refuses_it_too(small_disk: Path) -> None:
    file = StateFile(small_disk / "state.json")
    file.save(KEPT)
    subprocess.run(("mount", "-o", "remount,ro", small_disk), check=True)
    with pytest.raises(DiskFailure, match=r"cannot be made durable.*Read-only file system"):
        file.save(LATER)
    assert file.load() == KEPT
    subprocess.run(("mount", "-o", "remount,rw", small_disk), check=True)
    file.save(LATER)
    assert file.load() == LATER
