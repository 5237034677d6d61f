"""`make chaos`: real faults on real servers, each host in a network of its own.

Without options the control, every single fault, then a random run of ten minutes. Exits 0 when nothing was wrong, 1
when something was or the machine lacks what it takes, 2 after a wrong option. `make chaos MINUTES=30` makes the random
run longer; other options go into ARGS="...".
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from tests.chaos.catalogue import CATALOGUE, RANDOM
from tests.chaos.cluster import ChaosCluster
from tests.chaos.fault import Fault
from tests.chaos.machine import missing, with_own_mounts
from tests.chaos.namedtests import run_tests
from tests.chaos.network import sweep
from tests.chaos.page import PAGE, named_tests, rows, write_results
from tests.chaos.plain import control
from tests.chaos.schedule import Step, draw, read
from tests.chaos.soak import Soak
from tests.chaos.trial import attempt

MINUTES = 10.0
CONTROL_S = 30.0
SECONDS_A_MINUTE = 60
SEED_BITS = 32
REPLAY_MARGIN_S = 10.0
FRESH_AFTER = 15
"""Faults on one cluster."""


def main() -> int:
    """Run what the options ask for."""
    options = _options()
    if options.list:
        for fault in CATALOGUE:
            say(f"{fault.rows:8} {fault.name}: {fault.expected}; role {fault.role}; at most {fault.bound_s:g} s")
        return 0
    lacking = missing()
    if lacking:
        sys.stderr.write("make chaos cannot run here:\n" + "".join(f"  {sentence}\n" for sentence in lacking))
        return 1
    with_own_mounts("tests.chaos")
    signal.signal(signal.SIGTERM, _interrupted)
    for name in sweep():
        say(f"removed the namespace {name}, which a run that is gone left behind")
    seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(SEED_BITS)
    chosen = [fault for fault in CATALOGUE if options.only.lower() in f"{fault.rows} {fault.name}".lower()]
    if options.unmeasured:
        chosen = [fault for fault in chosen if not measured(fault.name)]
    length_s = options.minutes * SECONDS_A_MINUTE
    wrong = 0
    if options.tests:
        names = [name for name in named_tests(rows(PAGE.read_text(encoding="utf-8"))) if options.only.lower() in name]
        return check_tests([n for n in names if not (options.unmeasured and measured(n))], options.write)
    if options.replay is not None:
        steps = read(options.replay.read_text(encoding="utf-8"), [fault.name for fault in CATALOGUE])
        return soak(steps, max(step.ends_s for step in steps) + REPLAY_MARGIN_S)
    if options.seed is None:
        wrong += 0 if options.only or options.unmeasured else check_plain(CONTROL_S)
        wrong += 0 if options.control else try_each(chosen, seed, options.write)
    if options.minutes and not (options.only or options.control or options.unmeasured):
        say(f"random run, seed {seed}")
        wrong += soak(draw(seed, length_s, RANDOM), length_s)
        say(f'again with: make chaos ARGS="--seed {seed} --minutes {options.minutes:g}"')
    return 1 if wrong else 0


def measured(name: str) -> bool:
    """Whether the page says of this chaos fault or test that it went as it should."""
    told = {row.measured.get(name, "") for row in rows(PAGE.read_text(encoding="utf-8"))}
    return any(told) and not any("wrong" in each for each in told)


def check_tests(names: Sequence[str], write: bool) -> int:
    """Run these tests; 1 when one of them fails."""
    wrong = 0
    for name, told in run_tests(names):
        say(f"{told:28} {name}")
        wrong += told.startswith("wrong")
        if write:
            write_results({name: told})
    return 1 if wrong else 0


def check_plain(length_s: float) -> int:
    """The control; 1 when even one plain server is wrong."""
    found = control(length_s, say)
    told = "; ".join(found.wrong) or "nothing lost, nothing made up"
    say(f"control: {found.acknowledged} commits and {found.transactions} transactions on one plain server: {told}")
    return 1 if found.wrong else 0


def try_each(faults: Sequence[Fault], seed: int, write: bool) -> int:
    """One after the other on one cluster, a new one after a failure, and before disks fill with what is kept; how many
    went wrong."""
    say(f"{len(faults)} single faults, seed {seed}")
    wrong = 0
    cluster: ChaosCluster | None = None
    try:
        for number, fault in enumerate(faults):
            if cluster is not None and number % FRESH_AFTER == 0:
                old, cluster = cluster, None
                old.close()
            if cluster is None:
                cluster = ChaosCluster()
                cluster.start()
            try:
                result = attempt(cluster, fault, seed)
            except AssertionError as error:
                say(f"WRONG     {fault.rows:8} {fault.name}: {error}\n{cluster.story()}")
            else:
                say(str(result))
                if write and not result.left_out:
                    write_results({fault.name: f"{result.measured} ({datetime.now(UTC):%Y-%m-%d})"})
                if not result.wrong:
                    continue
                say(cluster.story())
            wrong += 1
            broken, cluster = cluster, None
            broken.close()
    finally:
        if cluster is not None:
            cluster.close()
    say(f"{len(faults) - wrong} of {len(faults)} single faults went as they should")
    return wrong


def soak(steps: tuple[Step, ...], length_s: float) -> int:
    """A run of many faults; 1 when something was wrong."""
    cluster = ChaosCluster()
    try:
        cluster.start()
        report = Soak(cluster, say).run(steps, length_s)
        say(str(report))
        if not report.wrong:
            return 0
        say(cluster.story())
    except AssertionError as error:
        say(f"{error}\n{cluster.story()}")
    finally:
        cluster.close()
    return 1


def say(text: str) -> None:
    """To standard output, at once, with the time of day."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _interrupted(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the random run of this seed, without the single faults")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="length of the random run; 0: none")
    parser.add_argument("--only", default="", help="only single faults with this in their row or name")
    parser.add_argument("--control", action="store_true", help="only the same clients on one plain server")
    parser.add_argument("--replay", type=Path, help="the faults of a printed run, from a file")
    parser.add_argument("--tests", action="store_true", help="instead, the tests that docs/faults.md names")
    parser.add_argument("--write", action="store_true", help="write what was measured into docs/faults.md")
    parser.add_argument("--unmeasured", action="store_true", help="only what docs/faults.md has no good measurement of")
    parser.add_argument("--list", action="store_true", help="say which single faults there are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
