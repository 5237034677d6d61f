"""`make chaos`: real faults on real servers, each host in a network of its own.

Without options every single fault, then a random run of ten minutes. Exits 0 when nothing was wrong, 1 when something
was or the machine lacks what it takes, 2 after a wrong option.
"""

import argparse
import random
import signal
import sys
import time
from types import FrameType

from tests.chaos.catalogue import CATALOGUE
from tests.chaos.cluster import ChaosCluster
from tests.chaos.fault import Fault
from tests.chaos.machine import missing
from tests.chaos.network import sweep
from tests.chaos.soak import Soak
from tests.chaos.trial import attempt

MINUTES = 10.0
SECONDS_A_MINUTE = 60
SEED_BITS = 32


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
    signal.signal(signal.SIGTERM, _interrupted)
    for name in sweep():
        say(f"removed the namespace {name}, which a run that is gone left behind")
    seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(SEED_BITS)
    wrong = 0
    if options.seed is None:
        wrong += try_each(
            [fault for fault in CATALOGUE if options.only.lower() in f"{fault.rows} {fault.name}".lower()], seed
        )
    if options.minutes and not options.only:
        wrong += soak(seed, options.minutes * SECONDS_A_MINUTE)
    return 1 if wrong else 0


def try_each(faults: list[Fault], seed: int) -> int:
    """One after the other on one cluster, a new one after a failure; how many went wrong."""
    say(f"{len(faults)} single faults, seed {seed}")
    wrong = 0
    cluster: ChaosCluster | None = None
    try:
        for fault in faults:
            if cluster is None:
                cluster = ChaosCluster()
                cluster.start()
            try:
                result = attempt(cluster, fault, seed)
            except AssertionError as error:
                say(f"WRONG     {fault.rows:8} {fault.name}: {error}\n{cluster.story()}")
            else:
                say(str(result))
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


def soak(seed: int, length_s: float) -> int:
    """A random run; 1 when something was wrong."""
    cluster = ChaosCluster()
    try:
        cluster.start()
        report = Soak(cluster, say).run(seed, length_s)
        say(str(report))
        if not report.wrong:
            return 0
        say(cluster.story())
    except AssertionError as error:
        say(f"{error}\n{cluster.story()}")
    finally:
        cluster.close()
    say(f'again with: make chaos ARGS="--seed {seed} --minutes {length_s / SECONDS_A_MINUTE:g}"')
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
    parser.add_argument("--list", action="store_true", help="say which single faults there are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
