"""Which account runs PostgreSQL, and what is said when it cannot reach a directory?"""

import contextlib
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account, choose_account, enter_fault, own, own_name, run_as

ROOT = os.geteuid() == 0
ONLY_AS_ROOT = pytest.mark.skipif(not ROOT, reason="only root runs PostgreSQL under another account: run it as root")
STRANGER = Account("somebody", 54321, 54321)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can enter."""
    with tempfile.TemporaryDirectory(prefix="howdah-test-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@contextlib.contextmanager
def _not_root() -> Iterator[None]:
    """Be an unprivileged user inside the block."""
    before = os.geteuid()
    if ROOT:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


@ONLY_AS_ROOT
def test_root_takes_postgres_or_else_nobody() -> None:
    account = choose_account()
    assert account is not None
    names = {entry.pw_name for entry in pwd.getpwall()}
    assert account.name == ("postgres" if "postgres" in names else "nobody")
    assert account.uid != 0


@ONLY_AS_ROOT
def test_a_named_account_is_taken() -> None:
    account = choose_account("nobody")
    assert account is not None
    assert (account.name, account.uid) == ("nobody", pwd.getpwnam("nobody").pw_uid)


@ONLY_AS_ROOT
def test_root_itself_is_refused() -> None:
    with pytest.raises(PostgresFailure, match="refuses root"):
        choose_account("root")


@ONLY_AS_ROOT
def test_an_account_that_does_not_exist_is_named_with_the_mend() -> None:
    with pytest.raises(PostgresFailure, match=r"'no-such-account'.*useradd"):
        choose_account("no-such-account")


def test_without_root_nothing_is_changed_and_another_account_refused() -> None:
    with _not_root():
        assert choose_account() is None
        assert choose_account(pwd.getpwuid(os.geteuid()).pw_name) is None
        with pytest.raises(PostgresFailure, match="only root"):
            choose_account("root")


@ONLY_AS_ROOT
def test_programs_run_as_the_account_without_our_groups_and_environment() -> None:
    account = choose_account("nobody")
    assert account is not None
    answer = subprocess.run(
        ["sh", "-c", "id -u; id -G; pwd; env"], capture_output=True, text=True, check=True, **run_as(account)
    )
    uid, groups, directory, *environment = answer.stdout.splitlines()
    assert (uid, groups, directory) == (str(account.uid), str(account.gid), "/")
    assert not [line for line in environment if line.startswith("PG")]
    assert f"HOME={account.home}" in environment


def test_an_open_directory_can_be_entered(place: Path) -> None:
    inner = place / "a" / "b"
    inner.mkdir(parents=True)
    assert enter_fault(STRANGER, inner) == ""
    assert enter_fault(None, inner) == ""


def test_the_outermost_directory_that_blocks_is_named_with_the_mend(place: Path) -> None:
    inner = place / "closed" / "closed too" / "data"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    inner.parent.parent.chmod(0o700)
    fault = enter_fault(STRANGER, inner)
    assert "'somebody'" in fault
    assert f"cannot enter {place / 'closed'}," in fault
    assert "/var/lib/howdah" in fault


def test_the_group_s_bits_count_for_the_account_s_group(place: Path) -> None:
    inner = place / "grouped"
    inner.mkdir()
    inner.chmod(0o701)
    member = Account("member", 54321, inner.stat().st_gid)
    assert "cannot enter" in enter_fault(member, inner)
    inner.chmod(0o710)
    assert enter_fault(member, inner) == ""


def test_a_directory_that_does_not_exist_yet_is_judged_by_its_parents(place: Path) -> None:
    assert enter_fault(STRANGER, place / "later" / "data") == ""
    place.chmod(0o700)
    assert f"cannot enter {place}," in enter_fault(STRANGER, place / "later" / "data")


def test_a_link_is_judged_by_where_it_leads(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(0o700)
    (place / "link").symlink_to(closed)
    assert f"cannot enter {closed}," in enter_fault(STRANGER, place / "link")


def test_a_file_is_no_directory(place: Path) -> None:
    (place / "file").touch()
    assert "is not a directory" in enter_fault(STRANGER, place / "file")


@ONLY_AS_ROOT
def test_owning_changes_a_link_and_not_what_it_points_at(place: Path) -> None:
    target = place / "target"
    target.touch()
    link = place / "link"
    link.symlink_to(target)
    own(link, STRANGER)
    assert (link.lstat().st_uid, target.stat().st_uid) == (STRANGER.uid, 0)
    own(target, None)
    assert target.stat().st_uid == 0


NAMELESS = 48_151_623


@pytest.mark.skipif(not ROOT, reason="only root can be a user id without a name: run it as root")
def test_a_user_id_without_a_name_is_told_what_would_give_it_one(place: Path) -> None:
    assert own_name() == pwd.getpwuid(os.geteuid()).pw_name
    place.chmod(0o777)
    os.seteuid(NAMELESS)
    try:
        with pytest.raises(PostgresFailure, match=f"the user id {NAMELESS} has no name.*Run as a user"):
            own_name(place)
        with pytest.raises(PostgresFailure, match="make /nowhere writable"):
            own_name(Path("/nowhere"))
    finally:
        os.seteuid(0)
    # The system of this test does not look there; the image's does (tests/kubernetes).
    assert (place / "passwd").read_text() == f"user{NAMELESS}:x:{NAMELESS}:{NAMELESS}:Howdah:/tmp:/usr/sbin/nologin\n"
