"""Is the table of faults whole, and does everything exist that it names?"""

import re

import pytest

from howdah.simulation.faults import FAULTS
from tests.architecture.source import ROOT
from tests.chaos.catalogue import CATALOGUE, numbers
from tests.chaos.namedtests import places
from tests.chaos.page import NOTHING, PAGE, Row, rows
from tests.simulation.canaries import CANARIES

LAST = 82
TABLE = rows(PAGE.read_text(encoding="utf-8"))
NAMES = r"((?:`[^`]+`(?:, )?)+)"
SCENARIOS = {path.stem for path in (ROOT / "tests" / "simulation" / "scenarios").glob("*.txt")}
KNOWN = {"simulator": set(FAULTS), "scenario": SCENARIOS, "canary": set(CANARIES)}


def test_each_fault_has_exactly_one_row_in_order() -> None:
    assert [row.number for row in TABLE] == [f"F{number}" for number in range(1, LAST + 1)]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.number)
def test_a_row_says_what_is_expected_and_was_measured_or_why_not(row: Row) -> None:
    assert row.fault.strip(" -")
    assert row.expected.strip(" -")
    assert row.bound.strip() and row.besides.strip()
    assert row.measured or "not made here: " in row.besides.lower(), f"{row.number} is neither measured nor argued"
    assert not row.measured or any(row.measured.values()), f"{row.number}: nothing of it was measured yet"
    missing = [name for name, told in row.measured.items() if not told and not name.startswith("test_")]
    assert not missing, f'{row.number}: make chaos ARGS="--unmeasured --write": {missing}'
    wrong = [name for name, told in row.measured.items() if "wrong" in told]
    assert not wrong, f"{row.number}: {wrong}"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.number)
def test_everything_that_a_row_names_exists(row: Row) -> None:
    made = [fault.name for fault in CATALOGUE if row.number in numbers(fault)]
    tests = [name for name in row.measured if name.startswith("test_")]
    assert list(row.measured) == [*made, *tests], f'{row.number}: make chaos ARGS="--write"'
    assert not [name for name in tests if name not in places()]
    for kind, known in KNOWN.items():
        named = [
            name for listed in re.findall(f"{kind} {NAMES}", row.besides) for name in re.findall("`([^`]+)`", listed)
        ]
        assert not [name for name in named if name not in known], f"{row.number}: {kind}"


def test_every_chaos_fault_is_in_a_row() -> None:
    known = {row.number for row in TABLE}
    assert not [fault.name for fault in CATALOGUE if not numbers(fault) or not set(numbers(fault)) <= known]


def test_an_empty_row_would_be_seen() -> None:
    assert str(Row("F1", "a", "b", "c", "d", {})).endswith(f"| {NOTHING} |")
