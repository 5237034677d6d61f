"""Is every startup packet read as PostgreSQL reads it, and every wrong one refused early?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import codes
from howdah.wire.startup import (
    NEED_MORE,
    STARTUP_MAX_BYTES,
    CancelRequest,
    Opening,
    Replication,
    StartupMessage,
    cancel_request,
    opening,
    packet_end,
    read_packet,
    startup_message,
)
from howdah.wire.violation import ProtocolViolation

names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=20)
values = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)


def packet(code: int, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + code.to_bytes(4, "big") + body


def started(data: bytes) -> StartupMessage:
    found = read_packet(data)
    assert isinstance(found, StartupMessage)
    return found


def replication(value: str) -> Replication:
    return StartupMessage(3, 0, (("user", "u"), ("replication", value))).replication


@given(st.lists(st.tuples(names, values), max_size=10), st.integers(0, 0xFFFF))
def test_what_is_built_is_read_again(parameters: list[tuple[str, str]], minor: int) -> None:
    whole = (("user", "somebody"), *parameters)
    data = startup_message(whole, minor)
    assert packet_end(data) == len(data)
    found = started(data)
    assert (found.major, found.minor, found.parameters) == (3, minor, whole)


@given(st.integers(-(2**31), 2**31 - 1), st.binary(min_size=4, max_size=256))
def test_a_cancel_request_of_any_key_is_read_again(process: int, key: bytes) -> None:
    assert read_packet(cancel_request(process, key)) == CancelRequest(process, key)


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_but_a_violation(data: bytes) -> None:
    try:
        if end := packet_end(data):
            read_packet(data[:end])
    except ProtocolViolation:
        return


@given(
    st.binary(max_size=64),
    st.sampled_from([codes.CANCEL_REQUEST, codes.PROTOCOL_3_0, codes.PROTOCOL_3_2, codes.SSL_REQUEST]),
)
def test_no_body_raises_anything_but_a_violation(body: bytes, code: int) -> None:
    try:
        read_packet(packet(code, body))
    except ProtocolViolation:
        return


@pytest.mark.parametrize("size", range(4))
def test_a_packet_is_waited_for_until_it_is_whole(size: int) -> None:
    assert packet_end(startup_message((("user", "u"),))[:size]) == NEED_MORE


def test_bytes_after_a_packet_are_not_its_own() -> None:
    assert packet_end(opening(Opening.SSL) + b"stuffed") == 8


@pytest.mark.parametrize("length", [0, 3, 4, 7, STARTUP_MAX_BYTES + 5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_length_that_lies_is_refused_before_anything_is_collected(length: int) -> None:
    with pytest.raises(ProtocolViolation, match="invalid length of startup packet"):
        packet_end(length.to_bytes(4, "big"))


def test_the_longest_packet_is_that_of_postgresql() -> None:
    spare = STARTUP_MAX_BYTES - 4 - len(b"user\0u\0a\0\0\0")
    data = startup_message((("user", "u"), ("a", "x" * spare)))
    assert packet_end(data) == len(data) == STARTUP_MAX_BYTES + 4
    with pytest.raises(ProtocolViolation, match="servers take 10000"):
        startup_message((("user", "u"), ("a", "x" * (spare + 1))))


def test_a_browser_is_told_where_it_is() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        packet_end(b"GET / HTTP/1.1\r\n")
    assert "HTTP" in caught.value.hint


def test_a_request_for_encryption_says_nothing_else() -> None:
    assert read_packet(opening(Opening.SSL)) is Opening.SSL
    assert read_packet(opening(Opening.GSS)) is Opening.GSS
    with pytest.raises(ProtocolViolation):
        read_packet(packet(codes.SSL_REQUEST, b"x"))


@pytest.mark.parametrize("size", [0, 3, 257])
def test_a_cancel_key_of_a_wrong_length_is_refused(size: int) -> None:
    with pytest.raises(ProtocolViolation, match="query cancel packet"):
        read_packet(packet(codes.CANCEL_REQUEST, bytes(4 + size)))
    with pytest.raises(ProtocolViolation, match="4 to 256"):
        cancel_request(1, bytes(size))


@pytest.mark.parametrize("code", [2 << 16, 4 << 16, 0, 1])
def test_another_major_version_is_refused_with_what_is_spoken(code: int) -> None:
    with pytest.raises(ProtocolViolation, match=r"server supports 3\.0 to 3\.2") as caught:
        read_packet(packet(code, b"user\0u\0\0"))
    assert caught.value.sqlstate == "0A000"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"\0", "no PostgreSQL user name"),
        (b"user\0\0\0", "no PostgreSQL user name"),
        (b"user\0u\0", "invalid string"),
        (b"user\0u", "invalid string"),
        (b"user\0u\0\0x", "expected terminator as last byte"),
        (b"", "invalid string"),
    ],
)
def test_a_packet_of_a_wrong_layout_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(ProtocolViolation, match=sentence):
        read_packet(packet(codes.PROTOCOL_3_0, body))


def test_of_two_parameters_with_one_name_the_last_counts() -> None:
    message = started(startup_message((("user", "a"), ("database", "x"), ("user", "b"), ("database", "y"))))
    assert (message.user, message.database) == ("b", "y")


def test_a_database_that_is_not_named_is_the_users_namesake() -> None:
    assert started(startup_message((("user", "a"),))).database == "a"
    assert started(startup_message((("user", "a"), ("database", "")))).database == "a"


def test_settings_are_what_the_protocol_does_not_keep_for_itself() -> None:
    parameters = (("user", "a"), ("DateStyle", "ISO"), ("_pq_.x", "1"), ("options", "-c a=b"), ("search_path", "s"))
    message = started(startup_message(parameters))
    assert message.settings == (("DateStyle", "ISO"), ("search_path", "s"))
    assert message.extensions == ("_pq_.x",)
    assert message.get("options") == "-c a=b"


def test_a_name_in_any_encoding_keeps_its_bytes() -> None:
    message = started(packet(codes.PROTOCOL_3_0, b"user\0caf\xe9\0\0"))
    assert startup_message(message.parameters) == packet(codes.PROTOCOL_3_0, b"user\0caf\xe9\0\0")


@pytest.mark.parametrize("value", ["true", "on", "yes", "1", "t", "y", "TRUE"])
def test_physical_replication_is_asked_for_by_any_word_for_yes(value: str) -> None:
    assert replication(value) is Replication.PHYSICAL


@pytest.mark.parametrize("value", ["false", "off", "no", "0", "f", "of"])
def test_replication_is_declined_by_any_word_for_no(value: str) -> None:
    assert replication(value) is Replication.NO


def test_logical_replication_names_the_database() -> None:
    assert replication("database") is Replication.LOGICAL


@pytest.mark.parametrize("value", ["", "o", "maybe", "2"])
def test_any_other_word_for_replication_is_refused(value: str) -> None:
    with pytest.raises(ProtocolViolation, match="replication"):
        _ = replication(value)
