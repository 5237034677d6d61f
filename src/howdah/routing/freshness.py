"""Which moment's writes has a standby replayed? (So that a session reads its own writes, at no cost per query.)

The primary is asked again and again where its log ends. Every write that had ended before the question is below the
answer; so a standby that has replayed up to the answer shows them all. Moments are milliseconds of the router's own
monotonic clock, and always the one *before* the question was sent. They may be rounded down (an event loop's cached
time), so "before" is strict: a write of the very moment of a question is not covered by its answer.

The end that is asked for is the *insert* position (`pg_current_wal_insert_lsn`), not the flush position: with
`synchronous_commit = off` a commit is acknowledged before it is flushed, and still its session wants to see it.
"""

from bisect import bisect_right

NEVER = float("-inf")
"""No moment: nothing is known to be replayed."""

SAMPLES_MAX = 512
"""At the default interval more than a minute. Beyond, the older half is thinned out, which only claims less."""

SHORT_HEADER_BYTES = 24
LONG_HEADER_BYTES = 40
"""What each page of the log, and the first of each segment file, begins with."""


def end_of_records(insert_lsn: int, block_bytes: int, segment_bytes: int) -> int:
    """Where the last record ends, as replay counts it.

    After a record that fills its page to the end, the insert position is behind the next page's header, and replay
    stops before it; nothing of a record lies in between."""
    within = insert_lsn % block_bytes
    header = LONG_HEADER_BYTES if insert_lsn % segment_bytes == within else SHORT_HEADER_BYTES
    return insert_lsn - within if within == header else insert_lsn


class Samples:
    """Where one primary's log ended at which moments, oldest first. Both only grow."""

    def __init__(self) -> None:
        self._asked_ms: list[float] = []
        self._ends: list[int] = []

    @property
    def end(self) -> int:
        """The newest known end of the primary's log; 0 if none is known."""
        return self._ends[-1] if self._ends else 0

    @property
    def asked_ms(self) -> float:
        """The moment of the newest one."""
        return self._asked_ms[-1] if self._asked_ms else NEVER

    def clear(self) -> None:
        """Forget everything: positions of another primary do not compare."""
        self._asked_ms.clear()
        self._ends.clear()

    def add(self, asked_ms: float, end: int) -> None:
        """The log ended here when it was asked for after `asked_ms`. An answer that was overtaken says nothing; a log
        that went back is another one."""
        if self._asked_ms and asked_ms <= self._asked_ms[-1]:
            return
        if end < self.end:
            self.clear()
        if end == self.end and self._ends:
            self._asked_ms[-1] = asked_ms
            return
        self._asked_ms.append(asked_ms)
        self._ends.append(end)
        if len(self._ends) > SAMPLES_MAX:
            half = len(self._ends) // 2
            del self._asked_ms[0:half:2]
            del self._ends[0:half:2]

    def covered(self, replayed: int) -> float:
        """Every write that ended before this moment is shown by a server that has replayed so far."""
        found = bisect_right(self._ends, replayed)
        return self._asked_ms[found - 1] if found else NEVER
