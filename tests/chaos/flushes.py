"""How do one server's flushes become slow, stand still or fail?

A preloaded library, built with the machine's C compiler. The agent starts PostgreSQL with an environment of its own, so
the node gets programs of its own: PostgreSQL's, but `postgres` is a script that preloads the library.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import preload

SOURCE = Path(__file__).with_name("flushes.c")
SCRIPT = '#!/bin/sh\nLD_PRELOAD={library} CHAOS_DISK={file} exec {program} "$@"\n'


@dataclass(frozen=True, slots=True)
class Flushing:
    """What every flush meets; as built, none."""

    delay_ms: int = 0
    stalls: bool = False
    fails: bool = False


def build_library(directory: Path) -> Path | None:
    """The library; None without a compiler."""
    return preload.build_library(SOURCE, directory)


def set_flushing(file: Path, disk: Flushing) -> None:
    """From now on, for every process that has the file."""
    preload.tell(file, struct.pack("=qqq", disk.delay_ms, disk.stalls, disk.fails))


def make_programs(directory: Path, programs: Path, library: Path, file: Path) -> Path:
    """A directory of programs below `directory` for one node, like the one in `programs`."""
    made = directory / "bin"
    made.mkdir(parents=True)
    for name in ("lib", "share"):
        (directory / name).symlink_to(programs.parent / name)
    for program in programs.iterdir():
        if program.name != "postgres":
            (made / program.name).symlink_to(program)
    script = made / "postgres"
    script.write_text(SCRIPT.format(library=library, file=file, program=programs / "postgres"))
    for path in (directory, made, script):
        path.chmod(0o755)
    return made
