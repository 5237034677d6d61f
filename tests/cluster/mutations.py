"""Is every rule of the protocol held by a test? Each entry takes one rule out; the tests it names have to fail.

`python -m tests.cluster.mutations` runs them all; a word as argument, only the rules with that word. The source on the
disk is not touched: a forked process loads the one changed module from memory and runs the named tests alone.
"""

import importlib
import importlib.abc
import importlib.util
import io
import multiprocessing
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from tests.cluster.removal import Removal
from tests.cluster.removals_of_changes import CHANGE_REMOVALS
from tests.cluster.removals_of_conduct import CONDUCT_REMOVALS
from tests.cluster.removals_of_proofs import PROOF_REMOVALS

REMOVALS: tuple[Removal, ...] = (*PROOF_REMOVALS, *CHANGE_REMOVALS, *CONDUCT_REMOVALS)
ROOT = Path(__file__).resolve().parents[2]

importlib.import_module("hypothesis")  # loaded once here, not in every forked process


class Mutant(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives out one module with other text than its file has."""

    def __init__(self, module: str, text: str) -> None:
        self._module = module
        self._text = text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import system's question; only the one module is ours."""
        del path, target
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._module else None

    def get_source(self, fullname: str) -> str:
        """The changed text."""
        assert fullname == self._module
        return self._text


@dataclass
class Outcomes:
    """A pytest plugin that notes which tests failed and which passed, without their parameters."""

    failed: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pytest's hook, once a phase of a test."""
        name = report.nodeid.rpartition("::")[2].partition("[")[0]
        if report.failed:
            self.failed.add(name)
        elif report.when == "call":
            self.passed.add(name)


def run(removal: Removal) -> str:
    """What is wrong with this entry; "" if each of its tests notices that the rule is gone."""
    text = (ROOT / "src" / removal.path).read_text(encoding="utf-8")
    if text.count(removal.old) != 1:
        return f"{removal.rule}: {removal.path} has its text {text.count(removal.old)} times, not once: {removal.old!r}"
    module = removal.path.removesuffix(".py").replace("/", ".")
    sys.meta_path.insert(0, Mutant(module, text.replace(removal.old, removal.new)))
    outcomes, said = Outcomes(), io.StringIO()
    tests = [f"{ROOT}/tests/{removal.tests_in}::{name}" for name in removal.tests]
    with redirect_stdout(said), redirect_stderr(said):
        pytest.main(
            ["-q", "--assert=plain", "-p", "no:cacheprovider", "-c", f"{ROOT}/pyproject.toml", *tests],
            plugins=[outcomes],
        )
    unnoticed = set(removal.tests) - outcomes.failed
    if not unnoticed:
        return ""
    why = "" if unnoticed <= outcomes.passed else said.getvalue()
    return f"{removal.rule}: without it these do not fail: {', '.join(sorted(unnoticed))}\n{why}"


def findings(removals: Sequence[Removal]) -> list[str]:
    """What is wrong with the table or the tests, in sentences. Each entry runs in a process of its own."""
    processes = min(4, os.cpu_count() or 1)
    with multiprocessing.get_context("fork").Pool(processes, maxtasksperchild=1) as pool:
        return [finding for finding in pool.map(run, removals, chunksize=1) if finding]


def main(words: Sequence[str]) -> int:
    """Say what is wrong; 0 if nothing is."""
    chosen = [removal for removal in REMOVALS if all(word in removal.rule for word in words)]
    found = findings(chosen)
    sys.stdout.write("\n".join([*found, f"{len(chosen) - len(found)} of {len(chosen)} rules are held by tests", ""]))
    return 1 if found or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
