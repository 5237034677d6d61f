"""Are the documents true of the code?"""

import re

import pytest

from howdah.cli.main import COMMANDS
from howdah.configuration.cluster import ClusterSettings
from howdah.configuration.keys import keys_of
from howdah.configuration.router import RouterSettings
from howdah.configuration.schema import AgentSettings
from howdah.telemetry.metrics import gauges
from tests.architecture.source import ROOT, documents
from tests.docs.commandline import help_of, known_commands
from tests.docs.pages import DOCS, PARTS, WHOLE, fresh
from tests.telemetry.sample import observation

CALLED = re.compile(r"`howdah ([a-z]+(?: [a-z]+)?)[^`]*`|^ {4}(?:\$ )?howdah ([a-z]+(?: [a-z]+)?)", re.MULTILINE)
OPTION = re.compile(r"(?:^|\s)(--[a-z-]+)")
TARGET = re.compile(r"`make ([a-z-]+)|^ {4}make ([a-z-]+)", re.MULTILINE)
SETTING = re.compile(r"`((?:policy|node|store|hooks|log|initial|secrets|api)\.[a-z_.]+)`")


@pytest.mark.parametrize("name", [*WHOLE, *PARTS])
def test_a_generated_page_is_fresh(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == fresh(name), f"docs/{name} is stale: make docs"


def test_every_command_is_in_the_readme_and_on_its_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert not [name for name in COMMANDS if f"`howdah {name}" not in readme]
    assert not [name for name in known_commands() if f"## howdah {name}\n" not in page]


def test_documents_call_only_commands_that_exist() -> None:
    known = {word for name in known_commands() for word in (name, name.split()[0])}
    wrong = []
    for document in documents():
        for found in CALLED.finditer(document.read_text(encoding="utf-8")):
            name = found[1] or found[2]
            if name not in known and name.split()[0] not in known - {"config"}:
                wrong.append(f"{document.relative_to(ROOT)}: howdah {name}")
    assert not wrong


def test_documents_give_commands_only_options_that_they_have() -> None:
    wrong = []
    for document in documents():
        for line in re.findall(
            r"`(howdah [^`]+)`|^ {4}(howdah .+)$", document.read_text(encoding="utf-8"), re.MULTILINE
        ):
            call = re.split(r" -- |\s#\s|\s;\s|[|]", line[0] or line[1])[0]
            words = call.split()[1:3]
            command = tuple(words[:2]) if words[:1] == ["config"] else tuple(words[:1])
            if command[:1] and command[0] in COMMANDS and (command[0] != "config" or len(command) == 2):
                there = help_of(command)
                wrong += [f"{call}: {option}" for option in OPTION.findall(call) if option not in there]
    assert not wrong


def test_documents_name_only_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {a or b for document in documents() for a, b in TARGET.findall(document.read_text(encoding="utf-8"))}
    assert named <= targets


def test_documents_name_only_settings_that_exist() -> None:
    known = {key.dotted for model in (AgentSettings, RouterSettings, ClusterSettings) for key in keys_of(model)}
    known |= {f"{key}_file" for key in known}
    sections = {key.rpartition(".")[0] for key in known}
    wrong = {
        f"{document.relative_to(ROOT)}: {name}"
        for document in documents()
        for name in SETTING.findall(document.read_text(encoding="utf-8"))
        if name not in known | sections and not name.startswith("initial.config.postgresql.parameters.")
    }
    assert not {name for name in wrong if not name.endswith((".md", ".py", ".json", ".yaml", ".jsonl", ".log"))}


def test_every_gauge_of_ours_is_described() -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert not [name for name in gauges(observation()) if f"`{name}`" not in page]
