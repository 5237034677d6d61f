"""Are the router's pages true of the code: do the settings and tests that they name exist?"""

import re

from howdah.configuration.keys import keys_of
from howdah.configuration.router import RouterSettings
from howdah.routing.wishes import NAMES
from tests.architecture.source import ROOT
from tests.docs.pages import DOCS

OF_HOWDAH = re.compile(
    r"\b((?:listen|store|agents|secrets|tls|pools|routing|hold|limits|login|knowledge|health|stop)\.[a-z_.]+)"
)
"""In backticks, as all settings are written."""
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*)\|$", re.MULTILINE)
TEST = re.compile(r"`([a-z]+/test_\w+\.py)(?:::(test_\w+))?`")
UNTESTED = {49}


def test_every_setting_that_the_page_names_exists() -> None:
    text = (DOCS / "router.md").read_text(encoding="utf-8")
    named = {name for quoted in re.findall(r"`([^`]+)`", text) for name in OF_HOWDAH.findall(quoted)}
    assert named
    known = {key.dotted for key in keys_of(RouterSettings)}
    sections = {key.rpartition(".")[0] for key in known}
    assert not {name for name in named if name not in known and name not in sections}


def test_every_setting_of_a_session_is_on_the_page() -> None:
    text = (DOCS / "router.md").read_text(encoding="utf-8")
    assert not [name for name in NAMES if f"`{name}`" not in text]


def test_all_fifty_corners_name_tests_that_exist() -> None:
    rows = ROW.findall((DOCS / "corners.md").read_text(encoding="utf-8"))
    assert [int(number) for number, *_ in rows] == list(range(1, 51))
    for number, _, does, shown in rows:
        tests = TEST.findall(shown)
        assert tests or int(number) in UNTESTED, number
        assert "Not tested yet" not in does or int(number) in UNTESTED, number
        for file, test in tests:
            source = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert not test or f"def {test}(" in source, f"corner {number}: {file} has no {test}"
