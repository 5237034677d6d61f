"""Which messages does a server send, and how are they read and built?

Readers take a span `data[start:end]` of one whole message with its header, as the framer finds it. Logins are in
authentication.py, keys and versions in negotiation.py, rows in rows.py.
"""

from dataclasses import dataclass
from typing import Final

from howdah.wire import codes, sqlstate
from howdah.wire.fields import Reader, bytes_of, cstring, int16, int32, message, text_of
from howdah.wire.violation import ProtocolViolation

PARSE_COMPLETE: Final = b"1\0\0\0\4"
BIND_COMPLETE: Final = b"2\0\0\0\4"
CLOSE_COMPLETE: Final = b"3\0\0\0\4"
NO_DATA: Final = b"n\0\0\0\4"
EMPTY_QUERY: Final = b"I\0\0\0\4"
PORTAL_SUSPENDED: Final = b"s\0\0\0\4"
READY_IDLE: Final = b"Z\0\0\0\5I"

_COUNTING_TAGS: Final = frozenset(("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "MOVE", "FETCH", "COPY"))


@dataclass(frozen=True, slots=True)
class Report:
    """An error or notice. `fields` has them all by their letter, as text from `text_of`; any of them may be missing
    (some servers and proxies send no SQLSTATE)."""

    fields: dict[str, str]

    @property
    def severity(self) -> str:
        """ERROR, FATAL, PANIC, WARNING, NOTICE, DEBUG, INFO or LOG, untranslated if the server says so (since 9.6)."""
        return self.fields.get("V") or self.fields.get("S") or sqlstate.ERROR

    @property
    def sqlstate(self) -> str:
        """Five letters; XX000 if there are none."""
        code = self.fields.get("C", "")
        return code if len(code) == 5 else sqlstate.INTERNAL_ERROR

    @property
    def message(self) -> str:
        """The sentence; may be empty."""
        return self.fields.get("M", "")

    @property
    def fatal(self) -> bool:
        """Whether the server ends the connection after it."""
        return self.severity in ("FATAL", "PANIC")


@dataclass(frozen=True, slots=True)
class Notification:
    """A NOTIFY that this session listens to."""

    process: int
    channel: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class CommandTag:
    """What a statement did: ("SELECT", 5), ("BEGIN", None)."""

    command: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class CopyFormat:
    """How rows are copied: whether in binary over all, and the format (0 text, 1 binary) of each column."""

    binary: bool
    columns: tuple[int, ...] = ()


def ready_for_query(status: int) -> bytes:
    """The end of an answer, with codes.IDLE, IN_TRANSACTION or IN_FAILED_TRANSACTION."""
    return message(codes.READY, bytes((status,)))


def read_ready(data: bytes, start: int, end: int) -> int:
    """The transaction status."""
    reader = Reader(data, start + 5, end)
    status = reader.byte()
    reader.finish()
    if status not in b"ITE":
        raise ProtocolViolation(f"invalid transaction status {status}")
    return status


def read_report(data: bytes, start: int, end: int) -> Report:
    """An ErrorResponse or NoticeResponse, as much as there is of it: a report that is cut off, or of which only the
    beginning has come, still says what it can. Of two fields with one letter the first counts."""
    fields: dict[str, str] = {}
    at = start + 5
    while at < end and data[at] != 0:
        stop = data.find(b"\0", at + 1, end)
        if stop < 0:
            stop = end
        fields.setdefault(chr(data[at]), text_of(data[at + 1 : stop]))
        at = stop + 1
    return Report(fields)


def parameter_status(name: str, value: str) -> bytes:
    """Tell a client that a setting it should know has this value."""
    return message(codes.PARAMETER_STATUS, cstring(bytes_of(name)) + cstring(bytes_of(value)))


def read_parameter_status(data: bytes, start: int, end: int) -> tuple[str, str]:
    """(name, value)."""
    reader = Reader(data, start + 5, end)
    name = text_of(reader.string())
    value = text_of(reader.string())
    reader.finish()
    return name, value


def notification(note: Notification) -> bytes:
    """Deliver a NOTIFY."""
    return message(codes.NOTIFICATION, int32(note.process) + cstring(note.channel) + cstring(note.payload))


def read_notification(data: bytes, start: int, end: int) -> Notification:
    """A NOTIFY."""
    reader = Reader(data, start + 5, end)
    note = Notification(reader.int32(), reader.string(), reader.string())
    reader.finish()
    return note


def command_complete(tag: CommandTag) -> bytes:
    """The end of a statement; the 0 in an INSERT's tag once was an object identifier."""
    words = tag.command
    if tag.rows is not None:
        words += f" 0 {tag.rows}" if tag.command == "INSERT" else f" {tag.rows}"
    return message(codes.COMMAND_COMPLETE, cstring(bytes_of(words)))


def read_command_complete(data: bytes, start: int, end: int) -> CommandTag:
    """What the statement did. Any text is a tag; only the known ones count rows."""
    reader = Reader(data, start + 5, end)
    words = text_of(reader.string())
    reader.finish()
    command, _, count = words.partition(" ")
    count = count.rpartition(" ")[2]
    if command in _COUNTING_TAGS and count.isascii() and count.isdigit() and len(count) < 20:
        return CommandTag(command, int(count))
    return CommandTag(words, None)


def copy_response(kind: int, form: CopyFormat) -> bytes:
    """The invitation to copy: `kind` is codes.COPY_IN, COPY_OUT or COPY_BOTH."""
    columns = int16(len(form.columns)) + b"".join(int16(code) for code in form.columns)
    return message(kind, bytes((form.binary,)) + columns)


def read_copy_response(data: bytes, start: int, end: int) -> CopyFormat:
    """How rows will be copied."""
    reader = Reader(data, start + 5, end)
    binary = reader.byte() != 0
    columns = tuple(reader.int16() for _ in range(reader.int16()))
    reader.finish()
    return CopyFormat(binary, columns)


def function_result(value: bytes) -> bytes:
    """A fast-path call's answer; `value` as fields.value makes it."""
    return message(codes.FUNCTION_RESULT, value)
