"""Do the tests pass that docs/faults.md names, and how long does each take?"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from tests.realcluster.node import HERE

DEFINED = re.compile(r"^(?:    )?(?:async )?def (test_\w+)\(", re.MULTILINE)


@cache
def places() -> dict[str, Path]:
    """Every test function with the file that pytest finds it by: for a contract, the directory of who keeps it."""
    found: dict[str, Path] = {}
    for file in sorted((HERE / "tests").rglob("*.py")):
        for name in DEFINED.findall(file.read_text(encoding="utf-8")):
            found[name] = file if file.name.startswith("test_") else file.parent
    return found


def run_tests(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What each named test came to, as soon as its file is done: "passed in 12.3 s", and how many variants; a failure
    begins with "wrong"."""
    by_place: dict[Path, list[str]] = {}
    for name in names:
        by_place.setdefault(places()[name], []).append(name)
    for place, wanted in by_place.items():
        found = _run(place, wanted)
        for name in wanted:
            yield name, _summary([each for each in found if each[0] == name])


def _run(place: Path, names: list[str]) -> list[tuple[str, float, str]]:
    """Name without its variant, seconds, and the outcome of each test case."""
    with tempfile.TemporaryDirectory(prefix="howdah-tests-") as directory:
        report = Path(directory) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-k", " or ".join(names), f"--junitxml={report}", str(place)],
            cwd=HERE,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        cases = list(ElementTree.parse(report).iter("testcase"))
    found = []
    for case in cases:
        outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        found.append((case.get("name", "").partition("[")[0], float(case.get("time", "0")), outcome))
    return found


def _summary(cases: list[tuple[str, float, str]]) -> str:
    if not cases:
        return "wrong: it was not found"
    wrong = [outcome for _, _, outcome in cases if outcome != "passed"]
    if wrong:
        return f"wrong: {wrong[0]} in {len(wrong)} of {len(cases)}"
    length_s = sum(seconds for _, seconds, _ in cases)
    variants = f", {len(cases)} variants" if len(cases) > 1 else ""
    return f"passed in {length_s:.1f} s{variants}"
