"""Does a disk whose power goes keep what was flushed, and nothing else? Needs root."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.disk import SmallDisk
from tests.chaos.machine import missing
from tests.realcluster.node import HERE

WANTING = missing()
pytestmark = pytest.mark.skipif(bool(WANTING), reason="; ".join(WANTING) or "nothing is missing")


def test_after_a_power_cut_what_was_flushed_is_there_and_what_was_not_is_gone(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path / "image", tmp_path / "disk", 32)
    try:
        with (disk.place / "kept").open("w") as kept:
            kept.write("flushed")
            kept.flush()
            os.fsync(kept.fileno())
        (disk.place / "lost").write_text("only written")
        disk.forget_unflushed()
        disk.power_up()
        assert (disk.place / "kept").read_text() == "flushed"
        lost = disk.place / "lost"
        assert not lost.exists() or not lost.read_text()
    finally:
        subprocess.run(["umount", str(disk.place)], check=False)


def test_no_other_program_takes_a_copy_of_a_node_s_file_system_along(tmp_path: Path) -> None:
    """Such a copy (a container's is enough) would keep a disk that lost its power from coming back as it was."""
    command = [sys.executable, "-m", "tests.chaos.mountedalone", str(tmp_path)]
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as alone:
        assert alone.stdout is not None
        assert alone.stdin is not None
        assert alone.stdout.readline() == "mounted\n"
        own = Path(f"/proc/{alone.pid}/mountinfo").read_text()
        others = Path("/proc/self/mountinfo").read_text()
        alone.stdin.write("\n")
        alone.stdin.close()
    assert alone.returncode == 0
    assert f"{tmp_path}/disk" in own
    assert f"{tmp_path}/disk" not in others
    attached = subprocess.run(["losetup", "-j", str(tmp_path / "image")], capture_output=True, text=True, check=True)
    assert not attached.stdout, "the disk is still in use"
