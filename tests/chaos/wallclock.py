"""How does one node's wall clock jump? (A time namespace has none of its own.)

A preloaded library, built with the machine's C compiler, adds the seconds that stand in a file. It reaches the agent
and its dead-man; PostgreSQL is started by the agent with an environment of its own and keeps the real time.
"""

import struct
from pathlib import Path

from tests.chaos import preload

SOURCE = Path(__file__).with_name("wallclock.c")
WANTED = "wall clocks cannot jump here, because there is no C compiler cc (Debian's package gcc)"


def build_library(directory: Path) -> Path | None:
    """The library; None without a compiler."""
    return preload.build_library(SOURCE, directory)


def set_offset(file: Path, seconds: int) -> None:
    """From now on, for every process that has the file."""
    preload.tell(file, struct.pack("=q", seconds))


def environment(library: Path, file: Path) -> dict[str, str]:
    """What a process needs to be started with."""
    return {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(file)}
