"""What does a framer make of bytes, for tests: each message, however they were cut?"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from howdah.wire.frame import HEAD, NOTHING, REPLIES, REPLY_MAX_BYTES, RUN, WHOLE, Framer


@dataclass
class Walk:
    """Everything a framer found: messages looked at, in order, and the bytes that only passed in between."""

    looked: list[bytes] = field(default_factory=list)
    passed: bytes = b""
    ready: int = 0
    steps: int = 0
    status: int = 0
    _in_look: bool = False

    def take(self, framer: Framer, found: int) -> None:
        """Add one step."""
        span = framer.buffer[framer.start : framer.end]
        if found in (WHOLE, HEAD):
            self.looked.append(span)
            self._in_look = True
        elif found == RUN:
            self._in_look = False
            self.passed += span
            self.ready += framer.ready
            self.steps = framer.steps + (0 if framer.ready else self.steps)
            self.status = framer.status
        elif self._in_look:
            self.looked[-1] += span
        else:
            self.passed += span


def walk(chunks: Iterable[bytes], framer: Framer | None = None) -> Walk:
    """Feed the chunks and take every step."""
    framer = framer or Framer(REPLIES, REPLY_MAX_BYTES)
    found = Walk()
    for chunk in chunks:
        framer.feed(chunk)
        while step := framer.step():
            found.take(framer, step)
        assert step == NOTHING
    return found


def chunks_of(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes cut at these places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[one:other] for one, other in pairwise(places)]


def messages_of(data: bytes) -> list[bytes]:
    """Each message, by the plainest reading there is."""
    found = []
    while data:
        end = 1 + int.from_bytes(data[1:5], "big")
        found.append(data[:end])
        data = data[end:]
    return found
