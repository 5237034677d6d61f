"""Do both sides of an md5 login agree, and is everything else refused?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire.md5 import is_md5_verifier, md5_matches, md5_response, md5_verifier

salts = st.binary(min_size=4, max_size=4)


@given(st.binary(max_size=20), st.text(max_size=20), salts, st.binary(max_size=20))
def test_the_right_password_matches_and_no_other_does(password: bytes, user: str, salt: bytes, other: bytes) -> None:
    verifier = md5_verifier(password, user)
    assert is_md5_verifier(verifier)
    assert md5_matches(md5_response(verifier, salt), verifier, salt)
    assert md5_matches(md5_response(md5_verifier(other, user), salt), verifier, salt) == (other == password)


def test_a_response_is_worth_nothing_for_another_salt() -> None:
    verifier = md5_verifier(b"secret", "me")
    assert not md5_matches(md5_response(verifier, b"aaaa"), verifier, b"bbbb")


@pytest.mark.parametrize("text", ["", "md5", "secret", "SCRAM-SHA-256$", "md5" + "g" * 32, "md5" + "0" * 31])
def test_what_is_no_verifier_matches_nothing(text: str) -> None:
    assert not is_md5_verifier(text)
    assert not md5_matches(md5_response(text, b"salt"), text, b"salt")
