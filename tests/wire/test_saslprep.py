"""Is a password prepared as RFC 4013 says, and left alone where PostgreSQL leaves it alone?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire.saslprep import saslprep


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("e\u0301", "é"),
    ],
)
def test_the_examples_of_the_standard(password: str, prepared: str) -> None:
    assert saslprep(password.encode()) == prepared.encode()


@pytest.mark.parametrize("password", ["é\u0007", "\u0627\u0031", "\u00ad", "é\ue000", "é\u0221"])
def test_what_the_standard_forbids_is_taken_as_it_is(password: str) -> None:
    assert saslprep(password.encode()) == password.encode()


def test_what_is_no_text_is_taken_as_it_is() -> None:
    assert saslprep(b"caf\xe9") == b"caf\xe9"


@given(st.binary(max_size=40))
def test_every_password_has_a_form(password: bytes) -> None:
    assert saslprep(password) or not password


@given(st.text(max_size=20))
def test_preparing_twice_changes_nothing_more_for_plain_letters(password: str) -> None:
    if password.isascii():
        assert saslprep(password.encode()) == password.encode()
