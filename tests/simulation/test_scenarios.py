"""Does the cluster do in each told situation what is written below it?

`python -m tests.simulation.test_scenarios --update` writes what it does now; read the difference before you commit it.
"""

import sys
from pathlib import Path

import pytest

from howdah.simulation.scenario import SEPARATOR, parts_of, play

SCENARIOS = sorted(Path(__file__).with_name("scenarios").glob("*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_scenario_goes_as_it_is_written(path: Path) -> None:
    commands, golden = parts_of(path.read_text())
    assert play(commands) == golden


def update() -> None:
    """Write each scenario's present output below it."""
    for path in SCENARIOS:
        commands, _ = parts_of(path.read_text())
        path.write_text(f"{commands}{SEPARATOR}\n{play(commands)}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python -m tests.simulation.test_scenarios --update")
    update()
