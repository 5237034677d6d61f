"""Which faults does a random run make, and when? Drawn from a seed alone, before anything runs."""

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tests.chaos.fault import Fault

CALM_S = (4.0, 14.0)
"""Between two rounds: sometimes the cluster is healthy by then, sometimes not."""
TOGETHER = (1, 1, 1, 2, 2, 3)
"""How many faults a round has; they begin within `STAGGER_S` of each other."""
STAGGER_S = 6.0
SHORTEST, LONGEST = 0.2, 2.0
LEAST_S = 0.5
LINE = re.compile(r"^ *(\d+\.\d+) s to +(\d+\.\d+) s \[([0-9a-f]{8})\]: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: seconds from the start to its beginning and its end, and the seed of its own choices."""

    begins_s: float
    ends_s: float
    fault: str
    chance: int


def draw(seed: int, length_s: float, faults: Sequence[Fault]) -> tuple[Step, ...]:
    """The steps in order of their beginning; all end within `length_s`."""
    dice = random.Random(seed)
    steps: list[Step] = []
    round_s = dice.uniform(*CALM_S)
    while True:
        together = [_step(dice, round_s, fault) for fault in dice.sample(list(faults), dice.choice(TOGETHER))]
        if max(step.ends_s for step in together) > length_s:
            return tuple(sorted(steps, key=lambda step: step.begins_s))
        steps += together
        round_s = max(step.ends_s for step in together) + dice.uniform(*CALM_S)


def _step(dice: random.Random, round_s: float, fault: Fault) -> Step:
    begins_s = round_s + dice.uniform(0.0, STAGGER_S)
    lasts_s = max(LEAST_S, fault.lasts_s * dice.uniform(SHORTEST, LONGEST))
    return Step(round(begins_s, 2), round(begins_s + lasts_s, 2), fault.name, dice.getrandbits(32))


def written(steps: Sequence[Step]) -> str:
    """The script of a run, a line a fault. `read` takes it back."""
    return "\n".join(
        f"{step.begins_s:8.2f} s to {step.ends_s:8.2f} s [{step.chance:08x}]: {step.fault}" for step in steps
    )


def read(text: str, known: Collection[str]) -> tuple[Step, ...]:
    """The steps of a printed run, wherever its lines stand among others, in order. Raises ValueError for a fault that
    is not known."""
    found = [
        Step(float(begins), float(ends), fault, int(chance, 16)) for begins, ends, chance, fault in LINE.findall(text)
    ]
    strange = sorted({step.fault for step in found} - set(known))
    if strange:
        raise ValueError(f"there is no fault {strange[0]!r}: `make chaos ARGS=--list` shows those that there are")
    return tuple(sorted(found, key=lambda step: step.begins_s))
