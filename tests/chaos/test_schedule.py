"""Is a random run the same for the same seed, and does it fit into its time?"""

import itertools

import pytest

from tests.chaos.catalogue import CATALOGUE, RANDOM, named
from tests.chaos.schedule import draw, read, written

SEEDS = range(1, 40)
LENGTH_S = 300.0


def test_the_same_seed_draws_the_same_faults_and_another_one_others() -> None:
    assert draw(7, LENGTH_S, RANDOM) == draw(7, LENGTH_S, RANDOM)
    assert len({draw(seed, LENGTH_S, RANDOM) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_ends_before_the_run_does(seed: int) -> None:
    steps = draw(seed, LENGTH_S, RANDOM)
    assert steps
    assert list(steps) == sorted(steps, key=lambda step: step.begins_s)
    assert all(0 < step.begins_s < step.ends_s <= LENGTH_S for step in steps)
    assert len(written(steps).splitlines()) == len(steps)


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    short, long = draw(3, 100.0, RANDOM), draw(3, 400.0, RANDOM)
    assert set(short) <= set(long)


def test_faults_overlap_in_some_runs() -> None:
    runs = [draw(seed, LENGTH_S, RANDOM) for seed in SEEDS]
    assert any(later.begins_s < earlier.ends_s for steps in runs for earlier, later in itertools.pairwise(steps))


def test_many_seeds_draw_every_fault() -> None:
    drawn = {step.fault for seed in range(300) for step in draw(seed, LENGTH_S, RANDOM)}
    assert drawn == {fault.name for fault in RANDOM}


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in CATALOGUE]
    assert len(set(names)) == len(names)
    assert all(named(name).name == name for name in names)


NAMES = [fault.name for fault in CATALOGUE]


def test_a_printed_run_can_be_read_back_from_whatever_it_stands_in() -> None:
    steps = draw(5, LENGTH_S, RANDOM)
    assert read(f"17:00:01 seed 5, 300 s:\n{written(steps)}\n17:00:09     8.02 s begins: something\n", NAMES) == steps


def test_a_fault_that_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match="there is no fault 'the moon falls'"):
        read("    1.00 s to     2.00 s [0000000a]: the moon falls", NAMES)
