"""How is one seed run, and many?"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from howdah.simulation.checker import Broken
from howdah.simulation.faults import begin_faults
from howdah.simulation.loop import Stuck
from howdah.simulation.options import Options, draw
from howdah.simulation.world import AgentFailed, World

BOOTSTRAP_MS = 12_000
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
    world = World(options, keep)
    fault = ""
    try:
        world.begin()
        world.run(BOOTSTRAP_MS)
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


def _calm(world: World, limit_ms: float) -> str:
    """After the last fault: whole within the limit, and whole for a while (L29)."""
    until, good, unwell = world.loop.now + limit_ms, 0, "it was not looked at"
    while good < CALM_NEEDED:
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


def seeds_for(first: int, count: int | None) -> Iterable[int]:
    """These seeds, or all from the first on."""
    number = first
    while count is None or number < first + count:
        yield number
        number += 1


def simulate_main(
    say: Callable[[str], None], seed: int | None = None, seeds: int | None = None, minutes: float | None = None
) -> int:
    """`howdah simulate`: one seed, so many seeds, or as many as fit into so many minutes. Returns the exit status."""
    began = time.monotonic()
    done, failed, hours = 0, 0, 0.0
    first = seed if seed is not None else 0
    count = 1 if seed is not None else seeds if minutes is None else None
    for number in seeds_for(first, count if count is not None or minutes is not None else 100):
        outcome = run_seed(draw(number))
        done += 1
        hours += outcome.simulated_ms / 3_600_000
        if outcome.fault:
            failed += 1
            for line in report(outcome):
                say(line)
        spent = time.monotonic() - began
        if seed is not None or done % 25 == 0:
            say(
                f"{done} seeds, {failed} failed, {hours:.2f} cluster-hours in {spent:.0f} s; the last: "
                f"{outcome.acknowledged} commits, {outcome.elections} role changes, trace {outcome.trace:08x}"
            )
        if minutes is not None and spent > minutes * 60:
            break
    say(f"{done} seeds, {failed} failed, {hours:.2f} cluster-hours")
    return 1 if failed else 0
