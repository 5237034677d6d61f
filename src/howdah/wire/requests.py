"""Which messages does a client send, and how are they read and built?

Readers take a span `data[start:end]` of one whole message with its header, as the framer finds it. Names and SQL are
bytes: only the server knows their encoding. https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from howdah.wire import codes
from howdah.wire.fields import Reader, cstring, int16, int32, message, uint32, value
from howdah.wire.violation import ProtocolViolation

SYNC: Final = b"S\0\0\0\4"
FLUSH: Final = b"H\0\0\0\4"
TERMINATE: Final = b"X\0\0\0\4"
COPY_DONE: Final = b"c\0\0\0\4"
"""Also a server's."""


@dataclass(frozen=True, slots=True)
class Parse:
    """A statement to prepare, under a name or none; `types` are object identifiers, 0 for "find out"."""

    name: bytes
    text: bytes
    types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What Describe and Close are about: `what` is codes.STATEMENT or codes.PORTAL."""

    what: int
    name: bytes


@dataclass(frozen=True, slots=True)
class Bind:
    """A whole Bind. The router reads only its names (prepared.py); formats are 0 for text, 1 for binary."""

    portal: bytes
    statement: bytes
    parameter_formats: tuple[int, ...] = ()
    parameters: tuple[bytes | None, ...] = ()
    result_formats: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The fast path, used for large objects."""

    function: int
    argument_formats: tuple[int, ...]
    arguments: tuple[bytes | None, ...]
    result_format: int


def query(text: bytes) -> bytes:
    """A simple query."""
    return message(codes.QUERY, cstring(text))


def read_query(data: bytes, start: int, end: int) -> bytes:
    """A simple query's text. This is on the hot path: no object but the text is made."""
    stop = data.find(b"\0", start + 5, end)
    if stop != end - 1:
        raise ProtocolViolation("invalid string in message" if stop < 0 else "invalid message format")
    return data[start + 5 : stop]


def parse(request: Parse) -> bytes:
    """The message of a Parse."""
    types = int16(len(request.types)) + b"".join(uint32(oid) for oid in request.types)
    return message(codes.PARSE, cstring(request.name) + cstring(request.text) + types)


def read_parse(data: bytes, start: int, end: int) -> Parse:
    """A Parse in all its parts."""
    reader = Reader(data, start + 5, end)
    name = reader.string()
    text = reader.string()
    types = tuple(reader.uint32() for _ in range(reader.int16()))
    reader.finish()
    return Parse(name, text, types)


def bind(request: Bind) -> bytes:
    """The message of a Bind."""
    parameters = b"".join(value(parameter) for parameter in request.parameters)
    return message(
        codes.BIND,
        cstring(request.portal)
        + cstring(request.statement)
        + _formats(request.parameter_formats)
        + (int16(len(request.parameters)) + parameters)
        + _formats(request.result_formats),
    )


def read_bind(data: bytes, start: int, end: int) -> Bind:
    """A Bind in all its parts, copied: for the admin database and for tests, not for the data path."""
    reader = Reader(data, start + 5, end)
    portal = reader.string()
    statement = reader.string()
    formats = _read_formats(reader)
    parameters = tuple(reader.value() for _ in range(reader.int16()))
    result_formats = _read_formats(reader)
    reader.finish()
    return Bind(portal, statement, formats, parameters, result_formats)


def describe(target: Target) -> bytes:
    """Ask for the parameters and columns of a statement, or the columns of a portal."""
    return message(codes.DESCRIBE, bytes((target.what,)) + cstring(target.name))


def close(target: Target) -> bytes:
    """Forget a statement or portal. Closing one that does not exist is no error."""
    return message(codes.CLOSE, bytes((target.what,)) + cstring(target.name))


def read_target(data: bytes, start: int, end: int) -> Target:
    """What a Describe or Close is about."""
    reader = Reader(data, start + 5, end)
    what = reader.byte()
    name = reader.string()
    reader.finish()
    if what not in (codes.STATEMENT, codes.PORTAL):
        raise ProtocolViolation(
            f"invalid {'CLOSE' if data[start] == codes.CLOSE else 'DESCRIBE'} message subtype {what}"
        )
    return Target(what, name)


def execute(portal: bytes = b"", rows_max: int = 0) -> bytes:
    """Run a portal; 0 rows means all."""
    return message(codes.EXECUTE, cstring(portal) + int32(rows_max))


def read_execute(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """(portal, most rows wanted); 0 or less means all."""
    reader = Reader(data, start + 5, end)
    portal = reader.string()
    rows_max = reader.int32()
    reader.finish()
    return portal, rows_max


def function_call(request: FunctionCall) -> bytes:
    """The message of a fast-path call."""
    arguments = b"".join(value(argument) for argument in request.arguments)
    return message(
        codes.FUNCTION_CALL,
        uint32(request.function)
        + _formats(request.argument_formats)
        + (int16(len(request.arguments)) + arguments)
        + int16(request.result_format),
    )


def read_function_call(data: bytes, start: int, end: int) -> FunctionCall:
    """A fast-path call in all its parts, copied."""
    reader = Reader(data, start + 5, end)
    function = reader.uint32()
    formats = _read_formats(reader)
    arguments = tuple(reader.value() for _ in range(reader.int16()))
    result_format = reader.int16()
    reader.finish()
    return FunctionCall(function, formats, arguments, result_format)


def copy_data(raw: bytes) -> bytes:
    """Bytes of rows, cut anywhere; also a server's."""
    return message(codes.COPY_DATA, raw)


def copy_fail(reason: bytes) -> bytes:
    """End the rows with an error."""
    return message(codes.COPY_FAIL, cstring(reason))


def check_empty(data: bytes, start: int, end: int) -> None:
    """Raises ProtocolViolation if a message that has no body (Sync, Flush, CopyDone, Terminate) has one."""
    Reader(data, start + 5, end).finish()


def _formats(formats: Sequence[int]) -> bytes:
    return int16(len(formats)) + b"".join(int16(code) for code in formats)


def _read_formats(reader: Reader) -> tuple[int, ...]:
    return tuple(reader.int16() for _ in range(reader.int16()))
