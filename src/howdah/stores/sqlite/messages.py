"""What do an agent and the store process say to each other?

One connection carries one request: a line of JSON from the client, then one line back, or for a watch a line for
every change. A request counts only with the newline at its end, so that one cut short has no effect.
"""

import json
from dataclasses import dataclass
from typing import assert_never

from howdah.ports.store import Versioned
from howdah.stores.documents import DOCUMENT_BYTES_MAX
from howdah.stores.lineage import StoreMoment

LINE_BYTES_MAX = 6 * DOCUMENT_BYTES_MAX + 4_096
"""JSON writes a control character as six bytes; the rest is the frame around the document."""


@dataclass(frozen=True, slots=True)
class Read:
    """What is in this document?"""

    name: str


@dataclass(frozen=True, slots=True)
class Swap:
    """Write this text if the document is at this version (None: if there is none)."""

    name: str
    expected_version: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What is in this document, now and after every change?"""

    name: str


Request = Read | Swap | Watch


@dataclass(frozen=True, slots=True)
class DocumentIs:
    """The newest committed document."""

    document: Versioned | None
    moment: StoreMoment


@dataclass(frozen=True, slots=True)
class SwapDone:
    """Committed and flushed."""

    version: int
    moment: StoreMoment


@dataclass(frozen=True, slots=True)
class SwapConflict:
    """Another version was there. Nothing was written."""

    moment: StoreMoment


@dataclass(frozen=True, slots=True)
class SwapUnknown:
    """The commit itself failed: the file may have it or not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not done, and it never will be."""

    reason: str


Answer = DocumentIs | SwapDone | SwapConflict | SwapUnknown | Refused


class BadMessage(ValueError):
    """A line that is no message of ours."""


def encode_request(request: Request) -> bytes:
    """The line to send, with its newline."""
    match request:
        case Read(name):
            return _line({"read": name})
        case Swap(name, expected_version, text):
            return _line({"swap": name, "expected": expected_version, "text": text})
        case Watch(name):
            return _line({"watch": name})
        case _:
            assert_never(request)


def decode_request(line: bytes) -> Request:
    """The request in a line. Raises BadMessage."""
    fields = _fields(line)
    if "read" in fields:
        return Read(_text(fields, "read"))
    if "watch" in fields:
        return Watch(_text(fields, "watch"))
    if "swap" in fields:
        expected = None if fields.get("expected", 0) is None else _number(fields, "expected")
        return Swap(_text(fields, "swap"), expected, _text(fields, "text"))
    raise BadMessage("neither read, swap nor watch")


def encode_answer(answer: Answer) -> bytes:
    """The line to send, with its newline."""
    match answer:
        case DocumentIs(document, moment):
            content = None if document is None else {"version": document.version, "text": document.text}
            return _line({"document": content, **_moment_fields(moment)})
        case SwapDone(version, moment):
            return _line({"swapped": version, **_moment_fields(moment)})
        case SwapConflict(moment):
            return _line({"conflict": True, **_moment_fields(moment)})
        case SwapUnknown(reason):
            return _line({"unknown": reason})
        case Refused(reason):
            return _line({"refused": reason})
        case _:
            assert_never(answer)


def decode_answer(line: bytes) -> Answer:
    """The answer in a line. Raises BadMessage."""
    fields = _fields(line)
    if "document" in fields:
        content = fields["document"]
        if content is None:
            return DocumentIs(None, _moment(fields))
        if not isinstance(content, dict):
            raise BadMessage("a document is an object or null")
        return DocumentIs(Versioned(_text(content, "text"), _number(content, "version")), _moment(fields))
    if "swapped" in fields:
        return SwapDone(_number(fields, "swapped"), _moment(fields))
    if "conflict" in fields:
        return SwapConflict(_moment(fields))
    if "unknown" in fields:
        return SwapUnknown(_text(fields, "unknown"))
    if "refused" in fields:
        return Refused(_text(fields, "refused"))
    raise BadMessage("an answer of an unknown kind")


def _line(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _fields(line: bytes) -> dict[str, object]:
    if not line.endswith(b"\n"):
        raise BadMessage("the line was cut short")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadMessage("no JSON object")
    return fields


def _text(fields: dict[str, object], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise BadMessage(f"{key} must be a string")
    return value


def _number(fields: dict[str, object], key: str) -> int:
    value = fields.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadMessage(f"{key} must be an integer")
    return value


def _moment_fields(moment: StoreMoment) -> dict[str, object]:
    return {"store": moment.store_id, "revision": moment.revision}


def _moment(fields: dict[str, object]) -> StoreMoment:
    return StoreMoment(_text(fields, "store"), _number(fields, "revision"))
