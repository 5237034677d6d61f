"""How does a server connection get to other settings, by the fewest words?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.routing.plan import UNKNOWN
from howdah.routing.prepared import MOST_TAKEN, Statements
from howdah.routing.profile import (
    APPLICATION_NAME_BYTES_MAX,
    Profile,
    Profiles,
    change,
    identifier,
    name_with_address,
    quoted,
)
from howdah.routing.route import Route
from howdah.routing.wishes import ROUTE


def test_the_same_settings_are_one_profile_in_whatever_order_they_were_made() -> None:
    profiles = Profiles()
    one = profiles.of((("a", "1"), ("b", "2")))
    assert profiles.of((("b", "2"), ("a", "1"))) is one
    assert profiles.with_setting(profiles.with_setting(profiles.plain, "b", "2"), "a", "1") is one
    assert profiles.with_setting(profiles.of((("a", "1"),)), "a", None) is profiles.plain


def test_only_what_differs_is_said() -> None:
    profiles = Profiles()
    one, other = profiles.of((("a", "1"), ("b", "2"))), profiles.of((("b", "2"), ("c", "3")))
    assert change(one, one) == ""
    assert change(one, other) == "RESET \"a\";SELECT pg_catalog.set_config('c','3',false)"


def test_a_role_is_left_before_and_taken_after_everything_else() -> None:
    profiles = Profiles()
    one = profiles.of((("role", "reader"), ("a", "1")))
    other = profiles.of((("role", "writer"), ("a", "2")))
    words = change(one, other)
    assert words.index('RESET "role"') < words.index("'a','2'") < words.index("'role','writer'")


@pytest.mark.parametrize(
    "settings", [(("default_transaction_isolation", "SERIALIZABLE"),), (("standard_conforming_strings", "off"),)]
)
def test_what_a_standby_cannot_do_or_nobody_can_read_stays_on_the_primary(
    settings: tuple[tuple[str, str], ...],
) -> None:
    assert not Profile(settings).spreads
    assert Profile((("work_mem", "5MB"),)).spreads


def test_names_and_values_mean_themselves_whatever_they_hold() -> None:
    assert quoted("it's") == "'it''s'"
    assert quoted("a\\b") == r"E'a\\b'"
    assert identifier('my.se"t') == '"my"."se""t"'


def test_a_statement_has_one_name_for_all_clients_and_a_name_one_meaning_for_ever() -> None:
    statements = Statements()
    first = statements.intern(b"s1", b"SELECT 1\0\0\0", UNKNOWN)
    assert statements.intern(b"other", b"SELECT 1\0\0\0", UNKNOWN) is first
    second = statements.intern(b"s1", b"SELECT 2\0\0\0", UNKNOWN)
    assert first.name == b"s1"
    assert second.name != b"s1"
    first.users = 1
    statements.release(first)
    assert statements.intern(b"s1", b"SELECT 3\0\0\0", UNKNOWN).name != b"s1"
    assert statements.intern(b"howdah_1", b"SELECT 4\0\0\0", UNKNOWN).name != b"howdah_1"


def test_names_that_clients_count_up_for_ever_are_not_kept_for_ever() -> None:
    statements = Statements()
    for number in range(MOST_TAKEN + 5):
        statement = statements.intern(b"p%d" % number, b"SELECT %d\0" % number, UNKNOWN)
        statement.users = 1
        statements.release(statement)
    assert len(statements) == 0
    assert statements.intern(b"one more", b"SELECT\0", UNKNOWN).name.startswith(b"howdah_")


@given(st.text(max_size=100), st.sampled_from(["10.0.0.1:5", "[fe80::1]:65535", ""]))
def test_the_address_stays_whole_in_the_name_that_is_shown(name: str, address: str) -> None:
    shown = name_with_address(name, address)
    assert shown.endswith(address) and len(shown.encode()) <= APPLICATION_NAME_BYTES_MAX
    assert shown.startswith(name[:1].encode("utf-8", "replace").decode()) or not name


def test_a_client_s_port_and_address_are_part_of_what_it_began_with() -> None:
    profiles = Profiles()
    plain = profiles.of_login((("Application_Name", "first"), ("application_name", "app")), address="10.0.0.7")
    assert plain.get("application_name") == "app - 10.0.0.7"
    assert plain.wishes.route is None
    assert profiles.of_login((), Route.STANDBY).wishes.route is Route.STANDBY
    assert profiles.of_login(((ROUTE, "primary"),), Route.STANDBY).wishes.route is Route.PRIMARY
