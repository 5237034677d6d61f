"""Is every guard found, and does what docs/guards.md names exist?"""

import re

import pytest

from tests.architecture.source import ROOT
from tests.docs.guards import model_guards, removals
from tests.simulation.canaries import CANARIES, recorded
from tests.simulation.guard import Guard
from tests.simulation.guards import GUARDS

ALL = tuple(guard for _, guards in GUARDS for guard in guards)
REMEDIES = tuple(f"A{number}" for number in range(1, 21))


@pytest.fixture(scope="module")
def tests_there() -> frozenset[str]:
    """Every test function of the project."""
    files = (ROOT / "tests").rglob("*.py")
    return frozenset(n for file in files for n in re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("guard", ALL, ids=lambda guard: guard.name)
def test_a_guard_names_what_is_there_and_something_finds_it(guard: Guard, tests_there: frozenset[str]) -> None:
    assert set(guard.canaries) <= set(CANARIES)
    assert set(guard.model) <= model_guards()
    assert set(guard.tests) <= tests_there
    assert all(any(name.startswith(rule) for name in removals()) for rule in guard.rules)
    assert guard.model or guard.rules or guard.tests or set(guard.canaries) & set(recorded())
    assert guard.note or set(guard.canaries) <= set(recorded()), "a canary that is not found, and no word why"


def test_every_canary_and_every_removal_of_the_models_is_some_guard_s() -> None:
    assert set(CANARIES) == {name for guard in ALL for name in guard.canaries}
    assert model_guards() == {name for guard in ALL for name in guard.model}


def test_every_known_remedy_is_some_guard() -> None:
    assert {remedy for guard in ALL for remedy in guard.remedies} == set(REMEDIES)
