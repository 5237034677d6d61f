"""Who else sees a file system that is mounted behind `with_own_mounts`? Mounts one, says so, and waits for its end.

python -m tests.chaos.mountedalone DIRECTORY
"""

import sys
from pathlib import Path

from tests.chaos.disk import SmallDisk
from tests.chaos.machine import with_own_mounts

if __name__ == "__main__":
    with_own_mounts("tests.chaos.mountedalone")
    directory = Path(sys.argv[1])
    disk = SmallDisk(directory / "image", directory / "disk", 32)
    (disk.place / "kept").write_text("mounted")
    sys.stdout.write("mounted\n")
    sys.stdout.flush()
    sys.stdin.readline()
