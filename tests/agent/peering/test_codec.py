"""Is what one agent writes what another reads?"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.agent.peering.codec import ConfirmRequest, MessageUnreadable, SlotRequest, decode, encode
from howdah.cluster.peerstate import Confirmation, PromiseRequest, Published, Refusal, Report
from tests.agent.peering.rig import a_record, state_of

KINDS: tuple[type[Any], ...] = (
    Published, PromiseRequest, Report, Refusal, Confirmation, ConfirmRequest, SlotRequest,
)  # fmt: skip


@given(st.one_of([st.from_type(kind) for kind in KINDS]))
def test_every_message_is_read_as_it_was_written(message: Any) -> None:
    line = encode(message)
    assert b"\n" not in line
    assert decode(type(message), line) == message


def test_a_field_that_a_newer_version_adds_is_ignored() -> None:
    document = json.loads(encode(state_of("n1"))) | {"mood": "fine"}
    assert decode(Published, json.dumps(document).encode()) == state_of("n1")


def test_a_field_that_an_older_version_lacks_takes_its_default() -> None:
    document = json.loads(encode(state_of("n1", uptime_ms=4)))
    del document["uptime_ms"]
    assert decode(Published, json.dumps(document).encode()) == state_of("n1")


def test_what_is_no_message_is_refused_with_the_place_of_the_fault() -> None:
    document = json.loads(encode(PromiseRequest(4, a_record(), "n2")))
    document["record"]["term"] = "many"
    with pytest.raises(MessageUnreadable, match=r"not a PromiseRequest .*record\.term"):
        decode(PromiseRequest, json.dumps(document).encode())
