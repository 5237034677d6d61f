"""Is a client told once, and rightly, which version and extensions it can have?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import codes
from howdah.wire.fields import message
from howdah.wire.negotiation import (
    Negotiation,
    backend_key_data,
    cancel_key_bytes,
    negotiate,
    negotiate_protocol_version,
    read_backend_key_data,
    read_negotiation,
)
from howdah.wire.requests import query
from howdah.wire.startup import StartupMessage, cancel_request, read_packet, startup_message
from howdah.wire.violation import ProtocolViolation
from tests.postgres.sqlserver import SqlServer, eventually
from tests.wire.wireclient import connected

LOGIN = (("user", "postgres"), ("database", "postgres"))


def asking(minor: int, *extensions: str) -> StartupMessage:
    return StartupMessage(3, minor, (("user", "u"), *((name, "1") for name in extensions)))


def test_what_we_speak_needs_no_word() -> None:
    assert negotiate(asking(0)) == (0, None)
    assert negotiate(asking(2)) == (2, None)


def test_a_newer_version_is_brought_down_to_ours() -> None:
    assert negotiate(asking(3)) == (2, Negotiation(2, ()))


def test_a_client_that_asks_for_the_absurd_gets_ours_and_its_extension_is_unknown() -> None:
    asked = asking(9999, "_pq_.test_protocol_negotiation")
    assert negotiate(asked) == (2, Negotiation(2, ("_pq_.test_protocol_negotiation",)))


def test_unknown_extensions_are_named_each_once_even_for_a_version_we_speak() -> None:
    assert negotiate(asking(0, "_pq_.b", "_pq_.a", "_pq_.b")) == (0, Negotiation(0, ("_pq_.b", "_pq_.a")))


@given(st.integers(0, 0xFFFF), st.lists(st.text("ab._pq", min_size=1), max_size=5))
def test_what_is_built_is_read_again(minor: int, unknown: list[str]) -> None:
    told = Negotiation(minor, tuple(unknown))
    raw = negotiate_protocol_version(told)
    assert read_negotiation(raw, 0, len(raw)) == told


@given(st.binary(max_size=40))
def test_no_body_raises_anything_but_a_violation(body: bytes) -> None:
    raw = message(codes.NEGOTIATE, body)
    for read in (read_negotiation, read_backend_key_data):
        try:
            read(raw, 0, len(raw))
        except ProtocolViolation:
            continue


@pytest.mark.parametrize("size", [4, 32, 256])
def test_keys_of_every_length_are_read_again(size: int) -> None:
    raw = backend_key_data(-5, b"k" * size)
    assert read_backend_key_data(raw, 0, len(raw)) == (-5, b"k" * size)


@pytest.mark.parametrize("size", [3, 257])
def test_keys_of_other_lengths_are_refused(size: int) -> None:
    with pytest.raises(ProtocolViolation):
        backend_key_data(1, bytes(size))
    raw = message(codes.BACKEND_KEY_DATA, bytes(4 + size))
    with pytest.raises(ProtocolViolation):
        read_backend_key_data(raw, 0, len(raw))


def test_only_the_new_version_has_long_keys() -> None:
    assert [cancel_key_bytes(minor) for minor in (0, 1, 2)] == [4, 4, 256]


@pytest.mark.parametrize("minor", [0, 2, 3, 9999])
def test_a_real_server_tells_a_client_the_same(server: SqlServer, minor: int) -> None:
    asked = (*LOGIN, ("_pq_.howdah_test", "1"))
    with connected(server.port) as client:
        client.log_in(asked, minor=minor)
        ours = negotiate(asking(minor, "_pq_.howdah_test"))[1]
        newest = int(str(server.sql("SHOW server_version_num"))) >= 180_000
        if newest:
            assert client.negotiation == ours
            assert 4 <= len(client.key) <= cancel_key_bytes(min(minor, 2))
        else:
            assert client.negotiation is not None and client.negotiation.minor == 0


@pytest.mark.parametrize("minor", [0, 2])
def test_a_real_server_takes_our_cancel_request(server: SqlServer, minor: int) -> None:
    with connected(server.port) as client:
        client.log_in(LOGIN, minor=minor)
        client.send(query(b"SELECT pg_sleep(60)"))
        request = cancel_request(client.process, client.key)
        assert read_packet(request)
        busy = f"SELECT state = 'active' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {client.process}"
        eventually(lambda: server.sql(busy), "the statement runs")
        with connected(server.port) as other:
            other.send(request)
            assert other.socket.recv(1) == b""
        assert b"57014" in client.receive_until(codes.ERROR)[-1][1]


def test_startup_messages_of_both_versions_differ_only_in_their_number() -> None:
    old, new = startup_message(LOGIN), startup_message(LOGIN, 2)
    assert old[:4] == new[:4]
    assert (old[4:8], new[4:8]) == (b"\0\3\0\0", b"\0\3\0\2")
    assert old[8:] == new[8:]
