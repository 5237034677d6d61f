"""How is a rule named that is taken out of the source, and where is it?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Removal:
    """In `path` (below src) `old`, which stands there once, becomes `new`; each of `tests` in `tests_in` fails."""

    rule: str
    path: str
    old: str
    new: str
    tests_in: str
    tests: tuple[str, ...]


def in_cluster(rule: str, module: str, old: str, new: str, *tests: str, tests_in: str = "") -> Removal:
    """A rule of `cluster/<module>`, held by tests of the same name or those in `tests_in`."""
    where = f"cluster/test_{tests_in or module}.py"
    return Removal(rule, f"howdah/cluster/{module}.py", old, new, where, tests)


def in_keeper(rule: str, old: str, new: str, *tests: str, tests_in: str = "keeper") -> Removal:
    """A rule of `agent/keeper`."""
    return Removal(rule, "howdah/agent/keeper.py", old, new, f"agent/test_{tests_in}.py", tests)
