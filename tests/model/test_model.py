"""Does the exhaustive model find the protocol safe in its small bounds, and does taking a guard out show?

The model is C++ (`make model` searches all its bounds). Here its small ones run, of the same program.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent
COMPILERS = (os.environ.get("CXX", ""), "c++", "g++", "clang++")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model's programs, compiled."""
    compiler = next((found for name in COMPILERS if name and (found := shutil.which(name))), None)
    if compiler is None:
        pytest.skip("no C++ compiler is here (c++, g++ or clang++): install Debian's package g++")
    built = tmp_path_factory.mktemp("model")
    sources = {"model": "main.cpp", "lease": "lease.cpp"}
    for name, source in sources.items():
        command = [compiler, "-std=c++20", "-O2", "-o", str(built / name), str(SOURCES / source)]
        compiled = subprocess.run(command, capture_output=True, text=True, check=False)
        assert compiled.returncode == 0, compiled.stderr
    return {name: built / name for name in sources}


def _run(program: Path, *arguments: str) -> str:
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_state_of_the_small_bounds_is_safe_and_can_get_to_serve(programs: dict[str, Path]) -> None:
    told = _run(programs["model"], "bounds", "quick")
    assert "elections " in told
    assert "can all get to serve" in told


def test_each_guard_that_is_taken_out_shows_as_a_lost_commit_or_a_cluster_that_is_stuck(
    programs: dict[str, Path],
) -> None:
    told = _run(programs["model"], "removals", "quick")
    assert "without waiting for the revocation: the holder of the record lacks an acknowledged commit" in told
    assert "without raising the own term in place: stuck for good" in told


def test_a_violation_comes_with_the_shortest_way_to_it(programs: dict[str, Path]) -> None:
    told = _run(programs["model"], "removal", "0")
    assert "1. n1: a client writes" in told
    assert "a swap lands (win)  => the holder of the record lacks an acknowledged commit" in told


def test_leases_gates_and_the_voters_word_keep_their_deadlines_and_each_of_their_guards_shows(
    programs: dict[str, Path],
) -> None:
    told = _run(programs["lease"])
    assert "quorum, one freeze" in told
    assert "without the dead-man" in told


def test_what_the_model_does_not_know_is_refused(programs: dict[str, Path]) -> None:
    done = subprocess.run([str(programs["model"]), "bound", "no such"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing is called so" in done.stderr
