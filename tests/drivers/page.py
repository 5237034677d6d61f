"""What does docs/drivers.md say of a run of the drivers' suites?"""

from collections import Counter

from tests.drivers.reasons import reason
from tests.drivers.suites import SUITES

Table = dict[str, dict[str, str]]
"""Results by mode, and `direct`."""

HEAD = """# Drivers through the router

Made by `make test-drivers`: the drivers' own test suites, run against a PostgreSQL server and then through a router in
front of a cluster of three, in each mode of `pools.mode`. A test counts here if it passes directly; one that fails is
run once more by itself. psycopg's suite is not among them: its package comes without its tests.

"""


def written(kept: dict[str, Table]) -> str:
    """The page."""
    lines = [HEAD.rstrip(), "", "| suite | passes directly | session | auto | transaction |", "|---|---|---|---|---|"]
    for suite in SUITES:
        table = kept.get(suite.name, {})
        direct = _passed(table, "direct")
        cells = [_cell(table, mode, direct) for mode in ("session", "auto", "transaction")]
        lines.append(f"| {suite.about} | {len(direct) or 'not run'} | {' | '.join(cells)} |")
    lines += ["", "## What does not pass through the router", "", "| test | modes | why |", "|---|---|---|"]
    for suite in SUITES:
        table = kept.get(suite.name, {})
        for test in sorted(_passed(table, "direct")):
            modes = [mode for mode in ("session", "auto", "transaction") if test in missing(table, mode)]
            if modes:
                lines.append(f"| `{suite.name}` `{test}` | {', '.join(modes)} | {reason(suite.name, test, modes)} |")
    return "\n".join([*lines, ""])


def missing(table: Table, mode: str) -> set[str]:
    """Tests that pass directly, and not in this mode."""
    return _passed(table, "direct") - _passed(table, mode) if mode in table else set()


def _passed(table: Table, mode: str) -> set[str]:
    return {test for test, word in table.get(mode, {}).items() if word == "passed"}


def _cell(table: Table, mode: str, direct: set[str]) -> str:
    if mode not in table:
        return "not run"
    counted = Counter(test in _passed(table, mode) for test in direct)
    return f"{counted[True]} of {len(direct)}"
