"""What does docs/guards.md say? Each guard of the protocol, and what is found without it."""

import re

from tests.architecture.source import ROOT
from tests.cluster.removals_of_changes import CHANGE_REMOVALS
from tests.cluster.removals_of_conduct import CONDUCT_REMOVALS
from tests.cluster.removals_of_proofs import PROOF_REMOVALS
from tests.simulation.canaries import recorded
from tests.simulation.grounds import STUCK
from tests.simulation.guard import Guard
from tests.simulation.guards import GUARDS

INTRODUCTION = """\
# What each guard is there for

Made from `tests/simulation/guards.py` and `tests/simulation/found.txt` by `make docs`; change those, not this page.

Each guard of the protocol was taken out, by a switch that only tests have, to see what goes wrong without it.

- **Simulator**: what was taken out there, the first seed that finds it, and in how many seeds of its hunt it was found
  (`python -m tests.simulation.hunt` hunts again; `make test` runs the seeds named here). A promise is broken, or, where
  it says so, the cluster does not become whole again.
- **Model**: the exhaustive model's removal of that name ends in a lost commit or in a cluster that is stuck, in every
  `make model`.
- **Tests**: how many rules of the source are each held by a test that fails without it
  (`python -m tests.cluster.mutations`), and tests that meet the situation itself, most of them on real servers.

A canary with 0 seeds is one that shows nothing: the last column says why.
"""


def model_guards() -> frozenset[str]:
    """The names of what the exhaustive models take out."""
    names: set[str] = set()
    for file, table in (("guards.hpp", "GUARD_NAMES"), ("lease.cpp", "NAMES")):
        text = (ROOT / "tests" / "model" / file).read_text(encoding="utf-8")
        listed = re.search(rf"{table}\[GUARDS\] = \{{(.*?)\}};", text, re.DOTALL)
        names |= set(re.findall(r'"([^"]+)"', listed[1] if listed else ""))
    return frozenset(names)


def _canary(name: str) -> str:
    found = recorded().get(name)
    if found is None:
        return f"{name}: none"
    stuck = ", stuck" if name in STUCK else ""
    since = f" from {found.first} on" if found.first else ""
    return f"{name}: seed {found.seed}, {found.found} of {found.of}{since}{stuck}"


def _row(guard: Guard) -> str:
    rules = f"{len(_rules(guard))} rules" if guard.rules else ""
    tests = [f"`{test}`" for test in guard.tests]
    cells = (
        guard.name,
        guard.part,
        "<br>".join(_canary(name) for name in guard.canaries),
        "<br>".join(guard.model),
        "<br>".join(filter(None, (rules, *tests))),
        guard.note,
    )
    return "| " + " | ".join(cell.replace("|V|", "\\|V\\|") for cell in cells) + " |"


def removals() -> list[str]:
    """The rules that tests/cluster takes out of the source one by one."""
    return [removal.rule for removal in (*PROOF_REMOVALS, *CHANGE_REMOVALS, *CONDUCT_REMOVALS)]


def _rules(guard: Guard) -> list[str]:
    return [name for name in removals() if name.startswith(guard.rules)]


def written() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, guards in GUARDS:
        lines = [f"## {title}", "", "| guard | part | simulator | model | tests | |", "|---|---|---|---|---|---|"]
        parts.append("\n".join([*lines, *(_row(guard) for guard in guards), ""]))
    return "\n".join(parts)
