"""What do framing and counting cost per message: `python -m benchmarks.wire`, with the source as it is or compiled?

    python -m benchmarks.wire              # the package as it is installed
    python -m benchmarks.wire --compiled   # the hot modules by mypyc (needs a C compiler), in a temporary directory

Processor time, not time that passes: steadier on a busy machine. The best of several runs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from howdah.wire import codes, expect, frame, replies, requests, rows
from howdah.wire.prepared import read_names, renamed
from howdah.wire.requests import Bind, Parse, Target

RUNS = 7
RUN_S = 0.05
HOT_MODULES = ("codes", "sqlstate", "violation", "fields", "frame", "expect", "requests", "prepared")
ONE_ROW = rows.table([rows.Column("abalance", rows.BIGINT_OID)], [[5]], "SELECT") + replies.READY_IDLE
EXTENDED = replies.PARSE_COMPLETE + replies.BIND_COMPLETE + ONE_ROW
MANY_ROWS = rows.table([rows.Column("n", rows.BIGINT_OID)], [[n] for n in range(1000)], "SELECT") + replies.READY_IDLE
QUERY = requests.query(b"SELECT abalance FROM pgbench_accounts WHERE aid = 4711;")
BATCH = b"".join(
    (
        requests.parse(Parse(b"", b"SELECT abalance FROM pgbench_accounts WHERE aid = $1;")),
        requests.bind(Bind(b"", b"", (), (b"4711",))),
        requests.describe(Target(codes.PORTAL, b"")),
        requests.execute(),
        requests.SYNC,
    )
)

Once = Callable[[], None]


def nanoseconds(once: Once) -> float:
    """Processor time of one call, at best."""
    once()
    started = time.process_time()
    once()
    times = max(1, int(RUN_S / max(time.process_time() - started, 1e-7)))
    best = float("inf")
    for _ in range(RUNS):
        started = time.process_time()
        for _ in range(times):
            once()
        best = min(best, (time.process_time() - started) / times)
    return best * 1e9


def walking(kinds: bytes, data: bytes) -> Once:
    """Only framing."""
    framer = frame.Framer(kinds, frame.REPLY_MAX_BYTES)

    def once() -> None:
        framer.feed(data)
        while framer.step():
            pass

    return once


def answering(asked: bytes, data: bytes) -> Once:
    """Framing an answer, and knowing that the server is done."""
    framer = frame.Framer(frame.REPLIES, frame.REPLY_MAX_BYTES)
    expected = expect.Expect()

    def once() -> None:
        for kind in asked:
            expected.sent(kind)
        framer.feed(data)
        while found := framer.step():
            expected.heard(framer, found)

    return once


def renaming() -> Once:
    """Giving a Bind another statement."""
    raw = requests.bind(Bind(b"", b"P_0", (), (b"4711",)))

    def once() -> None:
        names = read_names(raw, 0, len(raw))
        renamed(raw, 0, names, b"howdah_17")

    return once


def measure() -> None:
    """Print each figure."""
    rows_walked = nanoseconds(walking(frame.REPLIES, MANY_ROWS))
    figures = (
        ("walk an answer of 1 row (4 messages)", nanoseconds(walking(frame.REPLIES, ONE_ROW))),
        ("walk an answer of 1000 rows, per message", rows_walked / 1003),
        ("walk a query", nanoseconds(walking(frame.REQUESTS, QUERY))),
        ("walk Parse, Bind, Describe, Execute, Sync", nanoseconds(walking(frame.REQUESTS, BATCH))),
        ("a query's answer, walked and counted", nanoseconds(answering(b"Q", ONE_ROW))),
        ("a batch's answer, walked and counted", nanoseconds(answering(b"PBDES", EXTENDED))),
        ("rename a Bind", nanoseconds(renaming())),
    )
    kind = "source" if str(frame.__file__).endswith(".py") else "compiled"
    sys.stdout.write(f"{'nanoseconds of processor time':45} {kind:>10}\n")
    for name, figure in figures:
        sys.stdout.write(f"{name:45} {figure:10.1f}\n")


def measure_compiled() -> int:
    """Compile a copy of the hot modules and measure it in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="howdah-wire-") as place:
        package = Path(frame.__file__).parents[1]
        shutil.copytree(package, Path(place) / "howdah", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        modules = [f"howdah/wire/{name}.py" for name in HOT_MODULES]
        build = "from mypyc.build import mypycify; from setuptools import setup; import sys; "
        build += "setup(name='wire', packages=[], ext_modules=mypycify(sys.argv.pop().split(',')))"
        command = [sys.executable, "-c", build, "build_ext", "--inplace", ",".join(modules)]
        built = subprocess.run(command, cwd=place, capture_output=True, text=True)
        if built.returncode:
            sys.stderr.write(f"The hot modules could not be compiled:\n{built.stdout}{built.stderr}")
            return 1
        paths = os.pathsep.join((place, str(Path(__file__).parents[1])))
        environment = {**os.environ, "PYTHONPATH": paths}
        return subprocess.run([sys.executable, "-m", "benchmarks.wire"], cwd=place, env=environment).returncode


def main() -> int:
    """Measure, and compile before if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire", description=__doc__.splitlines()[0])
    parser.add_argument("--compiled", action="store_true", help="compile the hot modules with mypyc first")
    if parser.parse_args().compiled:
        return measure_compiled()
    measure()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
