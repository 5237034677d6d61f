"""What does the fuzzer throw bytes at, and what must hold whatever they are?

Each target takes bytes and raises only for a fault of ours: any exception but ProtocolViolation, or a broken promise.
"""

from collections.abc import Callable
from typing import Final

from howdah.wire import authentication, codes, negotiation, prepared, replies, requests, rows
from howdah.wire.endpoint import server_end_point
from howdah.wire.expect import Expect
from howdah.wire.frame import (
    LOGIN_REQUESTS,
    NOTHING,
    PART,
    REPLIES,
    REPLIES_ONE_BY_ONE,
    REPLY_MAX_BYTES,
    REQUESTS,
    RUN,
    Framer,
)
from howdah.wire.legal import State, verdict
from howdah.wire.md5 import md5_matches
from howdah.wire.options import parse_options
from howdah.wire.scram import MECHANISM, MECHANISM_PLUS, derive_keys, parse_verifier, verifier_of
from howdah.wire.scramclient import first_message
from howdah.wire.scramserver import challenge
from howdah.wire.startup import StartupMessage, packet_end, read_packet, startup_message
from howdah.wire.violation import ProtocolViolation

TABLES: Final = (REQUESTS, LOGIN_REQUESTS, REPLIES, REPLIES_ONE_BY_ONE)
KEYS: Final = derive_keys(b"secret", b"salt", 1)
ENDPOINT: Final = b"e" * 32

Read = Callable[[bytes, int, int], object]
READERS: Final[dict[int, tuple[Read, ...]]] = {
    codes.QUERY: (requests.read_query,),
    codes.PARSE: (requests.read_parse, prepared.read_names),
    codes.BIND: (requests.read_bind, prepared.read_names),
    codes.DESCRIBE: (requests.read_target, prepared.read_names, rows.read_data_row),
    codes.CLOSE: (requests.read_target, prepared.read_names, replies.read_command_complete),
    codes.EXECUTE: (requests.read_execute, replies.read_report),
    codes.FUNCTION_CALL: (requests.read_function_call,),
    codes.PASSWORD: (authentication.read_password, authentication.read_sasl_initial_response),
    codes.AUTHENTICATION: (authentication.read_authentication,),
    codes.BACKEND_KEY_DATA: (negotiation.read_backend_key_data,),
    codes.NEGOTIATE: (negotiation.read_negotiation,),
    codes.NOTICE: (replies.read_report,),
    codes.NOTIFICATION: (replies.read_notification,),
    codes.PARAMETER_STATUS: (replies.read_parameter_status,),
    codes.READY: (replies.read_ready,),
    codes.ROW_DESCRIPTION: (rows.read_row_description,),
    codes.COPY_IN: (replies.read_copy_response,),
}


def framing(data: bytes) -> None:
    """The first bytes choose the table, the cut and the size that is collected; nothing fed may get lost."""
    if len(data) < 3:
        return
    kinds, cut, whole_max, stream = TABLES[data[0] % len(TABLES)], data[1] + 1, data[2], data[3:]
    framer = Framer(kinds, REPLY_MAX_BYTES, whole_max)
    walked = bytearray()
    try:
        for start in range(0, len(stream), cut):
            framer.feed(stream[start : start + cut])
            while (found := framer.step()) != NOTHING:
                assert framer.end > framer.start, "a step without bytes"
                span = framer.buffer[framer.start : framer.end]
                walked += span
                if found not in (RUN, PART):
                    reading(span)
    except ProtocolViolation:
        assert stream.startswith(walked), "bytes were changed"
        return
    assert walked + framer.rest() == stream, "bytes were lost"


def reading(message: bytes) -> None:
    """Every reader of a message of this kind."""
    for read in READERS.get(message[0], ()):
        try:
            read(message, 0, len(message))
        except ProtocolViolation:
            continue


def counting(data: bytes) -> None:
    """The first half is what a client sent, the second what the server did."""
    sent, heard = data[: len(data) // 2], data[len(data) // 2 :]
    expected = Expect()
    for kind in sent:
        expected.sent(kind)
        for state in State:
            verdict(state, kind)
    framer = Framer(REPLIES, REPLY_MAX_BYTES)
    try:
        framer.feed(heard)
        while found := framer.step():
            expected.heard(framer, found)
            assert expected.lost or expected.outstanding >= 0, "less than nothing is owed"
    except ProtocolViolation:
        return


def starting(data: bytes) -> None:
    """A startup packet: what is read can be written, and is read alike again."""
    try:
        end = packet_end(data)
        if not end:
            return
        found = read_packet(data[:end])
        if isinstance(found, StartupMessage):
            again = read_packet(startup_message(found.parameters, found.minor))
            assert again == found, "read differently"
            negotiation.negotiate(found)
            parse_options(found.get("options"))
            _ = found.replication
    except ProtocolViolation:
        return


def options(data: bytes) -> None:
    """The text of `options`."""
    try:
        assert all(name for name, _ in parse_options(data.decode("utf-8", "surrogateescape"))), (
            "a setting without a name"
        )
    except ProtocolViolation:
        return


def logging_in(data: bytes) -> None:
    """Both sides of SCRAM: nobody without the key gets in."""
    first = first_message((MECHANISM,), b"ours", False, None)
    asked = challenge(MECHANISM, first.message, verifier_of(KEYS), b"theirs", None)
    final = first.answer(asked.message, KEYS)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: challenge(MECHANISM, data, verifier_of(KEYS), b"theirs", None),
        lambda: challenge(MECHANISM_PLUS, data, verifier_of(KEYS), b"theirs", ENDPOINT),
        lambda: _refused(data == final.message or asked.check(data) is None),
        lambda: first.answer(data, KEYS),
        lambda: final.verify(data),
        lambda: parse_verifier(data.decode("utf-8", "surrogateescape")),
        lambda: server_end_point(data),
        lambda: md5_matches(data, "md5" + "0" * 32, b"salt"),
    )
    for attempt in attempts:
        try:
            attempt()
        except ProtocolViolation:
            continue


def _refused(refused: bool) -> None:
    assert refused, "somebody got in"


TARGETS: Final = (framing, counting, starting, options, logging_in)


def one_input(data: bytes) -> None:
    """The first byte chooses the target."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])
