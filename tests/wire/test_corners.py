"""Which corners of the protocol that broke other proxies does this room decide, and how?

Each test is one of them, with where it broke. Corners that need sockets, pools or sessions are tested with those.
"""

import pytest

from howdah.wire import codes, requests
from howdah.wire.expect import Expect
from howdah.wire.fields import message
from howdah.wire.frame import (
    LOGIN_REQUESTS,
    NOTHING,
    REPLIES,
    REPLY_MAX_BYTES,
    REQUEST_MAX_BYTES,
    REQUESTS,
    RUN,
    WHOLE,
    Framer,
)
from howdah.wire.legal import State, Verdict, verdict
from howdah.wire.negotiation import backend_key_data, negotiate, negotiate_protocol_version, read_negotiation
from howdah.wire.options import parse_options
from howdah.wire.prepared import read_names
from howdah.wire.replies import (
    BIND_COMPLETE,
    NO_DATA,
    PARSE_COMPLETE,
    PORTAL_SUSPENDED,
    READY_IDLE,
    read_parameter_status,
    read_report,
)
from howdah.wire.requests import Bind, Parse, Target
from howdah.wire.rows import row_description, statement_description
from howdah.wire.scram import MECHANISM, derive_keys, mechanisms, verifier_of
from howdah.wire.scramclient import first_message
from howdah.wire.scramserver import challenge
from howdah.wire.startup import (
    Opening,
    StartupMessage,
    opening,
    packet_end,
    read_packet,
    startup_message,
)
from howdah.wire.violation import ProtocolViolation

ERROR = message(codes.ERROR, b"SERROR\0C42601\0\0")
LOGIN = (("user", "somebody"),)


def after(sent: bytes, heard: bytes) -> Expect:
    """What is expected once these requests were sent and these bytes came."""
    expected = Expect()
    for kind in sent:
        expected.sent(kind)
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    framer.feed(heard)
    while found := framer.step():
        expected.heard(framer, found)
    return expected


def test_bytes_stuffed_behind_a_request_for_tls_are_seen_before_tls_begins() -> None:
    """CVE-2021-3935, CVE-2021-23214, CVE-2021-23222."""
    for wanted in Opening:
        data = opening(wanted) + startup_message(LOGIN)
        assert packet_end(data) < len(data)


def test_a_second_startup_packet_is_no_login_message() -> None:
    """CVE-2026-107350: it changed the user in the middle of SCRAM."""
    framer = Framer(LOGIN_REQUESTS, REQUEST_MAX_BYTES)
    framer.feed(startup_message((("user", "postgres"),)))
    with pytest.raises(ProtocolViolation):
        framer.step()


@pytest.mark.parametrize("text", ["-c=", "-c =", "--=", "-c=-c=-c="])
def test_an_option_without_a_name_ends_in_an_error_and_no_loop(text: str) -> None:
    """CVE-2026-107349."""
    with pytest.raises(ProtocolViolation):
        parse_options(text)


def test_a_plus_in_options_is_no_space_and_a_percent_no_code() -> None:
    assert parse_options("-c a=b+c%20d") == (("a", "b+c%20d"),)


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0])
def test_lengths_that_overflow_are_refused_at_the_header(length: int) -> None:
    """CVE-2026-107348, CVE-2026-6664."""
    for kinds, kind in ((REQUESTS, b"Q"), (LOGIN_REQUESTS, b"p"), (REPLIES, b"D")):
        framer = Framer(kinds, REQUEST_MAX_BYTES)
        framer.feed(kind + length.to_bytes(4, "big"))
        with pytest.raises(ProtocolViolation):
            framer.step()
    with pytest.raises(ProtocolViolation):
        packet_end(length.to_bytes(4, "big"))


def test_a_client_that_asks_for_the_absurd_is_negotiated_down_and_its_extensions_are_echoed() -> None:
    asked = read_packet(startup_message((*LOGIN, ("_pq_.test_protocol_negotiation", "")), minor=9999))
    assert isinstance(asked, StartupMessage)
    minor, told = negotiate(asked)
    assert told is not None
    raw = negotiate_protocol_version(told)
    assert (minor, read_negotiation(raw, 0, len(raw))) == (2, told)
    assert told.unknown == ("_pq_.test_protocol_negotiation",)


def test_long_cancel_keys_exist_beside_short_ones() -> None:
    assert len(backend_key_data(1, b"k" * 4)) == 13
    assert len(backend_key_data(1, b"k" * 256)) == 265


def test_gss_then_tls_then_startup_can_stand_on_one_connection() -> None:
    data = opening(Opening.GSS)
    assert read_packet(data[: packet_end(data)]) is Opening.GSS
    data = opening(Opening.SSL)
    assert read_packet(data[: packet_end(data)]) is Opening.SSL
    data = startup_message(LOGIN)
    assert isinstance(read_packet(data[: packet_end(data)]), StartupMessage)


def test_tls_that_begins_at_once_is_no_packet_of_any_length() -> None:
    hello = bytes((codes.TLS_HANDSHAKE, 3, 1, 0))
    with pytest.raises(ProtocolViolation):
        packet_end(hello)
    assert all(startup_message((("user", "u" * size),))[0] != codes.TLS_HANDSHAKE for size in (1, 100, 9000))


def test_startup_and_login_may_come_in_any_pieces() -> None:
    data = startup_message(LOGIN)
    assert [packet_end(data[:size]) for size in range(len(data))] == [0] * len(data)
    framer = Framer(LOGIN_REQUESTS, REQUEST_MAX_BYTES)
    secret = message(codes.PASSWORD, b"x" * 20_000)
    for start in range(0, len(secret), 7):
        framer.feed(secret[start : start + 7])
        found = framer.step()
    assert (found, framer.end) == (WHOLE, len(secret))


def test_the_user_of_the_startup_packet_counts_and_not_that_of_scram() -> None:
    verifier = verifier_of(derive_keys(b"secret", b"salt", 5))
    asked = challenge(MECHANISM, b"n,,n=postgres,r=abc", verifier, b"def", None)
    assert asked.verifier is verifier


def test_channel_binding_is_offered_with_ones_own_certificate_or_not_at_all() -> None:
    assert mechanisms(None) == (MECHANISM,)
    assert first_message(mechanisms(b"hash"), b"nonce", True, b"hash").header.startswith(b"p=")


def test_a_key_is_as_good_as_a_password_for_every_new_connection() -> None:
    """pgbouncer lost captured keys when a server reconnected."""
    keys = derive_keys(b"secret", b"salt", 5)
    for nonce in (b"one", b"two"):
        first = first_message((MECHANISM,), nonce, False, None)
        asked = challenge(MECHANISM, first.message, verifier_of(keys), b"server", None)
        assert asked.check(first.answer(asked.message, keys).message) is not None


def test_notices_and_parameters_during_a_login_are_messages_like_others() -> None:
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    framer.feed(message(codes.NOTICE, b"SNOTICE\0\0") + message(codes.PARAMETER_STATUS, b"a\0b\0"))
    assert (framer.step(), framer.kind) == (WHOLE, codes.NOTICE)
    assert (framer.step(), framer.kind) == (WHOLE, codes.PARAMETER_STATUS)
    assert read_parameter_status(framer.buffer, framer.start, framer.end) == ("a", "b")


def test_an_error_without_a_state_is_still_an_error() -> None:
    """CVE-2026-6666."""
    raw = message(codes.ERROR, b"Mno\0\0")
    assert read_report(raw, 0, len(raw)).sqlstate == "XX000"


def test_a_simple_query_after_a_failed_step_is_discarded_until_sync() -> None:
    expected = after(b"PBEQ", ERROR)
    assert (expected.skipping, expected.outstanding, expected.done) == (True, 0, False)


def test_an_error_comes_out_of_the_framer_at_once() -> None:
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    framer.feed(PARSE_COMPLETE + ERROR)
    assert (framer.step(), framer.step(), framer.kind) == (RUN, WHOLE, codes.ERROR)


def test_a_simple_query_before_the_end_of_a_batch_is_answered_on_its_own() -> None:
    """Pgpool-II hung; pgjdbc does it with autosave."""
    expected = after(b"PBEQS", PARSE_COMPLETE + BIND_COMPLETE + message(codes.COMMAND_COMPLETE, b"SET\0") + READY_IDLE)
    assert (expected.outstanding, expected.done) == (1, False)


def test_a_suspended_portal_after_a_flush_is_no_end() -> None:
    assert not after(b"PBE", PARSE_COMPLETE + BIND_COMPLETE + PORTAL_SUSPENDED).done


def test_a_server_is_done_with_the_last_ready_of_a_pipeline_and_no_earlier_one() -> None:
    assert not after(b"QQPBES", READY_IDLE * 2).done
    assert after(b"QQPBES", READY_IDLE * 3).done


def test_a_sync_among_rows_does_not_make_the_count_drift() -> None:
    expected = after(b"ESScS", message(codes.COPY_IN, b"\0\0\0") + message(codes.COMMAND_COMPLETE, b"COPY 0\0"))
    assert expected.outstanding == 1


def test_a_portal_is_not_a_statement_of_the_same_name() -> None:
    raw = requests.close(Target(codes.PORTAL, b"x"))
    assert read_names(raw, 0, len(raw)).statement is None
    raw = requests.close(Target(codes.STATEMENT, b"x"))
    assert read_names(raw, 0, len(raw)).portal is None


def test_the_types_of_parameters_tell_two_statements_of_one_text_apart() -> None:
    raw = [requests.parse(Parse(b"same", b"SELECT $1", types)) for types in ((23,), (25,))]
    keys = [one[read_names(one, 0, len(one)).rest :] for one in raw]
    assert keys[0] != keys[1]


def test_no_columns_differ_from_no_data_and_an_empty_query_from_both() -> None:
    assert statement_description(()) != statement_description(None)
    assert row_description(()) != NO_DATA


def test_a_function_call_is_taken_and_brings_one_ready() -> None:
    """Large objects hung where it was dropped."""
    assert verdict(State.IDLE, codes.FUNCTION_CALL) is Verdict.TAKE
    assert after(b"F", message(codes.FUNCTION_RESULT, b"\xff\xff\xff\xff") + READY_IDLE).done


def test_rows_before_the_invitation_and_after_an_error_are_no_violation() -> None:
    assert verdict(State.SIMPLE, codes.COPY_DATA) is Verdict.TAKE
    assert verdict(State.IDLE, codes.COPY_DATA) is Verdict.IGNORE
    assert after(b"Qdc", message(codes.COPY_IN, b"\0\0\0") + ERROR + READY_IDLE).done


def test_flush_and_sync_among_rows_are_ignored() -> None:
    """Pgpool-II failed on them, PgCat gave the server away."""
    assert verdict(State.COPY_IN, codes.SYNC) is Verdict.IGNORE
    assert verdict(State.COPY_IN, codes.FLUSH) is Verdict.IGNORE


def test_messages_larger_than_any_buffer_keep_their_names_readable() -> None:
    raw = requests.bind(Bind(b"", b"n" * 5000, (), (bytes(200_000),)))
    framer = Framer(REQUESTS, REQUEST_MAX_BYTES, whole_max=8192)
    framer.feed(raw[:9000])
    assert framer.step() != NOTHING
    assert read_names(framer.buffer, framer.start, framer.end).statement == b"n" * 5000


def test_what_a_server_says_while_idle_changes_nothing_that_is_owed() -> None:
    noise = message(codes.NOTIFICATION, b"\0\0\0\1a\0b\0") + message(codes.NOTICE, b"SWARNING\0\0")
    assert after(b"", noise).done
    assert not after(b"Q", noise).done
