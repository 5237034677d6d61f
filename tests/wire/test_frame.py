"""Does the framer find the same messages however the bytes are cut, and refuse lengths that lie?"""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import codes, frame
from howdah.wire.fields import message
from howdah.wire.frame import (
    HEAD,
    LOGIN_REQUESTS,
    NOTHING,
    PART,
    REPLIES,
    REPLIES_ONE_BY_ONE,
    REPLY_MAX_BYTES,
    REQUEST_MAX_BYTES,
    REQUESTS,
    RUN,
    WHOLE,
    Framer,
)
from howdah.wire.replies import ready_for_query
from howdah.wire.violation import ProtocolViolation
from tests.wire.conversation import chunks_of, messages_of, walk

LOOKED = frozenset(b"ENASGHWRKv")
STEPS = frozenset(b"123CIsTn")

cuts = st.lists(st.integers(0, 10_000), max_size=12)
replies = st.one_of(
    st.builds(message, st.sampled_from(list(b"ENASGHWRKvDdctV123CIsTn")), st.binary(max_size=40)),
    st.sampled_from([ready_for_query(status) for status in b"ITE"]),
)


@given(st.lists(replies, max_size=12), cuts, st.integers(0, 60))
def test_any_cut_of_the_bytes_gives_the_same_messages(sent: list[bytes], cut: list[int], whole_max: int) -> None:
    data = b"".join(sent)
    found = walk(chunks_of(data, cut), Framer(REPLIES, REPLY_MAX_BYTES, whole_max))
    assert found.looked == [one for one in sent if one[0] in LOOKED]
    assert found.passed == b"".join(one for one in sent if one[0] not in LOOKED)
    assert found.ready == sum(one[0] == codes.READY for one in sent)


@given(st.lists(replies, max_size=12), cuts)
def test_steps_are_counted_from_the_last_ready_on(sent: list[bytes], cut: list[int]) -> None:
    found = walk(chunks_of(b"".join(sent), cut))
    last = max((place for place, one in enumerate(sent) if one[0] == codes.READY), default=-1)
    assert found.steps == sum(one[0] in STEPS for one in sent[last + 1 :])
    if last >= 0:
        assert found.status == sent[last][5]


@given(st.lists(replies, max_size=8), cuts)
def test_one_by_one_every_message_but_rows_comes_alone(sent: list[bytes], cut: list[int]) -> None:
    found = walk(chunks_of(b"".join(sent), cut), Framer(REPLIES_ONE_BY_ONE, REPLY_MAX_BYTES))
    assert found.looked == [one for one in sent if one[0] not in b"Dd"]


@given(st.binary(max_size=300), cuts, st.sampled_from([REQUESTS, LOGIN_REQUESTS, REPLIES, REPLIES_ONE_BY_ONE]))
def test_no_bytes_raise_anything_but_a_violation(data: bytes, cut: list[int], kinds: bytes) -> None:
    framer = Framer(kinds, REQUEST_MAX_BYTES, 64)
    passed = b""
    try:
        for chunk in chunks_of(data, cut):
            framer.feed(chunk)
            while framer.step() != NOTHING:
                passed += framer.buffer[framer.start : framer.end]
    except ProtocolViolation:
        assert data.startswith(passed)
    else:
        assert passed + framer.rest() == data


@given(st.lists(replies, max_size=6), st.binary(max_size=4))
def test_what_was_not_walked_is_given_back(sent: list[bytes], tail: bytes) -> None:
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    framer.feed(b"".join(sent) + tail)
    walked = b""
    while framer.step() != NOTHING:
        walked += framer.buffer[framer.start : framer.end]
        assert framer.start <= framer.first <= framer.end
    assert walked + framer.rest() == b"".join(sent) + tail
    assert framer.between


def test_bytes_fed_before_the_last_ones_are_walked_follow_them() -> None:
    framer = Framer(REQUESTS, REQUEST_MAX_BYTES)
    framer.feed(message(codes.QUERY, b"a\0") + message(codes.QUERY, b"b\0"))
    assert framer.step() == WHOLE
    framer.feed(message(codes.SYNC, b""))
    rest = []
    while framer.step() == WHOLE:
        rest.append(framer.buffer[framer.start : framer.end])
    assert rest == [message(codes.QUERY, b"b\0"), message(codes.SYNC, b"")]


def test_a_whole_answer_is_one_step() -> None:
    answer = b"".join(
        (message(codes.ROW_DESCRIPTION, b"x"), message(codes.DATA_ROW, b"y"), message(codes.COMMAND_COMPLETE, b"z"))
    )
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    framer.feed(answer + ready_for_query(codes.IN_TRANSACTION))
    assert framer.step() == RUN
    assert (framer.start, framer.end) == (0, len(answer) + 6)
    assert (framer.kind, framer.ready, framer.status) == (codes.ROW_DESCRIPTION, 1, codes.IN_TRANSACTION)
    assert framer.step() == NOTHING
    assert framer.buffer == b""


@pytest.mark.parametrize("length", [0, 1, 3, REPLY_MAX_BYTES + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("kind", [codes.DATA_ROW, codes.ERROR, codes.READY, codes.COMMAND_COMPLETE])
def test_a_length_that_lies_is_refused_at_the_header(kind: int, length: int) -> None:
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    framer.feed(bytes((kind,)) + length.to_bytes(4, "big"))
    with pytest.raises(ProtocolViolation, match="invalid length"):
        framer.step()


@pytest.mark.parametrize("kind", list(b"CDEHScfX"))
def test_a_message_that_holds_no_more_than_a_name_may_not_be_long(kind: int) -> None:
    framer = Framer(REQUESTS, REQUEST_MAX_BYTES)
    framer.feed(bytes((kind,)) + (frame.SMALL_MAX_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(ProtocolViolation, match="at most 10000"):
        framer.step()


def test_a_password_may_be_longer_than_a_name_but_not_endless() -> None:
    framer = Framer(LOGIN_REQUESTS, REQUEST_MAX_BYTES)
    long = message(codes.PASSWORD, b"x" * (frame.LOGIN_MAX_BYTES - 4))
    framer.feed(long)
    assert framer.step() == WHOLE
    framer.feed(b"p" + (frame.LOGIN_MAX_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(ProtocolViolation, match="at most 65535"):
        framer.step()


def test_a_ready_of_a_wrong_length_is_refused() -> None:
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    framer.feed(b"Z\0\0\0\6II")
    with pytest.raises(ProtocolViolation, match="ReadyForQuery"):
        framer.step()


def test_what_precedes_a_violation_still_comes_out() -> None:
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    good = message(codes.DATA_ROW, b"row")
    framer.feed(good + b"\xff\0\0\0\4")
    assert framer.step() == RUN
    assert framer.buffer[framer.start : framer.end] == good
    with pytest.raises(ProtocolViolation, match="message type 255"):
        framer.step()


def test_a_gigabyte_of_one_row_passes_in_bounded_memory() -> None:
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    chunk = bytes(1 << 20)
    size = 1 << 30
    tracemalloc.start()
    try:
        framer.feed(b"D" + (size - 1).to_bytes(4, "big") + chunk)
        assert framer.step() == RUN
        left = framer.missing
        while left:
            framer.feed(chunk[: min(len(chunk), left)])
            assert framer.step() in (RUN, PART)
            assert framer.step() == NOTHING
            left = framer.missing
        assert tracemalloc.get_traced_memory()[1] < 4 * len(chunk)
    finally:
        tracemalloc.stop()
    assert framer.between


def test_a_long_statement_comes_as_a_beginning_and_parts() -> None:
    text = message(codes.QUERY, b"x" * 300 + b"\0")
    framer = Framer(REQUESTS, REQUEST_MAX_BYTES, whole_max=100)
    framer.feed(text[:99])
    assert framer.step() == NOTHING
    framer.feed(text[99:120])
    assert framer.step() == HEAD
    assert (framer.end - framer.start, framer.missing) == (120, len(text) - 120)
    framer.feed(text[120:] + message(codes.SYNC, b""))
    assert (framer.step(), framer.missing) == (PART, 0)
    assert (framer.step(), framer.kind) == (WHOLE, codes.SYNC)


def test_a_stranger_who_sends_one_byte_at_a_time_costs_no_more_than_the_message() -> None:
    framer = Framer(REQUESTS, REQUEST_MAX_BYTES)
    text = message(codes.QUERY, b"x" * 20_000 + b"\0")
    for place in range(len(text) - 1):
        framer.feed(text[place : place + 1])
        assert framer.step() == NOTHING
    framer.feed(text[-1:])
    assert framer.step() == WHOLE
    assert messages_of(framer.buffer) == [text]
