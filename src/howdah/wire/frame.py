"""Where does one message end and the next begin?

One Framer walks one direction of one connection. Most messages are only passed on: their headers are read, and they
come out as one span however many they are, whole or cut by the end of the bytes. Messages that steer come out one by
one. What a kind of message is, a table says, 256 bytes long, which may be exchanged between two steps.

This is the hottest code of the router. It makes no object per message: the answer of a step is left in attributes.
"""

from typing import Final

from howdah.wire import codes
from howdah.wire.violation import ProtocolViolation

# What a table says of a kind. From PASS on, messages may leave before they have come whole.
UNKNOWN: Final = 0
LOOK_SMALL: Final = 1
LOOK_LOGIN: Final = 2
LOOK: Final = 3
PASS: Final = 4
STEP: Final = 5
"""Passed on, and counted: the one reply that ends what one Parse, Bind, Describe, Execute or Close asked for."""
READY: Final = 6
"""Passed on when it is whole, counted, and its status kept."""

SMALL_MAX_BYTES: Final = 10_000
"""PostgreSQL's limit for messages that hold no more than a name (PQ_SMALL_MESSAGE_LIMIT)."""
LOGIN_MAX_BYTES: Final = 65_535
"""PostgreSQL's limit for a password or token (PG_MAX_AUTH_TOKEN_LENGTH): long enough for tickets."""
REQUEST_MAX_BYTES: Final = 0x3FFFFFFE
"""PostgreSQL's limit for everything else from a client (PQ_LARGE_MESSAGE_LIMIT): 1 GB."""
REPLY_MAX_BYTES: Final = 0x40000003
"""The longest that a server can make: a body of 1 GB less one byte, and the length itself."""
WHOLE_MAX_BYTES: Final = 65_536
"""A message to look at is collected up to this size. A longer one comes as its beginning and then in parts, so this
and one read bound the memory of one direction of a connection."""

# What a step found.
NOTHING: Final = 0
RUN: Final = 1
"""Messages that are only passed on; the last may be cut."""
WHOLE: Final = 2
"""One message to look at."""
HEAD: Final = 3
"""The beginning, at least `whole_max` bytes, of one that is longer than that."""
PART: Final = 4
"""A further part of a message that was cut; its last one when `missing` is 0."""


def table(
    *,
    look: bytes = b"",
    look_small: bytes = b"",
    login: bytes = b"",
    run: bytes = b"",
    step: bytes = b"",
    ready: bytes = b"",
) -> bytes:
    """A table from the type bytes of each treatment. All other kinds are violations."""
    made = bytearray(256)
    for treatment, kinds in (
        (LOOK, look),
        (LOOK_SMALL, look_small),
        (LOOK_LOGIN, login),
        (PASS, run),
        (STEP, step),
        (READY, ready),
    ):
        for kind in kinds:
            made[kind] = treatment
    return bytes(made)


REQUESTS: Final = table(look=b"QFBP", look_small=b"CDEHScfX", run=b"d")
"""From a client that has logged in."""
LOGIN_REQUESTS: Final = table(login=b"p")
"""From a client that logs in, after its startup packet."""
REPLIES: Final = table(look=b"ENASGHWRKv", run=b"DdctV", step=b"123CIsTn", ready=b"Z")
"""From a server, when nobody has to know more than when it is done, what it reports, and COPY."""
REPLIES_ONE_BY_ONE: Final = table(look=b"ENASGHWRKvctV123CIsTnZ", run=b"Dd")
"""From a server, when some replies are not for the client (a Parse of the router's own), and while logging in."""


class Framer:
    """One direction of one connection, at the place where the last step ended.

    Feed bytes, then step until NOTHING. After each step `buffer[start:end]` is the span it found. For RUN, WHOLE and
    HEAD, `kind` is the type byte of the first message; `first` is where the first message header of a RUN stands (its
    beginning may be the rest of a message that was cut). `missing` bytes of the span's last message are still to come.
    For a RUN, `ready` counts the ReadyForQuery in it, `status` is the last one's, and `steps` counts the STEP
    replies after that one.
    """

    def __init__(self, kinds: bytes, longest: int, whole_max: int = WHOLE_MAX_BYTES) -> None:
        self.kinds: bytes = kinds
        self.longest: int = longest
        self.whole_max: int = whole_max
        self.buffer: bytes = b""
        self.start: int = 0
        self.end: int = 0
        self.first: int = 0
        self.kind: int = 0
        self.missing: int = 0
        self.ready: int = 0
        self.status: int = codes.IDLE
        self.steps: int = 0
        self._cut_run: bool = False
        self._kept: bytearray = bytearray()
        self._needed: int = 0

    def feed(self, data: bytes) -> None:
        """Take what was read. Positions of earlier steps are void afterwards."""
        if self._kept:
            self._kept += data
            if len(self._kept) < self._needed:
                return
            data = bytes(self._kept)
            self._kept = bytearray()
        elif self.end < len(self.buffer):
            data = self.buffer[self.end :] + data
        self.buffer = data
        self.start = 0
        self.end = 0

    def rest(self) -> bytes:
        """Give away what was fed and not walked yet: at the end of the startup, or when the other side has gone."""
        left = bytes(self._kept) if self._kept else self.buffer[self.end :]
        self._kept = bytearray()
        self._release()
        return left

    @property
    def between(self) -> bool:
        """Whether the last step ended at the border of a message, with nothing begun after it."""
        return not self.missing and not self._kept and self.end == len(self.buffer)

    def step(self) -> int:
        """Find the next span: NOTHING, RUN, WHOLE, HEAD or PART. Raises ProtocolViolation for lengths that lie and
        kinds that do not belong here; then the connection is lost, since nobody knows where a message begins."""
        data = self.buffer
        size = len(data)
        start = self.end
        at = start
        if at == size:
            return self._release()
        if self.missing:
            if not self._cut_run or size - at < self.missing:
                return self._part(at, size)
            at += self.missing
            self.missing = 0
        self.start = start
        self.first = at
        ready = 0
        steps = 0
        kinds = self.kinds
        while size - at >= 5:
            kind = data[at]
            length = data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4]
            if at == start:
                self.kind = kind
            treatment = kinds[kind]
            if length < 4 or length > self.longest or treatment < PASS:
                if at > start:
                    break
                self._check(kind, length, treatment)
                return self._look(at, size, length)
            if treatment == STEP:
                steps += 1
            elif treatment == READY:
                if size - at < 6 or length != 5:
                    if length != 5 and at == start:
                        raise ProtocolViolation(f"invalid length of ReadyForQuery: {length}")
                    break
                ready += 1
                steps = 0
                self.status = data[at + 5]
            at += length + 1
            if at > size:
                self.missing = at - size
                self._cut_run = True
                at = size
        self.ready = ready
        self.steps = steps
        self.end = at
        if at == start:
            return self._wait_for(at, 6 if size - at == 5 else 5)
        return RUN

    def _check(self, kind: int, length: int, treatment: int) -> None:
        """Whether such a message may exist at all."""
        if treatment == UNKNOWN:
            raise ProtocolViolation(f"invalid message type {kind}")
        if treatment == LOOK_SMALL:
            longest = SMALL_MAX_BYTES
        elif treatment == LOOK_LOGIN:
            longest = LOGIN_MAX_BYTES
        else:
            longest = self.longest
        if length < 4 or length > longest:
            raise ProtocolViolation(f'invalid length of a message of type "{chr(kind)}": {length}, at most {longest}')

    def _look(self, at: int, size: int, length: int) -> int:
        """A message to look at stands at `at`: it comes alone."""
        collected = length + 1
        if collected > self.whole_max:
            collected = max(self.whole_max, 5)
        if size - at < collected:
            return self._wait_for(at, collected)
        end = min(at + length + 1, size)
        self.missing = at + length + 1 - end
        self._cut_run = False
        self.ready = 0
        self.steps = 0
        self.end = end
        return WHOLE if length + 1 <= self.whole_max else HEAD

    def _part(self, at: int, size: int) -> int:
        """More of a message that was cut, and nothing after it."""
        end = min(size, at + self.missing)
        self.missing -= end - at
        self.start = at
        self.first = end
        self.ready = 0
        self.steps = 0
        self.end = end
        return PART

    def _wait_for(self, at: int, needed: int) -> int:
        """Keep what has come of a message until there are `needed` bytes of it."""
        self._kept = bytearray(self.buffer[at:])
        self._needed = needed
        return self._release()

    def _release(self) -> int:
        """Hold no bytes: an idle connection costs no buffer."""
        self.buffer = b""
        self.start = 0
        self.end = 0
        return NOTHING
