"""Do the rooms import one way only, and do the pure ones stay pure?"""

import subprocess
import sys
import tomllib

import pytest
from importlinter.cli import lint_imports

from tests.architecture.rules import impure
from tests.architecture.source import PURE_ROOMS, ROOT, modules, pure_modules

NOT_OF_AN_AGENT = ("routing", "wire", "sql", "router", "simulation")
"""What an agent's process has no use for: it stands beside every server, and each module is memory there."""
THIRD_PARTY_IN_PURE_ROOMS = {"sql": frozenset(("pgparse",))}


def test_every_import_contract_of_pyproject_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    failed = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert not failed, capsys.readouterr().out


def test_the_contract_on_purity_names_every_pure_room_that_exists() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (pure,) = (contract for contract in contracts if contract["type"] == "forbidden")
    existing = {f"howdah.{room}" for room in PURE_ROOMS if (ROOT / "src/howdah" / room).is_dir()}
    assert set(pure["source_modules"]) == existing


def test_pure_rooms_import_nothing_from_outside_but_the_standard_library() -> None:
    foreign = []
    for module in pure_modules():
        allowed = THIRD_PARTY_IN_PURE_ROOMS.get(module.room, frozenset())
        for line, name in module.imports():
            top = name.split(".")[0]
            if top != "howdah" and top not in sys.stdlib_module_names and top not in allowed:
                foreign.append(f"{module.path}:{line}: {name}")
    assert not foreign


def test_pure_rooms_read_no_clock_and_open_no_file() -> None:
    assert not [finding for module in pure_modules() for finding in impure(module)]


def test_every_module_of_a_pure_room_is_imported_by_a_test() -> None:
    imported = {name for module in modules("tests") for _, name in module.imports()}
    untested = [
        module.path
        for module in pure_modules()
        if not module.path.endswith("__init__.py")
        and not any(name == module.dotted or name.startswith(module.dotted + ".") for name in imported)
    ]
    assert not untested, f"write tests/<room>/test_<module>.py for: {untested}"


def test_an_agent_s_process_loads_nothing_of_the_router_s() -> None:
    command = "import sys, howdah.cli.main, howdah.cli.agent; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[1] for name in run.stdout.split() if name.startswith("howdah.")}
    assert "agent" in loaded
    assert not loaded & set(NOT_OF_AN_AGENT)
