"""Is a message read back as it was written, and anything else refused?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.ports.store import Versioned
from howdah.stores.lineage import StoreMoment
from howdah.stores.sqlite.messages import (
    Answer,
    BadMessage,
    DocumentIs,
    Read,
    Refused,
    Request,
    Swap,
    SwapConflict,
    SwapDone,
    SwapUnknown,
    Watch,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)

_texts = st.text()
_numbers = st.integers(min_value=1, max_value=2**63 - 1)
_moments = st.builds(StoreMoment, _texts, _numbers)
_requests = st.one_of(
    st.builds(Read, _texts), st.builds(Watch, _texts), st.builds(Swap, _texts, st.none() | _numbers, _texts)
)
_answers = st.one_of(
    st.builds(DocumentIs, st.none() | st.builds(Versioned, _texts, _numbers), _moments),
    st.builds(SwapDone, _numbers, _moments),
    st.builds(SwapConflict, _moments),
    st.builds(SwapUnknown, _texts),
    st.builds(Refused, _texts),
)


@given(_requests)
def test_a_request_is_one_line_and_is_read_back(request: Request) -> None:
    line = encode_request(request)
    assert line.count(b"\n") == 1
    assert decode_request(line) == request


@given(_answers)
def test_an_answer_is_one_line_and_is_read_back(answer: Answer) -> None:
    line = encode_answer(answer)
    assert line.count(b"\n") == 1
    assert decode_answer(line) == answer


@given(_requests)
def test_a_request_without_its_last_byte_is_refused(request: Request) -> None:
    with pytest.raises(BadMessage):
        decode_request(encode_request(request)[:-1])


@given(st.binary(max_size=200))
def test_garbage_is_a_bad_message_and_nothing_else(content: bytes) -> None:
    for decode in (decode_request, decode_answer):
        with pytest.raises(BadMessage):
            decode(b"!" + content + b"\n")
