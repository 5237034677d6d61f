"""Does every Python file keep the project's rules on size, names, docstrings and handlers?"""

from collections.abc import Callable, Iterator

import pytest

from tests.architecture import rules
from tests.architecture.source import Module, module_of, modules

OUTERMOST_LOOPS: dict[str, str] = {}
"""Where everything may be caught: "path::function", and why nothing above it could. Only a process's outermost loop."""

FOLDERS = ("src", "tests", "benchmarks", "tools")

Rule = Callable[[Module], Iterator[str]]


def findings_of(rule: Rule, folders: tuple[str, ...] = FOLDERS) -> list[str]:
    """What a rule finds in the tree."""
    return [finding for folder in folders for module in modules(folder) for finding in rule(module)]


def test_files_functions_and_classes_stay_small() -> None:
    assert not findings_of(rules.too_large)


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not findings_of(rules.badly_named)


def test_nothing_is_imported_inside_a_function() -> None:
    assert not findings_of(rules.imported_late)


def test_modules_and_public_names_have_docstrings() -> None:
    assert not findings_of(rules.undocumented)


def test_tests_use_fakes_and_patch_nothing() -> None:
    assert not findings_of(rules.patched)


def test_a_silenced_check_says_why() -> None:
    assert not findings_of(rules.silenced_without_reason)


def test_only_listed_outermost_loops_catch_everything() -> None:
    found = [handler for folder in FOLDERS for module in modules(folder) for handler in rules.blind_handlers(module)]
    assert not [sentence for place, sentence in found if place not in OUTERMOST_LOOPS]
    stale = set(OUTERMOST_LOOPS) - {place for place, _ in found}
    assert not stale, f"listed, but catches no longer everything: {stale}"


LONG_FUNCTION = '"""M."""\n\n\ndef f() -> None:\n' + '    """F."""\n' * 70


def class_of(methods: int, properties: int) -> str:
    """A module with a class that has so many of both."""
    lines = ['"""M."""', "class C:", '    """C."""']
    lines += [f"    def method{number}(self) -> None: ..." for number in range(methods)]
    for number in range(properties):
        lines += ["    @property", f"    def property{number}(self) -> int: ..."]
    return "\n".join(lines) + "\n"


SAMPLES = (
    (rules.too_large, LONG_FUNCTION),
    (rules.too_large, '"""M."""\n' * 501),
    (rules.too_large, class_of(methods=13, properties=0)),
    (rules.too_large, class_of(methods=7, properties=6)),
    (rules.imported_late, "def f():\n    import json\n"),
    (rules.undocumented, "x = 1\n"),
    (rules.undocumented, '"""M."""\ndef f(): ...\n'),
    (rules.undocumented, '"""M."""\nclass C: ...\n'),
    (rules.impure, "async def f(): ...\n"),
    (rules.impure, "open('x')\n"),
    (rules.impure, "datetime.now()\n"),
    (rules.patched, "from unittest import mock\n"),
    (rules.patched, "from unittest.mock import patch\n"),
    (rules.patched, "monkeypatch.setattr(x, 'y', 1)\n"),
    (rules.silenced_without_reason, "x = 1  # noqa: E501\n"),
    (rules.silenced_without_reason, "x = 1  # type: ignore[misc]\n"),
)


@pytest.mark.parametrize(("rule", "text"), SAMPLES)
def test_each_rule_finds_what_it_forbids(rule: Rule, text: str) -> None:
    assert list(rule(module_of(text)))


def test_twelve_methods_and_properties_are_not_too_many() -> None:
    assert not list(rules.too_large(module_of(class_of(methods=7, properties=5))))


@pytest.mark.parametrize("rest", ["E501 (a generated table)", "E501 a generated table", "E501, T201  # a table"])
def test_a_reason_beside_a_silenced_check_is_enough(rest: str) -> None:
    assert not list(rules.silenced_without_reason(module_of(f"x = 1  # noqa: {rest}\n")))


@pytest.mark.parametrize("clause", ["except Exception:", "except:", "except (OSError, BaseException):"])
def test_each_form_of_catching_everything_is_found(clause: str) -> None:
    text = f"def f():\n    try:\n        pass\n    {clause}\n        pass\n"
    assert [place for place, _ in rules.blind_handlers(module_of(text))] == ["src/howdah/values/example.py::f"]


def test_tidying_up_and_raising_again_swallows_nothing() -> None:
    text = "def f():\n    try:\n        pass\n    except BaseException:\n        close()\n        raise\n"
    assert not list(rules.blind_handlers(module_of(text)))


@pytest.mark.parametrize("path", ["src/howdah/values/utils.py", "src/howdah/common/lsn.py", "tests/test_helpers.py"])
def test_each_empty_name_is_found(path: str) -> None:
    assert list(rules.badly_named(module_of('"""M."""\n', path)))
