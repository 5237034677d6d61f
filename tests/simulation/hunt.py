"""Which canaries does the simulator find, by which seed, and in how many?

`python -m tests.simulation.hunt [--seeds N] [--first SEED] [--record] [WORDS]`: of the canaries with these words. With
--record the outcome is written into found.txt, which the tests and docs/guards.md go by.
"""

import argparse
import multiprocessing
import sys
import time
from itertools import islice

from howdah.simulation.run import Outcome, report, run_seed
from tests.simulation.canaries import CANARIES, RECORDED, Found, recorded, without
from tests.simulation.grounds import STUCK, hunting

HEAD = "# What the hunts found: a seed, found in, of so many seeds, from which on, canary (tests.simulation.hunt).\n"


CONTROLS = 2
"""So many of the worlds in which something is found are run with the guard in place too: nothing may be found."""


def finds(canary: str, seed: int) -> str:
    """What goes wrong without the guard in this seed's world; "" if nothing does."""
    with without(canary):
        return fault_of(canary, run_seed(hunting(seed, canary)))


def fault_of(canary: str, outcome: Outcome) -> str:
    """What went wrong, of what the canary is about."""
    if outcome.fault.startswith("broken promise") or (canary in STUCK and outcome.fault):
        return outcome.fault
    assert "the agent of" not in outcome.fault, outcome.fault  # what stands in for the guard does not fit the code
    return ""


def told(canary: str, seed: int) -> list[str]:
    """The last events of one run."""
    with without(canary):
        return list(report(run_seed(hunting(seed, canary), 400)))


def _one(asked: tuple[str, int]) -> tuple[int, str]:
    return asked[1], finds(*asked)


def hunt(canary: str, seeds: range, workers: int) -> Found | None:
    """All these seeds; None if no one finds it."""
    began = time.monotonic()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        outcomes = list(pool.imap(_one, ((canary, seed) for seed in seeds)))
    for seed, fault in [(seed, fault) for seed, fault in outcomes if fault][:CONTROLS]:
        if kept := fault_of(canary, run_seed(hunting(seed, canary))):
            sys.stdout.write(f"CONTROL: with the guard in place seed {seed} ends so too: {kept}\n    not {fault}\n")
    hits = [(seed, fault) for seed, fault in outcomes if fault]
    sys.stdout.write(f"{len(hits)} of {len(seeds)} in {time.monotonic() - began:.0f} s: {canary}\n")
    for seed, fault in islice(hits, 2):
        sys.stdout.write(f"    seed {seed}: {fault}\n")
    sys.stdout.flush()
    return Found(hits[0][0], len(hits), len(seeds), seeds.start) if hits else None


def record(found: dict[str, Found]) -> None:
    """Write it down, in the order of the canaries."""
    lines = [f"{f.seed} {f.found} {f.of} {f.first} {name}\n" for name in CANARIES if (f := found.get(name)) is not None]
    RECORDED.write_text(HEAD + "".join(lines))


def main(words: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="hunt")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--tell", type=int)
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args(words)
    for canary in [name for name in CANARIES if all(word in name for word in asked.words)]:
        if asked.tell is not None:
            sys.stdout.write("\n".join(told(canary, asked.tell)) + "\n")
            continue
        outcome = hunt(canary, range(asked.first, asked.first + asked.seeds), asked.workers)
        if asked.record:
            known = {name: found for name, found in recorded().items() if name != canary}
            record({**known, **({canary: outcome} if outcome else {})})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
