"""Is what is written about settings what PostgreSQL reads?"""

import pytest

from howdah.sql.settings import (
    NOT_REPLAYED,
    OF_IDENTITY,
    OF_TRANSACTION,
    joined,
    quote_identifier,
    quote_literal,
    reported,
    set_config_call,
)


def test_search_path_is_reported_from_18_on() -> None:
    assert "search_path" in reported(18) and "search_path" not in reported(17)
    assert reported(14) < reported(16) < reported(18)
    assert {"timezone", "in_hot_standby", "application_name"} <= reported(14)


@pytest.mark.parametrize(
    ("value", "literal"),
    [("a", "'a'"), ("it's", "'it''s'"), ("", "''"), ("a\\b", " E'a\\\\b'"), ("\\'", " E'\\\\'''")],
)
def test_a_literal_means_the_same_however_strings_are_read(value: str, literal: str) -> None:
    assert quote_literal(value) == literal


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("public", "public"), ("a_1", "a_1"), ("A", '"A"'), ("$user", '"$user"'), ('a"b', '"a""b"'), ("", '""')],
)
def test_an_identifier_is_quoted_where_it_has_to_be(name: str, quoted: str) -> None:
    assert quote_identifier(name) == quoted


def test_only_lists_of_identifiers_are_quoted_item_by_item() -> None:
    assert joined("search_path", ["a", "B"]) == 'a, "B"'
    assert joined("datestyle", ["ISO", "MDY"]) == "ISO, MDY"
    assert set_config_call("a.b", "c", True) == "SELECT pg_catalog.set_config('a.b', 'c', true)"


def test_names_that_mean_something_else_are_not_replayed() -> None:
    assert OF_TRANSACTION | OF_IDENTITY <= NOT_REPLAYED
