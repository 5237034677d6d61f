"""Does a wall clock jump for one process, and no other clock with it?"""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.wallclock import WANTED, build_library, environment, set_offset

CLOCKS = "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), sep='\\n', flush=True)"
PROGRAM = f"import sys\nfor line in sys.stdin: exec({CLOCKS!r})"
HOUR_S = 3600


def test_the_wall_clock_jumps_while_the_process_runs_and_boottime_does_not(tmp_path: Path) -> None:
    library, file = build_library(tmp_path), tmp_path / "offset"
    if library is None:
        pytest.skip(WANTED)
    set_offset(file, 0)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=environment(library, file),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for seconds in (0, HOUR_S, -HOUR_S):
            set_offset(file, seconds)
            process.stdin.write("\n")
            process.stdin.flush()
            wall, boot = float(process.stdout.readline()), float(process.stdout.readline())
            assert abs(wall - time.time() - seconds) < HOUR_S / 2
            assert abs(boot - time.clock_gettime(time.CLOCK_BOOTTIME)) < HOUR_S / 2
        process.stdin.close()
