"""What a client says first, and bytes that are no login at all."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from howdah.routing.credentials import RoleFacts
from howdah.routing.login import EARLY_MAX_BYTES, ClientLogin
from howdah.routing.loginsteps import (
    Arrival,
    AskRole,
    CancelAsked,
    LoggedIn,
    More,
    Refused,
    StartTls,
    Step,
    TlsUp,
)
from howdah.wire import authentication
from howdah.wire.md5 import md5_response
from howdah.wire.negotiation import read_negotiation
from howdah.wire.options import parse_options
from howdah.wire.startup import Replication, cancel_request, startup_message
from tests.routing.loginplay import (
    ENDPOINT,
    GSS,
    LOCAL,
    MD5,
    REMOTE,
    SCRAM,
    SSL,
    STARTUP,
    begun,
    let_in,
    login,
    policy,
    refused,
    scram,
    told,
)

# corners of the startup: numbers are those of reference/router.md, section 5


@pytest.mark.parametrize("request_", [SSL, GSS])
def test_corner_1_bytes_sent_after_asking_for_encryption_and_before_it_are_refused(request_: bytes) -> None:
    refused(login().receive(request_ + STARTUP), "08P01", "received unencrypted data after")
    one = login()
    assert isinstance(one.receive(SSL).then, StartTls)
    refused(one.receive(b"x"), "08P01", "received unencrypted data after SSL request")


def test_corner_2_a_second_startup_packet_does_not_change_the_user() -> None:
    one, _ = begun()
    refused(one.receive(startup_message((("user", "postgres"),))), "08P01")
    one = login()
    one.receive(STARTUP)
    one.receive(startup_message((("user", "postgres"),)))
    refused(one.role(SCRAM), "08P01")


@pytest.mark.parametrize("options", ["-c=", "-c", "--=x", "-c x", "--x", "word", "-c =", "-c\\"])
def test_corner_3_options_that_are_none_end_in_an_error(options: str) -> None:
    step = login().receive(startup_message((("user", "anna"), ("options", options))))
    assert isinstance(step.then, Refused) and told(step.send).sqlstate in ("42601", "42704", "22023")


def test_corner_3_options_become_settings_before_those_given_by_name() -> None:
    one = login(rules="host all all all trust")
    sent = (("user", "anna"), ("options", r"-c work_mem=1MB --search-path=a\ b"), ("application_name", "x"))
    one.receive(startup_message(sent))
    done = let_in(one.role(SCRAM))
    assert done.settings == (*parse_options(r"-c work_mem=1MB --search-path=a\ b"), ("application_name", "x"))
    assert done.database == "anna"


@pytest.mark.parametrize("length", [0, 3, 4, 7, 10_005, 2**31 - 1, 2**31, 2**32 - 1])
def test_corner_4_a_length_that_lies_is_refused_before_anything_is_kept(length: int) -> None:
    refused(login().receive(length.to_bytes(4, "big")), "08P01", "invalid length of startup packet")


def test_corner_4_a_long_password_message_is_refused() -> None:
    one, _ = begun()
    refused(one.receive(b"p" + (2**31 - 1).to_bytes(4, "big")), "08P01")
    one, _ = begun()
    refused(one.receive(b"p" + (20_000).to_bytes(4, "big")), "08P01")


@pytest.mark.parametrize(
    ("minor", "agreed", "negotiated"), [(0, 0, False), (1, 1, False), (2, 2, False), (3, 2, True), (9999, 2, True)]
)
def test_corner_7_a_newer_version_is_negotiated_once(minor: int, agreed: int, negotiated: bool) -> None:
    parameters = (("user", "anna"), ("_pq_.test_protocol_negotiation", "")) if minor == 9999 else (("user", "anna"),)
    one, step = begun(startup=startup_message(parameters, minor))
    assert told(step.send).kinds == ("vR" if negotiated else "R")
    if negotiated:
        end = 1 + int.from_bytes(step.send[1:5], "big")
        negotiation = read_negotiation(step.send, 0, end)
        assert negotiation.minor == 2
        assert negotiation.unknown == (("_pq_.test_protocol_negotiation",) if minor == 9999 else ())
    done = scram(one, Step(step.send[step.send.index(b"R") :], step.then))
    assert "v" not in told(done.send).kinds
    assert let_in(done).minor == agreed


def test_corner_9_gss_then_ssl_then_startup_on_one_connection() -> None:
    one = login(tls="disable")
    assert one.receive(GSS).send == b"N"
    assert one.receive(SSL).send == b"N"
    assert isinstance(one.receive(STARTUP).then, AskRole)
    one = login()
    assert one.receive(GSS).send == b"N"
    step = one.receive(SSL)
    assert step.send == b"S" and isinstance(step.then, StartTls)
    one.tls_is_up(TlsUp(ENDPOINT))
    assert isinstance(one.receive(STARTUP).then, AskRole)


@pytest.mark.parametrize("request_", [SSL, GSS])
def test_corner_9_asking_twice_is_refused(request_: bytes) -> None:
    one = login(tls="disable")
    one.receive(request_)
    refused(one.receive(request_), "0A000")


def test_corner_10_a_cancel_counts_before_and_within_tls() -> None:
    assert login().receive(cancel_request(7, b"1234")).then == CancelAsked(7, b"1234")
    one = login()
    one.receive(SSL)
    one.tls_is_up(TlsUp(ENDPOINT))
    assert one.receive(cancel_request(7, b"k" * 32)) == Step(b"", CancelAsked(7, b"k" * 32))
    direct = login(Arrival(REMOTE.address, tls=TlsUp(ENDPOINT)))
    assert direct.receive(cancel_request(7, b"k" * 32)).then == CancelAsked(7, b"k" * 32)
    long = (12 + 257).to_bytes(4, "big") + cancel_request(7, b"k" * 256)[4:] + b"k"
    refused(login().receive(long), "08P01", "invalid length of query cancel packet")


def test_corner_10_tls_that_begins_directly_is_the_shell_s_and_refused_here() -> None:
    refused(login().receive(b"\x16\x03\x01\x02\x00"), "08P01", "TLS was begun directly")


def test_a_client_without_tls_is_refused_where_tls_is_required_but_not_on_the_unix_socket() -> None:
    refused(login(tls="require").receive(STARTUP), "28000", "TLS only")
    assert isinstance(login(LOCAL, tls="require").receive(STARTUP).then, AskRole)
    assert login(LOCAL, tls="require").receive(SSL).send == b"N"


def test_replication_is_noted_and_needs_the_right() -> None:
    def asks(value: str, role: RoleFacts) -> Step:
        rules = "host replication all all trust\nhost all all all trust"
        return begun(rules, role, startup=startup_message((("user", "anna"), ("replication", value))))[1]

    assert let_in(asks("true", RoleFacts(None, replication=True))).replication is Replication.PHYSICAL
    assert let_in(asks("database", RoleFacts(None))).replication is Replication.LOGICAL
    assert let_in(asks("off", RoleFacts(None))).replication is Replication.NO
    refused(asks("true", RoleFacts(None)), "42501", "WAL sender")
    refused(login().receive(startup_message((("user", "anna"), ("replication", "maybe")))), "22023")


def test_what_follows_the_login_is_handed_on() -> None:
    one = login(rules="host all all all trust")
    one.receive(STARTUP + b"Q\0\0\0\5\0")
    assert let_in(one.role(SCRAM)).rest == b"Q\0\0\0\5\0"


def test_too_much_before_the_login_is_answered_is_refused() -> None:
    one = login()
    one.receive(STARTUP)
    assert isinstance(one.receive(b"p" * EARLY_MAX_BYTES).then, More)
    refused(one.receive(b"p"), "08P01")


@pytest.mark.parametrize("kind", [b"Q", b"X", b"S", b"d", b"P"])
def test_another_message_instead_of_a_password_is_refused(kind: bytes) -> None:
    one, _ = begun()
    refused(one.receive(kind + b"\0\0\0\4"), "08P01")


def test_time_runs_out_with_a_word_to_who_speaks_the_protocol() -> None:
    step = login().too_late()
    assert step.send == b"" and isinstance(step.then, Refused)
    refused(begun()[0].too_late(), "57014", "timeout")


def test_after_the_end_nothing_more_is_said() -> None:
    one, _ = begun("host all all all reject")
    assert one.receive(STARTUP) == Step(b"", More())


def test_a_login_takes_fresh_randomness() -> None:
    with pytest.raises(ValueError, match="random bytes"):
        ClientLogin(REMOTE, policy(), b"few")


# any bytes, in any pieces


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(cuts=st.lists(st.integers(0, 500), max_size=12))
def test_corner_11_a_login_is_the_same_however_its_bytes_are_split(cuts: list[int]) -> None:
    one = login(rules="host all all all md5")
    asked = [one.receive(piece) for piece in pieces(STARTUP, cuts)]
    assert isinstance(asked[-1].then, AskRole) and all(isinstance(step.then, More) for step in asked[:-1])
    one.role(MD5)
    answer = authentication.password(md5_response(str(MD5.verifier), bytes(range(18, 22)))) + b"Q\0\0\0\5\0"
    send, done, rest = b"", None, b""
    for piece in pieces(answer, cuts):
        if done is not None:
            rest += piece
            continue
        step = one.receive(piece)
        send += step.send
        done = step.then if isinstance(step.then, LoggedIn) else None
    assert done is not None and told(send).asked == [authentication.Accepted()]
    assert done.rest + rest == b"Q\0\0\0\5\0"


@settings(max_examples=300)
@given(
    before=st.sampled_from([b"", GSS, SSL, STARTUP]),
    role=st.sampled_from([None, SCRAM, MD5]),
    rule=st.sampled_from(["host all all all md5", "host all all all scram-sha-256", "host all all all trust"]),
    garbage=st.lists(
        st.binary(max_size=60)
        | st.builds(lambda body: b"p" + (len(body) + 4).to_bytes(4, "big") + body, st.binary(max_size=40)),
        max_size=6,
    ),
)
def test_any_garbage_ends_in_a_refusal_or_waits_for_more_in_bounded_memory(
    before: bytes, role: RoleFacts | None, rule: str, garbage: list[bytes]
) -> None:
    one = login(rules=rule, tls="disable")
    for data in (before, *garbage):
        step = one.receive(data)
        if isinstance(step.then, AskRole):
            step = one.role(role)
        if isinstance(step.then, Refused):
            assert len(told(step.send.lstrip(b"N") if step.send[:2] == b"NE" else step.send).sqlstate) == 5
            return
        if isinstance(step.then, LoggedIn):
            assert "trust" in rule and role is not None
            return
        assert isinstance(step.then, More | CancelAsked)
        if isinstance(step.then, CancelAsked):
            return
