"""How does a statement get another name on its way to the server?

A client's statements have names of its own; on a server shared with others they go under a name of the router's.
Only the beginning of the message is made anew; its parameters, which may be a gigabyte, stay where they are. So all
functions here work on a message of which only the beginning has come (HEAD of the framer), as long as its names have.
"""

from howdah.wire import codes
from howdah.wire.fields import cstring
from howdah.wire.violation import ProtocolViolation


class Names:
    """The names at the beginning of a Parse, Bind, Describe or Close.

    `statement` is None for a Describe or Close of a portal, `portal` for a message without one. `rest` is the
    position of the first byte after the names. Of a Parse, the bytes from there to its end are statement and types:
    all that tells two statements apart, and a key to look them up by without reading them.

    A plain class and no frozen one, since each Bind makes one: compiled, that makes renaming three times faster.
    """

    __slots__ = ("portal", "rest", "statement")

    def __init__(self, statement: bytes | None, portal: bytes | None, rest: int) -> None:
        self.statement: bytes | None = statement
        self.portal: bytes | None = portal
        self.rest: int = rest


def read_names(data: bytes, start: int, end: int) -> Names:
    """The names of the message that begins at `start`. Raises ProtocolViolation if they do not end before `end`."""
    kind = data[start]
    at = start + 5
    if kind in (codes.DESCRIBE, codes.CLOSE):
        what = data[at] if at < end else 0
        stop = _end_of_string(data, at + 1, end)
        name = data[at + 1 : stop]
        if what == codes.STATEMENT:
            return Names(name, None, stop + 1)
        if what == codes.PORTAL:
            return Names(None, name, stop + 1)
        raise ProtocolViolation(f"invalid {'CLOSE' if kind == codes.CLOSE else 'DESCRIBE'} message subtype {what}")
    stop = _end_of_string(data, at, end)
    first = data[at:stop]
    if kind == codes.PARSE:
        return Names(first, None, stop + 1)
    if kind == codes.BIND:
        last = _end_of_string(data, stop + 1, end)
        return Names(data[stop + 1 : last], first, last + 1)
    raise ProtocolViolation(f'a message of type "{chr(kind)}" names no statement')


def renamed(data: bytes, start: int, names: Names, statement: bytes) -> bytes:
    """What to send instead of `data[start:names.rest]`, so that the message is about `statement`. Send the bytes from
    `names.rest` on after it as they are. Raises ProtocolViolation if the message names no statement."""
    if names.statement is None:
        raise ProtocolViolation("only a portal is named")
    kind = data[start]
    if kind == codes.BIND:
        head = cstring(names.portal or b"") + cstring(statement)
    elif kind == codes.PARSE:
        head = cstring(statement)
    else:
        head = b"S" + cstring(statement)
    length = int.from_bytes(data[start + 1 : start + 5], "big") + len(head) - (names.rest - start - 5)
    return data[start : start + 1] + length.to_bytes(4, "big") + head


def _end_of_string(data: bytes, at: int, end: int) -> int:
    stop = data.find(b"\0", at, end)
    if stop < 0:
        raise ProtocolViolation("invalid string in message")
    return stop
