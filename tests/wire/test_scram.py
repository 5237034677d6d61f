"""Do both sides of SCRAM agree with each other, with the published example, and on whom to refuse?"""

from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from howdah.wire.scram import (
    ITERATIONS,
    MECHANISM,
    MECHANISM_PLUS,
    Keys,
    Verifier,
    derive_keys,
    exclusive_or,
    mac,
    mechanisms,
    mock_verifier,
    parse_verifier,
    verifier_of,
)
from howdah.wire.scramclient import Final, First, first_message
from howdah.wire.scramserver import Challenge, Proven, challenge
from howdah.wire.violation import ProtocolViolation

SALT = bytes(range(16))
KEYS = derive_keys(b"secret", SALT, 10)
VERIFIER = verifier_of(KEYS)
ENDPOINT = b"e" * 32
OURS, THEIRS = b"client-nonce", b"server-nonce"

passwords = st.binary(min_size=1, max_size=20)


def exchange(
    secret: bytes | Keys,
    verifier: Verifier,
    *,
    client: bytes | None = None,
    server: bytes | None = None,
    tls: bool = False,
) -> tuple[Challenge, Final]:
    """Up to the client's proof, with what either side believes to be the certificate's binding."""
    first = first_message(mechanisms(server), OURS, tls, client)
    asked = challenge(first.mechanism, first.message, verifier, THEIRS, server)
    return asked, first.answer(asked.message, secret)


def challenged(message: bytes, mechanism: str = MECHANISM, endpoint: bytes | None = None) -> Challenge:
    return challenge(mechanism, message, VERIFIER, THEIRS, endpoint)


def refusal(message: bytes, mechanism: str = MECHANISM, endpoint: bytes | None = None) -> ProtocolViolation:
    with pytest.raises(ProtocolViolation) as caught:
        challenged(message, mechanism, endpoint)
    return caught.value


# RFC 7677 section 3.
PUBLISHED_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
PUBLISHED_SERVER_NONCE = b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
PUBLISHED_CHALLENGE = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
PUBLISHED_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
PUBLISHED_PROOF_OF_SERVER = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def published_verifier() -> Verifier:
    salt = b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81"
    return verifier_of(derive_keys(b"pencil", salt, 4096))


def test_the_server_takes_the_published_example() -> None:
    asked = challenge(MECHANISM, PUBLISHED_FIRST, published_verifier(), PUBLISHED_SERVER_NONCE, None)
    assert asked.message == PUBLISHED_CHALLENGE
    proven = asked.check(PUBLISHED_FINAL)
    assert proven is not None
    assert proven.message == PUBLISHED_PROOF_OF_SERVER


def test_the_client_makes_the_published_example() -> None:
    first = First(MECHANISM, PUBLISHED_FIRST, b"n,,", b"", b"rOprNGfwEbeRWgbNEkqO")
    final = first.answer(PUBLISHED_CHALLENGE, b"pencil")
    assert final.message == PUBLISHED_FINAL
    final.verify(PUBLISHED_PROOF_OF_SERVER)


@settings(deadline=None)
@given(passwords, passwords, st.binary(min_size=1, max_size=20), st.integers(1, 20))
def test_the_right_password_proves_itself_and_no_other_does(
    right: bytes, other: bytes, salt: bytes, count: int
) -> None:
    keys = derive_keys(right, salt, count)
    asked, final = exchange(right, verifier_of(keys))
    proven = asked.check(final.message)
    assert proven is not None and proven.keys == keys
    final.verify(proven.message)
    asked, final = exchange(other, verifier_of(keys))
    assert (asked.check(final.message) is None) == (derive_keys(other, salt, count) != keys)


def test_the_key_that_a_proof_reveals_logs_in_without_the_password() -> None:
    asked, final = exchange(b"secret", VERIFIER)
    captured = asked.check(final.message)
    assert isinstance(captured, Proven)
    asked, final = exchange(captured.keys, VERIFIER, client=ENDPOINT, server=ENDPOINT, tls=True)
    proven = asked.check(final.message)
    assert proven is not None
    final.verify(proven.message)


def test_a_captured_key_is_not_tried_at_a_server_with_another_verifier() -> None:
    changed = verifier_of(derive_keys(b"secret", b"another salt", 10))
    with pytest.raises(ProtocolViolation, match="verifier is not the one") as caught:
        exchange(KEYS, changed)
    assert caught.value.sqlstate == "28P01"


def test_both_sides_bind_to_the_channel_where_both_can() -> None:
    first = first_message(mechanisms(ENDPOINT), OURS, True, ENDPOINT)
    assert (first.mechanism, first.header) == (MECHANISM_PLUS, b"p=tls-server-end-point,,")
    asked, final = exchange(b"secret", VERIFIER, client=ENDPOINT, server=ENDPOINT, tls=True)
    assert asked.check(final.message) is not None


def test_somebody_in_between_with_another_certificate_is_found_out() -> None:
    asked, final = exchange(b"secret", VERIFIER, client=b"x" * 32, server=ENDPOINT, tls=True)
    with pytest.raises(ProtocolViolation, match="channel binding check failed") as caught:
        asked.check(final.message)
    assert caught.value.sqlstate == "28000"


def test_a_client_that_could_bind_says_so_and_a_server_that_offered_it_finds_the_offer_stolen() -> None:
    first = first_message((MECHANISM,), OURS, True, ENDPOINT)
    assert first.message.startswith(b"y,,")
    assert challenged(first.message)
    assert "negotiation error" in refusal(first.message, endpoint=ENDPOINT).message


def test_a_client_that_cannot_bind_says_so_and_is_taken() -> None:
    for tls, endpoint in ((False, None), (True, None), (False, ENDPOINT)):
        first = first_message(mechanisms(ENDPOINT), OURS, tls, endpoint)
        assert (first.mechanism, first.header) == (MECHANISM, b"n,,")
        assert challenged(first.message, endpoint=ENDPOINT)


def test_a_server_without_tls_offers_no_binding() -> None:
    assert mechanisms(None) == (MECHANISM,)
    assert "invalid SASL" in refusal(b"p=tls-server-end-point,,n=,r=x", MECHANISM_PLUS).message


def test_the_flag_has_to_go_with_the_mechanism() -> None:
    assert "binds to a channel" in refusal(b"p=tls-server-end-point,,n=,r=x", endpoint=ENDPOINT).detail
    assert "does not bind" in refusal(b"n,,n=,r=x", MECHANISM_PLUS, ENDPOINT).detail
    assert "does not bind" in refusal(b"y,,n=,r=x", MECHANISM_PLUS, ENDPOINT).detail
    assert "binding type" in refusal(b"p=tls-unique,,n=,r=x", MECHANISM_PLUS, ENDPOINT).message


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n",
        b"n,",
        b"n,,",
        b"x,,n=,r=a",
        b"n,a=other,n=,r=a",
        b"n,z,n=,r=a",
        b"n,,m=x,n=,r=a",
        b"n,,r=a",
        b"n,,n=",
        b"n,,n=,r=",
        b"n,,n=,r=a b",
        b"n,,n=,r=\xff",
        b"n,,n=,r=a\0",
    ],
)
def test_malformed_first_messages_are_refused(message: bytes) -> None:
    assert refusal(message).sqlstate in ("08P01", "0A000")


@pytest.mark.parametrize(
    "final", [b"", b"p=", b"c=biws", b"c=biws,p=AAAA", b"c=biws,r=x,p=", b"r=x,c=biws,p=AAAA", b"c=eSws,r=x,p=AAAA"]
)
def test_malformed_final_messages_are_refused(final: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        challenged(b"n,,n=,r=x").check(final)


def test_another_nonce_is_refused() -> None:
    asked, final = exchange(b"secret", VERIFIER)
    with pytest.raises(ProtocolViolation, match="invalid SCRAM response"):
        replace(asked, nonce=b"another").check(final.message)


def test_extensions_of_the_last_message_are_ignored() -> None:
    asked = challenged(b"n,,n=,r=client-nonce")
    unproven = b"c=biws,r=client-nonceserver-nonce,x=y"
    exchanged = b",".join((b"n=,r=client-nonce", asked.message, unproven))
    proof = exclusive_or(KEYS.client_key, mac(VERIFIER.stored_key, exchanged))
    assert asked.check(unproven + b",p=" + b64encode(proof)) is not None


def test_the_user_name_in_the_message_is_ignored() -> None:
    first = first_message((MECHANISM,), OURS, False, None)
    message = first.message.replace(b"n=,", b"n=somebody else,")
    asked = challenged(message)
    final = First(MECHANISM, message, b"n,,", b"", OURS).answer(asked.message, b"secret")
    assert asked.check(final.message) is not None


def test_a_verifier_is_read_and_written_as_pg_authid_has_it() -> None:
    text = str(VERIFIER)
    assert text.startswith("SCRAM-SHA-256$10:AAECAwQFBgcICQoLDA0ODw==$")
    assert parse_verifier(text) == VERIFIER


@given(st.text(max_size=60))
def test_no_verifier_raises_anything_but_a_violation_and_none_is_repeated(text: str) -> None:
    for verifier in (text, f"SCRAM-SHA-256${text}", f"SCRAM-SHA-256$4096:{text}$:"):
        with pytest.raises(ProtocolViolation) as caught:
            parse_verifier(verifier)
        assert len(text) < 8 or text not in str(caught.value)


def test_secrets_do_not_show_when_printed() -> None:
    asked, final = exchange(b"secret", VERIFIER)
    for secret in (KEYS, VERIFIER, asked, final, asked.check(final.message)):
        assert "key" not in repr(secret)
        assert repr(secret).startswith("<")


def test_an_unknown_user_is_asked_the_same_thing_each_time_and_never_let_in() -> None:
    one, again = mock_verifier("nobody", b"server secret"), mock_verifier("nobody", b"server secret")
    assert one == again
    assert (one.iterations, len(one.salt)) == (ITERATIONS, 16)
    assert mock_verifier("nobody", b"other secret").salt != one.salt
    assert mock_verifier("somebody", b"server secret").salt != one.salt
    asked, final = exchange(b"guess", one)
    assert asked.check(final.message) is None


def test_a_user_who_may_not_log_in_is_refused_with_the_right_password_too() -> None:
    asked, final = exchange(b"secret", replace(VERIFIER, known=False))
    assert asked.check(final.message) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"e=no",
        b"r=client-nonce,s=AAAA,i=1",
        b"r=other,s=AAAA,i=1",
        b"r=client-noncex,s=,i=1",
        b"r=client-noncex,s=!,i=1",
        b"r=client-noncex,s=AAAA,i=0",
        b"r=client-noncex,s=AAAA,i=-1",
        b"r=client-noncex,s=AAAA,i=x",
        b"r=client-noncex,s=AAAA,i=\xb2",
        b"r=client-noncex,s=AAAA,i=1000001",
        b"r=client-noncex,s=AAAA,i=99999999999999",
        b"r=client-noncex,s=AAAA,i=1,x=y",
        b"m=x,r=client-noncex,s=AAAA,i=1",
    ],
)
def test_malformed_challenges_are_refused_before_work_is_done(message: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        first_message((MECHANISM,), OURS, False, None).answer(message, b"secret")


@pytest.mark.parametrize("message", [b"", b"v=", b"v=AAAA", b"v=!", b"e=invalid-proof", b"e=\xff", b"x=y"])
def test_a_server_that_does_not_prove_itself_is_refused(message: bytes) -> None:
    _, final = exchange(b"secret", VERIFIER)
    with pytest.raises(ProtocolViolation):
        final.verify(message)


def test_a_server_that_offers_nothing_we_know_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="OAUTHBEARER"):
        first_message(("OAUTHBEARER",), OURS, False, None)
    with pytest.raises(ProtocolViolation):
        first_message((MECHANISM_PLUS,), OURS, True, None)


@given(st.binary(max_size=60), st.sampled_from([MECHANISM, MECHANISM_PLUS, "X"]), st.sampled_from([None, ENDPOINT]))
def test_no_bytes_raise_anything_but_a_violation(data: bytes, mechanism: str, endpoint: bytes | None) -> None:
    asked, final = exchange(b"secret", VERIFIER)
    first = first_message((MECHANISM,), OURS, False, None)
    for attempt in (
        lambda: challenged(data, mechanism, endpoint),
        lambda: challenged(b"n,,n=," + data),
        lambda: asked.check(data),
        lambda: asked.check(b"c=biws," + data),
        lambda: asked.check(final.message[:-8] + data),
        lambda: asked.check(b"c=biws,r=client-nonceserver-nonce,p=" + b64encode(data)),
        lambda: first.answer(data, KEYS),
        lambda: first.answer(b"r=client-nonce" + data, KEYS),
        lambda: final.verify(data),
    ):
        try:
            attempt()
        except ProtocolViolation:
            continue
