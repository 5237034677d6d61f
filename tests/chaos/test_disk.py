"""Does a disk whose power goes keep what was flushed, and nothing else? Needs root."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.chaos.disk import SmallDisk
from tests.chaos.machine import missing

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
