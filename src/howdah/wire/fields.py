"""How are the fields of a message read and written: strings, integers, lists?

Names and SQL stay bytes, or are text by `text_of` and `bytes_of`, which lose nothing whatever the encoding: what is
not UTF-8 travels as surrogates.
"""

from howdah.wire.violation import ProtocolViolation


def text_of(raw: bytes) -> str:
    """Bytes of any encoding as text that turns back into the same bytes."""
    return raw.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes behind a text from `text_of`. Raises ProtocolViolation for text that no bytes stand behind."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as fault:
        raise ProtocolViolation(f"text that cannot be sent: {text[fault.start : fault.end]!r}") from fault


def cstring(raw: bytes) -> bytes:
    """A string with its end. Raises ProtocolViolation if it holds a zero byte, which would end it early."""
    if 0 in raw:
        raise ProtocolViolation("a zero byte within a string")
    return raw + b"\0"


def message(kind: int, body: bytes) -> bytes:
    """A whole message: type, length, body."""
    return kind.to_bytes(1, "big") + (len(body) + 4).to_bytes(4, "big") + body


class Reader:
    """Reads the fields of one message's body in order. Everything raises ProtocolViolation if the body is too short."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self.at = start
        self._end = end

    def string(self) -> bytes:
        """A string up to its zero byte, without it."""
        end = self._data.find(b"\0", self.at, self._end)
        if end < 0:
            raise ProtocolViolation("invalid string in message")
        raw = self._data[self.at : end]
        self.at = end + 1
        return raw

    def take(self, count: int) -> bytes:
        """So many bytes."""
        if count < 0 or count > self._end - self.at:
            raise ProtocolViolation("insufficient data left in message")
        self.at += count
        return self._data[self.at - count : self.at]

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def int16(self) -> int:
        """Two bytes, unsigned: counts."""
        return int.from_bytes(self.take(2), "big")

    def int32(self) -> int:
        """Four bytes, signed."""
        return int.from_bytes(self.take(4), "big", signed=True)

    def uint32(self) -> int:
        """Four bytes, unsigned: object identifiers."""
        return int.from_bytes(self.take(4), "big")

    def value(self) -> bytes | None:
        """A value with its length before it; None for NULL (length -1)."""
        length = self.int32()
        return None if length == -1 else self.take(length)

    def rest(self) -> bytes:
        """Everything left."""
        return self.take(self._end - self.at)

    def finish(self) -> None:
        """Raises ProtocolViolation if anything is left."""
        if self.at != self._end:
            raise ProtocolViolation("invalid message format")


def int16(number: int) -> bytes:
    """Two bytes, unsigned. Raises ProtocolViolation if it does not fit."""
    return _integer(number, 2, False)


def int32(number: int) -> bytes:
    """Four bytes, signed. Raises ProtocolViolation if it does not fit."""
    return _integer(number, 4, True)


def uint32(number: int) -> bytes:
    """Four bytes, unsigned. Raises ProtocolViolation if it does not fit."""
    return _integer(number, 4, False)


def value(raw: bytes | None) -> bytes:
    """A value with its length before it; None for NULL."""
    return b"\xff\xff\xff\xff" if raw is None else int32(len(raw)) + raw


def _integer(number: int, size: int, signed: bool) -> bytes:
    try:
        return number.to_bytes(size, "big", signed=signed)
    except OverflowError as fault:
        raise ProtocolViolation(f"{number} does not fit into {size} bytes") from fault
