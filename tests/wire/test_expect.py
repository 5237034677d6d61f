"""Is a server said to be done exactly when it is?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import codes, requests
from howdah.wire.expect import REQUESTS_MAX, Copying, Expect
from howdah.wire.fields import message
from howdah.wire.frame import REPLIES, REPLIES_ONE_BY_ONE, REPLY_MAX_BYTES, Framer
from howdah.wire.replies import BIND_COMPLETE, PARSE_COMPLETE, PORTAL_SUSPENDED, READY_IDLE, ready_for_query
from howdah.wire.violation import ProtocolViolation
from tests.wire.conversation import chunks_of
from tests.wire.servermodel import COPY, DONE, ERROR, STEP_REPLIES, Fate, Request, ServerModel

GOOD_EXECUTE = STEP_REPLIES[codes.EXECUTE]


class Listener:
    """A server's bytes on their way through a framer to what is expected."""

    def __init__(self, kinds: bytes = REPLIES) -> None:
        self.expect = Expect()
        self._framer = Framer(kinds, REPLY_MAX_BYTES)

    def sent(self, kinds: bytes) -> list[int]:
        """Requests go to the server; their numbers."""
        return [self.expect.sent(kind) for kind in kinds]

    def heard(self, data: bytes) -> bool:
        """Bytes come from the server; whether it is done then."""
        self._framer.feed(data)
        while found := self._framer.step():
            self.expect.heard(self._framer, found)
        return self.done()

    def done(self) -> bool:
        """Whether the server is said to be done."""
        return self.expect.done

    def copying(self) -> Copying:
        """Whether it is said to read rows."""
        return self.expect.copying


@st.composite
def scripts(draw: st.DrawFn, syncs_among_rows: bool = True) -> list[Request]:
    """Requests that a client may send in this order without waiting, ended by a Sync."""
    plain = st.lists(st.sampled_from([Request(kind) for kind in b"QPBDECHSFPBDES"]), min_size=1, max_size=6)
    script: list[Request] = []
    for _ in range(draw(st.integers(0, 5))):
        if not draw(st.booleans()):
            script += draw(plain)
            continue
        script.append(Request(draw(st.sampled_from((codes.QUERY, codes.EXECUTE))), copies=True))
        among = b"ddH" + (b"S" if syncs_among_rows else b"")
        script += [Request(kind) for kind in draw(st.lists(st.sampled_from(among), max_size=4))]
        script.append(Request(draw(st.sampled_from((codes.COPY_DONE, codes.COPY_FAIL)))))
        script += [Request(kind) for kind in draw(st.sampled_from((b"", b"S", b"d", b"c")))]
    return [*script, Request(codes.SYNC)]


fates = st.lists(st.sampled_from([*Fate, Fate.GOOD, Fate.GOOD]), min_size=1, max_size=30)


@given(
    scripts(),
    fates,
    st.lists(st.integers(0, 500), max_size=6),
    st.sampled_from([REPLIES, REPLIES_ONE_BY_ONE]),
    st.data(),
)
def test_done_means_that_the_server_has_answered_everything(
    script: list[Request], fate: list[Fate], cut: list[int], kinds: bytes, data: st.DataObject
) -> None:
    drawn = iter(fate * 100)
    server = ServerModel(lambda: next(drawn))
    listener = Listener(kinds)
    unread: list[Request] = []
    while script or unread:
        if script and (not unread or data.draw(st.booleans())):
            unread.append(script.pop(0))
            listener.sent(bytes((unread[-1].kind,)))
            continue
        for chunk in chunks_of(server.answer(unread.pop(0)), cut):
            listener.heard(chunk)
        ready = server.done and not any(request.kind not in b"dcfH" for request in unread)
        if listener.expect.lost:
            break
        assert listener.done() == ready
        assert listener.expect.skipping == server.skipping or unread or script


@given(scripts(syncs_among_rows=False), fates)
def test_the_count_is_never_lost_when_no_sync_stands_among_rows(script: list[Request], fate: list[Fate]) -> None:
    drawn = iter(fate * 100)
    server = ServerModel(lambda: next(drawn))
    listener = Listener()
    listener.sent(bytes(request.kind for request in script))
    for request in script:
        listener.heard(server.answer(request))
    assert not listener.expect.lost
    assert listener.done()
    assert listener.expect.outstanding == 0


@given(st.binary(max_size=60), st.binary(max_size=200))
def test_nothing_that_is_sent_or_heard_raises_anything_but_a_violation(sent: bytes, heard: bytes) -> None:
    listener = Listener()
    listener.sent(sent)
    try:
        listener.heard(heard)
    except ProtocolViolation:
        return
    assert listener.expect.outstanding >= 0 or listener.expect.lost


def skipping(listener: Listener) -> bool:
    return listener.expect.skipping


def test_a_simple_query_is_done_with_its_ready() -> None:
    listener = Listener()
    assert listener.done()
    listener.sent(b"Q")
    assert not listener.done()
    assert not listener.heard(GOOD_EXECUTE)
    assert listener.heard(ready_for_query(codes.IN_TRANSACTION))
    assert listener.expect.status == codes.IN_TRANSACTION


def test_a_pipeline_is_done_with_its_last_ready() -> None:
    listener = Listener()
    listener.sent(b"QPBESQ")
    assert not listener.heard(READY_IDLE * 2)
    assert listener.expect.outstanding == 1
    assert listener.heard(READY_IDLE)


def test_a_batch_answered_up_to_a_flush_waits_for_its_sync() -> None:
    listener = Listener()
    listener.sent(b"PBEH")
    assert not listener.heard(PARSE_COMPLETE + BIND_COMPLETE + PORTAL_SUSPENDED)
    listener.sent(b"S")
    assert listener.heard(READY_IDLE)


def test_after_an_error_all_up_to_the_next_sync_is_skipped_a_simple_query_too() -> None:
    listener = Listener()
    listener.sent(b"PBEQFS")
    assert not listener.heard(PARSE_COMPLETE + ERROR)
    assert listener.expect.outstanding == 1
    assert listener.heard(READY_IDLE)


def test_after_an_error_without_a_sync_nothing_is_answered_until_one_is_sent() -> None:
    listener = Listener()
    listener.sent(b"P")
    assert not listener.heard(ERROR)
    assert skipping(listener)
    assert listener.sent(b"QBE") == [-1, -1, -1]
    listener.sent(b"S")
    assert not skipping(listener)
    assert listener.heard(READY_IDLE)


def test_an_error_of_a_simple_query_within_a_batch_skips_nothing() -> None:
    listener = Listener()
    listener.sent(b"PBEQS")
    assert not listener.heard(PARSE_COMPLETE + BIND_COMPLETE + GOOD_EXECUTE)
    assert not listener.heard(ERROR + READY_IDLE)
    assert listener.heard(READY_IDLE)


def test_an_error_of_the_commit_at_sync_skips_nothing() -> None:
    listener = Listener()
    listener.sent(b"BESBES")
    assert not listener.heard(BIND_COMPLETE + GOOD_EXECUTE + ERROR + READY_IDLE)
    assert listener.heard(BIND_COMPLETE + GOOD_EXECUTE + READY_IDLE)


def test_a_sync_among_rows_is_swallowed_by_the_copy() -> None:
    listener = Listener()
    listener.sent(b"PBES")
    listener.heard(PARSE_COMPLETE + BIND_COMPLETE + COPY)
    assert listener.copying() is Copying.IN
    listener.sent(b"dcS")
    assert not listener.heard(DONE)
    assert listener.expect.outstanding == 1
    assert listener.heard(READY_IDLE)


def test_a_sync_that_a_copy_swallowed_does_not_close_its_batch() -> None:
    listener = Listener()
    listener.sent(b"ESc")
    assert not listener.heard(COPY + DONE)
    listener.sent(b"S")
    assert listener.heard(READY_IDLE)


def test_a_sync_before_a_copy_that_fails_at_once_is_answered() -> None:
    listener = Listener()
    listener.sent(b"ESdcS")
    assert not listener.heard(ERROR + READY_IDLE)
    assert listener.heard(READY_IDLE)


def test_a_copy_that_fails_with_a_sync_among_its_rows_leaves_nobody_knowing() -> None:
    listener = Listener()
    listener.sent(b"ES")
    listener.heard(COPY)
    listener.sent(b"dcS")
    assert not listener.heard(ERROR)
    assert listener.expect.lost
    assert not listener.heard(READY_IDLE)


def test_a_copy_that_fails_in_a_simple_query_is_answered_while_rows_still_come() -> None:
    listener = Listener()
    listener.sent(b"Q")
    listener.heard(COPY)
    listener.sent(b"ddd")
    assert listener.heard(ERROR + READY_IDLE)
    assert listener.sent(b"ddc") == [-1, -1, -1]
    assert listener.done()


def test_two_copies_in_one_query_read_their_rows_one_after_the_other() -> None:
    listener = Listener()
    listener.sent(b"QdcSdcS")
    listener.heard(COPY + DONE + COPY)
    assert not listener.heard(DONE + READY_IDLE)
    assert listener.heard(READY_IDLE)


def test_a_copy_both_ways_ends_with_its_query() -> None:
    listener = Listener()
    listener.sent(b"Q")
    listener.heard(message(codes.COPY_BOTH, b"\0\0\0"))
    assert listener.copying() is Copying.BOTH
    listener.sent(b"c")
    assert not listener.heard(requests.COPY_DONE + DONE)
    assert listener.heard(READY_IDLE)
    assert listener.copying() is Copying.NO


def test_requests_are_numbered_and_the_one_being_answered_is_known() -> None:
    listener = Listener()
    assert listener.sent(b"PBESQ") == [0, 1, 2, 3, 4]
    listener.heard(PARSE_COMPLETE)
    assert listener.expect.answering == 1
    listener.heard(ERROR)
    assert listener.expect.answering == 3
    listener.heard(READY_IDLE)
    assert listener.expect.answering == 4
    listener.heard(READY_IDLE)
    assert listener.expect.answering == 5
    assert listener.sent(b"Q") == [5]


def test_a_ready_that_nobody_asked_for_is_refused() -> None:
    listener = Listener()
    with pytest.raises(ProtocolViolation, match="no request was left"):
        listener.heard(READY_IDLE)


def test_notices_and_parameters_end_nothing() -> None:
    listener = Listener()
    listener.sent(b"Q")
    noise = message(codes.NOTICE, b"\0") + message(codes.PARAMETER_STATUS, b"a\0b\0") + message(codes.NOTIFICATION, b"")
    assert not listener.heard(noise)
    assert listener.heard(READY_IDLE)
    assert listener.heard(noise)


def test_an_error_out_of_the_blue_ends_nothing() -> None:
    listener = Listener()
    assert listener.heard(ERROR)


def full(listener: Listener) -> bool:
    return listener.expect.full


def test_a_client_that_asks_without_end_fills_what_is_kept_for_it() -> None:
    listener = Listener()
    listener.sent(b"S" * (REQUESTS_MAX - 1))
    assert not full(listener)
    listener.sent(b"S")
    assert full(listener)
    listener.heard(READY_IDLE * 10)
    assert not full(listener)
    assert listener.heard(READY_IDLE * (REQUESTS_MAX - 10))
