"""Names of nodes, and what is made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.values.member import NAME_BYTES_MAX, Member, check_name, slot_name

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
POSTGRESQL_NAME_BYTES_MAX = 63
TERM_DIGITS_MAX = 20


@pytest.mark.parametrize("name", ["n1", "pg-0", "a" * NAME_BYTES_MAX])
def test_a_name_may_be_lower_case_letters_digits_and_hyphens(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "1n", "N1", "n_1", "n.1", "nö", "n1\n", "a" * (NAME_BYTES_MAX + 1)])
def test_another_name_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ValueError, match=f"cannot name a node.*at most {NAME_BYTES_MAX}"):
        check_name(name)


def test_the_longest_name_leaves_room_for_every_term() -> None:
    longest = "a" * NAME_BYTES_MAX
    assert len(f"{longest}.t{10**TERM_DIGITS_MAX - 1}") <= POSTGRESQL_NAME_BYTES_MAX
    assert len(slot_name(longest)) <= POSTGRESQL_NAME_BYTES_MAX


@given(NAMES, NAMES)
def test_two_nodes_never_share_a_slot(one: str, other: str) -> None:
    assert (slot_name(one) == slot_name(other)) == (one == other)
    assert set(slot_name(one)) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


def test_a_new_disk_under_an_old_name_is_another_member() -> None:
    assert Member("n1", "a") != Member("n1", "b")
    assert str(Member("n1", "a")) == "n1"
