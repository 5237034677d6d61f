"""How do the measured cells of docs/faults.md get there, and what does each of its rows name?

A row is written by people but for its last cell: `name`: what was measured, for each chaos fault and each test that the
row is about. Chaos faults come into their rows by themselves; a test is named once by hand, with nothing behind it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.catalogue import CATALOGUE, numbers

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
ROW = re.compile(r"^\| (F\d+) \| (.*) \| (.*) \| (.*) \| (.*) \| (.*) \|$")
ITEM = re.compile(r"`([^`]+)`(?:: (.*))?")
BREAK = "<br>"
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. `besides` says what else covers it, or why it is not made here; `measured` is by name, in order, ""
    where nothing was measured yet."""

    number: str
    fault: str
    expected: str
    bound: str
    besides: str
    measured: dict[str, str]

    @property
    def cells(self) -> tuple[str, ...]:
        """Those that people write."""
        return self.fault, self.expected, self.bound, self.besides

    def __str__(self) -> str:
        items = [f"`{name}`" + (f": {told}" if told else "") for name, told in self.measured.items()]
        return f"| {' | '.join((self.number, *self.cells, BREAK.join(items) or NOTHING))} |"


def read_row(line: str) -> Row | None:
    """None for a line that is no row."""
    found = ROW.match(line)
    if found is None:
        return None
    items = [ITEM.fullmatch(item) for item in found[6].split(BREAK)]
    measured = {item[1]: item[2] or "" for item in items if item is not None}
    return Row(found[1], found[2], found[3], found[4], found[5], measured)


def rows(text: str) -> tuple[Row, ...]:
    """Every row of the page."""
    return tuple(row for line in text.splitlines() if (row := read_row(line)) is not None)


def with_results(text: str, results: Mapping[str, str]) -> str:
    """The page with these measurements, by name; those of other names stay as they are, chaos faults that are gone
    go."""
    return "".join(
        f"{_filled(row, results)}\n" if (row := read_row(line)) else f"{line}\n" for line in text.splitlines()
    )


def _filled(row: Row, results: Mapping[str, str]) -> Row:
    made = [fault.name for fault in CATALOGUE if row.number in numbers(fault)]
    tests = [name for name in row.measured if name.startswith("test_")]
    measured = {name: _cell(results.get(name, row.measured.get(name, ""))) for name in (*made, *tests)}
    return replace(row, measured=measured)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/").replace(BREAK, " ")


def write_results(results: Mapping[str, str], page: Path = PAGE) -> None:
    """Into the page."""
    page.write_text(with_results(page.read_text(encoding="utf-8"), results), encoding="utf-8")


def named_tests(every: Iterable[Row]) -> tuple[str, ...]:
    """The tests that rows name, each once."""
    found = [name for row in every for name in row.measured if name.startswith("test_")]
    return tuple(dict.fromkeys(found))
