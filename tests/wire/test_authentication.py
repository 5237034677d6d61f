"""Do builders and readers of a login's messages undo each other?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import authentication, codes
from howdah.wire.authentication import (
    ACCEPTED,
    WANTS_CLEARTEXT,
    Accepted,
    SaslContinue,
    SaslFinal,
    WantsCleartext,
    WantsMd5,
    WantsOther,
    WantsSasl,
    read_authentication,
)
from howdah.wire.fields import message, uint32
from howdah.wire.violation import ProtocolViolation

mechanisms = st.lists(st.text("SCRAM-256", min_size=1, max_size=10), max_size=5).map(tuple)


@given(st.binary(min_size=4, max_size=4), mechanisms, st.binary(max_size=30))
def test_what_a_server_wants_is_read_again(salt: bytes, offered: tuple[str, ...], data: bytes) -> None:
    for raw, meaning in (
        (ACCEPTED, Accepted()),
        (WANTS_CLEARTEXT, WantsCleartext()),
        (authentication.wants_md5(salt), WantsMd5(salt)),
        (authentication.wants_sasl(offered), WantsSasl(offered)),
        (authentication.sasl_continue(data), SaslContinue(data)),
        (authentication.sasl_final(data), SaslFinal(data)),
    ):
        assert read_authentication(raw, 0, len(raw)) == meaning


@given(st.binary(min_size=1, max_size=30).filter(lambda raw: 0 not in raw))
def test_a_password_is_read_again(secret: bytes) -> None:
    raw = authentication.password(secret)
    assert authentication.read_password(raw, 0, len(raw)) == secret


@given(st.text("SCRAM-256", max_size=10), st.one_of(st.none(), st.binary(max_size=30)))
def test_a_choice_of_mechanism_is_read_again(mechanism: str, first: bytes | None) -> None:
    raw = authentication.sasl_initial_response(mechanism, first)
    assert authentication.read_sasl_initial_response(raw, 0, len(raw)) == (mechanism, first)


@given(st.binary(max_size=30))
def test_a_sasl_response_is_its_body(data: bytes) -> None:
    raw = authentication.sasl_response(data)
    assert authentication.read_sasl_response(raw, 0, len(raw)) == data


@pytest.mark.parametrize("number", [2, 6, 7, 8, 9, 13, 99])
def test_ways_that_are_not_spoken_are_known_by_their_number(number: int) -> None:
    raw = message(codes.AUTHENTICATION, uint32(number) + b"whatever")
    assert read_authentication(raw, 0, len(raw)) == WantsOther(number)


def test_an_endless_offer_is_refused() -> None:
    raw = authentication.wants_sasl(("X",) * 17)
    with pytest.raises(ProtocolViolation, match="more than 16"):
        read_authentication(raw, 0, len(raw))


def test_an_empty_password_is_refused_as_such() -> None:
    raw = authentication.password(b"")
    with pytest.raises(ProtocolViolation, match="empty password") as caught:
        authentication.read_password(raw, 0, len(raw))
    assert caught.value.sqlstate == "28P01"


def test_a_password_is_one_string_and_nothing_else() -> None:
    raw = message(codes.PASSWORD, b"a\0b\0")
    with pytest.raises(ProtocolViolation, match="invalid password packet size"):
        authentication.read_password(raw, 0, len(raw))


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(ProtocolViolation):
        authentication.wants_md5(b"abc")
