"""How does a node's disk lose what was not flushed when the power goes?

Each node has a small file system of its own in a file. The kernel can be told to forget of it what has not reached the
disk (EXT4_IOC_SHUTDOWN without a last flush); mounted again it is what a machine finds that was switched off.
"""

import fcntl
import os
import struct
import subprocess
from pathlib import Path

from tests.chaos.network import run
from tests.realcluster.processes import eventually

SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125
WITHOUT_FLUSH = struct.pack("I", 2)


class SmallDisk:
    """A file system in the file `image`, mounted at `place`."""

    def __init__(self, image: Path, place: Path, size_mb: int) -> None:
        self._image = image
        self.place = place
        place.mkdir(exist_ok=True)
        with image.open("wb") as file:
            file.truncate(size_mb * 1024 * 1024)
        run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
        self._mount()

    def _mount(self) -> None:
        run("mount", "-o", "loop", str(self._image), str(self.place))

    def forget_unflushed(self) -> None:
        """From now on nothing is read or written there."""
        handle = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, WITHOUT_FLUSH)
        finally:
            os.close(handle)

    def power_up(self) -> None:
        """After `forget_unflushed`, and once nobody uses it any more: what was flushed is there again."""
        eventually(self._unmounted, f"{self.place} is in use by nobody")
        self._mount()

    def _unmounted(self) -> bool:
        return subprocess.run(["umount", str(self.place)], capture_output=True, check=False).returncode == 0
