"""Do builders and readers of a client's messages undo each other, and do readers refuse what is no such message?"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import codes, requests
from howdah.wire.fields import message
from howdah.wire.requests import Bind, FunctionCall, Parse, Target
from howdah.wire.violation import ProtocolViolation

names = st.binary(max_size=20).map(lambda raw: raw.replace(b"\0", b""))
values = st.one_of(st.none(), st.binary(max_size=20))
formats = st.lists(st.integers(0, 1), max_size=4).map(tuple)
oids = st.lists(st.integers(0, 2**32 - 1), max_size=4).map(tuple)

Read = Callable[[bytes, int, int], object]
READERS: list[tuple[int, Read]] = [
    (codes.QUERY, requests.read_query),
    (codes.PARSE, requests.read_parse),
    (codes.BIND, requests.read_bind),
    (codes.DESCRIBE, requests.read_target),
    (codes.CLOSE, requests.read_target),
    (codes.EXECUTE, requests.read_execute),
    (codes.FUNCTION_CALL, requests.read_function_call),
    (codes.SYNC, requests.check_empty),
]


def again(read: Callable[[bytes, int, int], object], raw: bytes, before: bytes = b"before") -> object:
    """What is read from a message that stands between other bytes."""
    return read(before + raw + b"after\0", len(before), len(before) + len(raw))


@given(names)
def test_a_query_is_read_again(text: bytes) -> None:
    assert again(requests.read_query, requests.query(text)) == text


@given(names, names, oids)
def test_a_parse_is_read_again(name: bytes, text: bytes, types: tuple[int, ...]) -> None:
    request = Parse(name, text, types)
    assert again(requests.read_parse, requests.parse(request)) == request


@given(names, names, formats, st.lists(values, max_size=4).map(tuple), formats)
def test_a_bind_is_read_again(
    portal: bytes,
    statement: bytes,
    ways: tuple[int, ...],
    parameters: tuple[bytes | None, ...],
    results: tuple[int, ...],
) -> None:
    request = Bind(portal, statement, ways, parameters, results)
    assert again(requests.read_bind, requests.bind(request)) == request


@given(st.sampled_from((codes.STATEMENT, codes.PORTAL)), names)
def test_what_describe_and_close_are_about_is_read_again(what: int, name: bytes) -> None:
    target = Target(what, name)
    assert again(requests.read_target, requests.describe(target)) == target
    assert again(requests.read_target, requests.close(target)) == target


@given(names, st.integers(-(2**31), 2**31 - 1))
def test_an_execute_is_read_again(portal: bytes, rows: int) -> None:
    assert again(requests.read_execute, requests.execute(portal, rows)) == (portal, rows)


@given(st.integers(0, 2**32 - 1), formats, st.lists(values, max_size=4).map(tuple), st.integers(0, 1))
def test_a_function_call_is_read_again(
    oid: int, ways: tuple[int, ...], arguments: tuple[bytes | None, ...], result: int
) -> None:
    request = FunctionCall(oid, ways, arguments, result)
    assert again(requests.read_function_call, requests.function_call(request)) == request


@given(st.binary(max_size=60))
def test_no_body_raises_anything_but_a_violation(body: bytes) -> None:
    for kind, read in READERS:
        raw = message(kind, body)
        try:
            read(raw, 0, len(raw))
        except ProtocolViolation as violation:
            assert violation.sqlstate == "08P01"


@pytest.mark.parametrize(
    ("body", "sentence"), [(b"", "invalid string"), (b"a", "invalid string"), (b"a\0b\0", "format")]
)
def test_a_query_is_one_string_and_nothing_else(body: bytes, sentence: str) -> None:
    raw = message(codes.QUERY, body)
    with pytest.raises(ProtocolViolation, match=sentence):
        requests.read_query(raw, 0, len(raw))


@pytest.mark.parametrize("kind", [codes.DESCRIBE, codes.CLOSE])
def test_describe_and_close_know_statements_and_portals_only(kind: int) -> None:
    raw = message(kind, b"xname\0")
    with pytest.raises(ProtocolViolation, match="message subtype 120"):
        requests.read_target(raw, 0, len(raw))


def test_messages_without_a_body_are_those_of_the_protocol() -> None:
    assert message(codes.SYNC, b"") == requests.SYNC
    assert message(codes.FLUSH, b"") == requests.FLUSH
    assert message(codes.TERMINATE, b"") == requests.TERMINATE
    assert message(codes.COPY_DONE, b"") == requests.COPY_DONE
    assert requests.copy_data(b"1") == b"d\0\0\0\0051"
    assert requests.copy_fail(b"no") == b"f\0\0\0\7no\0"


def test_a_zero_byte_in_a_text_is_refused_rather_than_sent() -> None:
    with pytest.raises(ProtocolViolation, match="zero byte"):
        requests.query(b"SELECT 1\0; DROP TABLE t")
