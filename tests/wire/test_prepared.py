"""Does a message get another statement name without its parameters being touched?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import codes, requests
from howdah.wire.fields import message
from howdah.wire.frame import HEAD, PART, REQUEST_MAX_BYTES, REQUESTS, Framer
from howdah.wire.prepared import read_names, renamed
from howdah.wire.requests import Bind, Parse, Target
from howdah.wire.violation import ProtocolViolation

names = st.binary(max_size=20).map(lambda raw: raw.replace(b"\0", b""))
parameters = st.lists(st.one_of(st.none(), st.binary(max_size=30)), max_size=4).map(tuple)


def with_name(raw: bytes, name: bytes) -> bytes:
    """The whole message under another name, from the middle of a buffer."""
    data = b"before" + raw + b"after"
    found = read_names(data, 6, 6 + len(raw))
    return renamed(data, 6, found, name) + data[found.rest : 6 + len(raw)]


@given(names, names, names)
def test_a_parse_is_about_the_other_statement(old: bytes, new: bytes, text: bytes) -> None:
    assert with_name(requests.parse(Parse(old, text, (23,))), new) == requests.parse(Parse(new, text, (23,)))


@given(names, names, names, parameters)
def test_a_bind_keeps_its_portal_and_parameters(
    portal: bytes, old: bytes, new: bytes, sent: tuple[bytes | None, ...]
) -> None:
    before, after = Bind(portal, old, (1,), sent, (0, 1)), Bind(portal, new, (1,), sent, (0, 1))
    assert with_name(requests.bind(before), new) == requests.bind(after)


@given(names, names)
def test_a_describe_or_close_of_a_statement_is_about_the_other(old: bytes, new: bytes) -> None:
    before, after = Target(codes.STATEMENT, old), Target(codes.STATEMENT, new)
    assert with_name(requests.describe(before), new) == requests.describe(after)
    assert with_name(requests.close(before), new) == requests.close(after)


@given(names)
def test_a_portal_of_the_same_name_is_left_alone(name: bytes) -> None:
    raw = requests.close(Target(codes.PORTAL, name))
    found = read_names(raw, 0, len(raw))
    assert (found.statement, found.portal, found.rest) == (None, name, len(raw))
    with pytest.raises(ProtocolViolation, match="only a portal"):
        renamed(raw, 0, found, b"x")


@given(st.binary(max_size=60), st.sampled_from(list(b"PBDCQES")))
def test_no_body_raises_anything_but_a_violation(body: bytes, kind: int) -> None:
    raw = message(kind, body)
    try:
        found = read_names(raw, 0, len(raw))
        renamed(raw, 0, found, b"name")
    except ProtocolViolation:
        return


def test_a_bind_of_which_only_the_beginning_has_come_is_renamed_too() -> None:
    before = requests.bind(Bind(b"", b"old", (), (bytes(100_000),), ()))
    framer = Framer(REQUESTS, REQUEST_MAX_BYTES, whole_max=64)
    framer.feed(before[:100])
    assert framer.step() == HEAD
    found = read_names(framer.buffer, framer.start, framer.end)
    sent = renamed(framer.buffer, framer.start, found, b"a longer one") + framer.buffer[found.rest : framer.end]
    framer.feed(before[100:])
    assert (framer.step(), framer.missing) == (PART, 0)
    sent += framer.buffer[framer.start : framer.end]
    assert sent == requests.bind(Bind(b"", b"a longer one", (), (bytes(100_000),), ()))


def test_a_name_without_an_end_is_refused() -> None:
    raw = message(codes.BIND, b"portal\0statement")
    with pytest.raises(ProtocolViolation, match="invalid string"):
        read_names(raw, 0, len(raw))
