"""How is a failover told as a text that a reader can check, with what the cluster does written below it?

A scenario is a few lines of commands; playing it gives the decisions of every node between them, and the state at the
end of each wait. Commands: `nodes N`, `k N`, `begin` (until the cluster is whole, telling nothing),
`wait` (until it is whole), `run SECONDS`, `mend`,
`do FAULT NODE [MILLISECONDS]` (a fault of `faults.py`; NODE may be `primary`).
"""

import math
from collections.abc import Iterator

from howdah.simulation.faults import FAULTS, mend
from howdah.simulation.options import Options
from howdah.simulation.world import World

SEPARATOR = "----"
WAIT_LIMIT_S = 120
LOOK_MS = 500


def parts_of(text: str) -> tuple[str, str]:
    """The commands, and the output written below them."""
    commands, _, golden = text.partition(SEPARATOR + "\n")
    return commands, golden


def play(commands: str) -> str:
    """Run the commands; what happened, one thing a line."""
    lines = [line.strip() for line in commands.splitlines()]
    orders = [line.split() for line in lines if line and not line.startswith("#")]
    numbers = {words[0]: int(words[1]) for words in orders if words[0] in ("nodes", "k", "seed")}
    options = Options(numbers.get("seed", 1), numbers.get("nodes", 3), numbers.get("k", 0), slow_share=0.0)
    world = World(options)
    world.chronicle.decisions = []
    world.begin()
    told: list[str] = []
    try:
        for words in orders:
            if words[0] not in ("nodes", "k", "seed"):
                told.append(f"> {' '.join(words)}")
                told.extend(_carry_out(world, words))
    finally:
        world.close()
    return "\n".join(told) + "\n"


def _carry_out(world: World, words: list[str]) -> Iterator[str]:
    match words:
        case ["wait"]:
            waited = _until_whole(world)
            yield from _decisions(world)
            yield waited
            yield from _state(world)
        case ["begin"]:
            yield _until_whole(world)
            world.chronicle.decisions = []
        case ["run", seconds]:
            world.run(float(seconds) * 1000)
            yield from _decisions(world)
        case ["mend"]:
            mend(world)
        case ["do", *fault, node, lasts_ms]:
            record = world.record
            name = record.holder.name if node == "primary" and record is not None else node
            yield f"  *** {name}: {FAULTS[' '.join(fault)][1](world, world.nodes[name], float(lasts_ms))}"
        case _:
            raise ValueError(f"no such command: {' '.join(words)}")


def _decisions(world: World) -> Iterator[str]:
    before = ""
    for line in world.chronicle.decisions or ():
        if line != before:
            yield f"  {line}"
        before = line
    world.chronicle.decisions = []


def _until_whole(world: World) -> str:
    began = world.loop.now
    while (unwell := world.unwell()) and world.loop.now - began < WAIT_LIMIT_S * 1000:
        world.run(LOOK_MS)
    return f"  NOT WHOLE: {unwell}" if unwell else f"  whole within {math.ceil((world.loop.now - began) / 1000)} s"


def _state(world: World) -> Iterator[str]:
    record = world.record
    if record is None:
        yield "  there is no record"
        return
    voters = ", ".join(v.name for v in record.voters)
    yield f"  term {record.term}: {record.holder.name} leads; {record.k} of {voters} must flush a commit"
