"""Do the flushes of one process become slow or fail, and stop doing so?"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.flushes import Flushing, build_library, make_programs, set_flushing

FLUSH = """
import os, sys
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
for line in sys.stdin:
    try:
        os.fsync(file); os.fdatasync(file); print("flushed", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


def test_flushes_fail_and_are_slow_as_the_file_says(tmp_path: Path) -> None:
    library, file = build_library(tmp_path), tmp_path / "disk"
    if library is None:
        pytest.skip("flushes cannot be spoiled here, because there is no C compiler cc (Debian's package gcc)")
    set_flushing(file, Flushing())
    with subprocess.Popen(
        [sys.executable, "-c", FLUSH, str(tmp_path / "written")],
        env=os.environ | {"LD_PRELOAD": str(library), "CHAOS_DISK": str(file)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def flush() -> str:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert flush() == "flushed"
        set_flushing(file, Flushing(fails=True))
        assert flush() == "Input/output error"
        set_flushing(file, Flushing(delay_ms=50))
        began = time.monotonic()
        assert flush() == "flushed"
        assert time.monotonic() - began >= 0.1
        set_flushing(file, Flushing())
        assert flush() == "flushed"
        process.stdin.close()


def test_a_node_s_programs_are_postgresql_s_but_for_one_script(tmp_path: Path) -> None:
    programs = tmp_path / "installed" / "bin"
    for name in ("bin", "lib", "share"):
        (tmp_path / "installed" / name).mkdir(parents=True)
    for name, says in (("postgres", "echo real $CHAOS_DISK $1"), ("initdb", "echo initdb")):
        (programs / name).write_text(f"#!/bin/sh\n{says}\n")
        (programs / name).chmod(0o755)
    made = make_programs(tmp_path / "n1", programs, Path("/dev/null"), tmp_path / "disk")
    assert {path.name for path in made.iterdir()} == {"postgres", "initdb"}
    done = subprocess.run([made / "postgres", "-V"], capture_output=True, text=True, check=True)
    assert done.stdout == f"real {tmp_path / 'disk'} -V\n"
    assert (tmp_path / "n1" / "share").is_dir()
