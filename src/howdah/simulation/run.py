"""How is one seed run, and many?"""

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from howdah.simulation.checker import Broken
from howdah.simulation.disasters import frozen, open_door
from howdah.simulation.faults import begin_faults
from howdah.simulation.loop import Stuck
from howdah.simulation.options import Options, draw
from howdah.simulation.world import AgentFailed, World

BOOTSTRAP_MS = 12_000
"""The first start takes so long at most; faults begin as soon as the cluster is whole."""
BOOTSTRAP_LOOK_MS = 500
CALM_LOOK_MS = 1000
CALM_NEEDED = 3
"""So many looks in a row have to find the cluster whole."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one seed. `fault` "" means that every promise was kept."""

    options: Options
    fault: str
    simulated_ms: float
    acknowledged: int
    elections: int
    trace: int
    steps: int
    last: tuple[str, ...]


def run_seed(options: Options, keep: int = 60) -> Outcome:
    """Bootstrap, faults with every safety promise checked, then calm until the cluster is whole."""
    gc.collect()
    gc.disable()  # a world is small and short: looking through it again and again takes a tenth of the time
    try:
        return _run(options, keep)
    finally:
        gc.enable()


def _run(options: Options, keep: int) -> Outcome:
    world = World(options, keep)
    fault = ""
    try:
        world.begin()
        _bootstrap(world)
        begin_faults(world, options.faults_ms)
        world.run(options.faults_ms + 1)
        if options.k < options.nodes - 1:
            fault = _calm(world, options.calm_ms)
        else:
            # Every standby has to flush each commit: one that comes back as another member blocks writes until the
            # operator decides, and that is no fault.
            world.run(CALM_LOOK_MS * 20)
    except Broken as broken:
        fault = f"broken promise {broken}"
    except (AgentFailed, Stuck) as failed:
        fault = str(failed)
    last = tuple(world.chronicle.last)
    simulated = world.loop.now
    world.close()
    checker = world.checker
    trace = world.chronicle.trace ^ world.chance.getrandbits(32)
    return Outcome(options, fault, simulated, checker.acknowledged, checker.elections, trace, world.loop.steps, last)


def _bootstrap(world: World) -> None:
    """The first start: to its end, or to a moment in its midst."""
    early_ms = world.options.early_ms
    if early_ms:
        world.run(early_ms)
        return
    while world.loop.now < BOOTSTRAP_MS and world.unwell():
        world.run(BOOTSTRAP_LOOK_MS)


def _calm(world: World, limit_ms: float) -> str:
    """After the last fault: whole within the limit, and whole for a while (L29)."""
    until, good, unwell = world.loop.now + limit_ms, 0, "it was not looked at"
    operator = world.options.kind == "store"
    while good < CALM_NEEDED:
        if operator and world.loop.now > until - limit_ms / 2:
            operator = False
            open_door(world)
        if world.loop.now > until and world.options.kind == "store" and frozen(world):
            return ""  # nobody knows for sure who had most: only the operator may give a server up
        if world.loop.now > until:
            return f"not whole {limit_ms / 1000:.0f} s after the last fault: {unwell}"
        world.run(CALM_LOOK_MS)
        unwell = world.unwell()
        good = 0 if unwell else good + 1
    return ""


def report(outcome: Outcome) -> Iterator[str]:
    """A failure for people: the seed, what was drawn from it, the promise, and the last events."""
    yield f"seed {outcome.options.seed} FAILED: {outcome.fault}"
    yield f"options: {outcome.options}"
    yield "the last events:"
    yield from outcome.last


def seeds_for(first: int, count: int | None) -> Iterator[int]:
    """These seeds, or all from the first on."""
    number = first
    while count is None or number < first + count:
        yield number
        number += 1


def run_number(number: int) -> Outcome:
    """One seed with the options that are drawn from it, to the end."""
    return run_seed(draw(number))


def simulate_main(
    say: Callable[[str], None],
    seed: int | None = None,
    seeds: int | None = None,
    minutes: float | None = None,
    first: int = 0,
    workers: int = 1,
) -> int:
    """`howdah simulate`: one seed, or so many from `first` on, or as many as fit into so many minutes, in so many
    processes. Returns the exit status."""
    if seed is not None:
        outcomes: Iterable[Outcome] = iter((run_number(seed),))
        return _tell(say, outcomes, 1, None)
    gc.collect()
    gc.freeze()  # all modules, which every collection between two seeds would look through
    numbers = seeds_for(first, seeds if seeds is not None or minutes is not None else 100)
    if workers == 1:
        return _tell(say, map(run_number, numbers), 25, minutes)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        # In batches: a pool reads its whole input ahead, and there may be no end to it.
        batches = iter(lambda: list(islice(numbers, 50 * workers)), [])
        outcomes = (o for batch in batches for o in pool.imap_unordered(run_number, batch))
        return _tell(say, outcomes, 100, minutes)


def _tell(say: Callable[[str], None], outcomes: Iterable[Outcome], every: int, minutes: float | None) -> int:
    began = time.monotonic()
    done, failed, hours = 0, 0, 0.0
    for outcome in outcomes:
        done += 1
        hours += outcome.simulated_ms / 3_600_000
        if outcome.fault:
            failed += 1
            for line in report(outcome):
                say(line)
        spent = time.monotonic() - began
        if done % every == 0:
            say(
                f"{done} seeds, {failed} failed, {hours:.2f} cluster-hours in {spent:.0f} s; the last: "
                f"{outcome.acknowledged} commits, {outcome.elections} role changes, trace {outcome.trace:08x}"
            )
        if minutes is not None and spent > minutes * 60:
            break
    say(f"{done} seeds, {failed} failed, {hours:.2f} cluster-hours")
    return 1 if failed else 0
