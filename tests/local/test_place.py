"""Is the cluster's directory found, made so that the account can enter it, and locked?"""

import os
from pathlib import Path

import pytest

from howdah.local.place import Place, default_place, locked, make_place, place_of
from howdah.local.refused import Refused
from howdah.postgres.account import Account

NOBODY = Account("nobody", 65534, 65534)


def test_root_and_others_have_their_own_defaults() -> None:
    assert default_place({"HOME": "/home/ada"}, 0) == Path("/var/lib/howdah/local")
    assert default_place({"HOME": "/home/ada"}, 1000) == Path("/home/ada/.local/share/howdah")
    assert default_place({"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}, 1000) == Path("/data/howdah")


def test_the_option_wins_over_the_environment(tmp_path: Path) -> None:
    environment = {"HOWDAH_DATA": str(tmp_path / "environment")}
    assert place_of(tmp_path / "option", environment).root == tmp_path / "option"
    assert place_of(None, environment).root == tmp_path / "environment"


def test_a_symbolic_link_is_followed_so_that_command_lines_name_the_real_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert place_of(tmp_path / "link", {}).root == tmp_path / "real"


def test_a_new_directory_can_be_entered_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_place(Place(tmp_path / "a" / "b"), None)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o755


def test_a_directory_that_the_account_cannot_enter_is_refused_with_the_mend(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Refused, match=r"chmod a\+x"):
        make_place(Place(closed / "cluster"), NOBODY)


def test_a_directory_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(Refused, match="--data"):
        make_place(Place(tmp_path), None)


def test_what_an_interrupted_first_start_left_is_no_obstacle(tmp_path: Path) -> None:
    for name in ("lock", "secrets", "store", "postgres-18.6"):
        (tmp_path / name).touch()
    make_place(Place(tmp_path), None)


def test_the_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    place, waited = Place(tmp_path), []
    with locked(place, lambda: waited.append("first")):
        with pytest.raises(Refused, match="another"), locked(place, lambda: waited.append("second"), limit_s=0.2):
            pass
        assert waited == ["second"]
    with locked(place, lambda: waited.append("third")):
        assert waited == ["second"]
