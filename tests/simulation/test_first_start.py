"""Does the cluster begin, whenever the node that begins it dies?"""

import pytest

from howdah.cluster.record import Phase
from howdah.simulation.faults import FAULTS
from howdah.simulation.options import Options
from howdah.simulation.world import World

BEGUN_WITHIN_MS = 60_000


def _begins(killed_at_ms: int, back_after_ms: float) -> str:
    """What is wrong a minute after the first node was killed; "" if nothing is."""
    world = World(Options(1, 3, 0, slow_share=0.0))
    world.begin()
    try:
        world.run(killed_at_ms)
        FAULTS["kill node"][1](world, world.nodes["n1"], back_after_ms)
        returns = back_after_ms < BEGUN_WITHIN_MS
        for _ in range(BEGUN_WITHIN_MS // 500):
            record = world.record
            begun = record is not None and record.phase is Phase.ESTABLISHED and record.serving
            if begun and not (returns and world.unwell()):
                return ""
            world.run(500)
        return f"killed after {killed_at_ms} ms: {world.unwell()}; {world.record}"
    finally:
        world.close()


@pytest.mark.parametrize("back_after_ms", [300.0, 20_000.0, 10.0**7])
def test_a_first_start_that_dies_at_any_moment_ends_in_an_established_cluster(back_after_ms: float) -> None:
    """It begins within the first 300 ms (none of the others does that), and clients are let in after two seconds."""
    wrong = [_begins(killed_at_ms, back_after_ms) for killed_at_ms in range(300, 2200, 30)]
    assert not [what for what in wrong if what]
