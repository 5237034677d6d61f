"""For how long has received WAL been waiting to be replayed?

The time since the last replayed commit would be wrong on an idle cluster: one fresh record that is a millisecond
from being replayed would count as hours of lag. So this measures what it says: how long ago this agent first saw
WAL received that is still not replayed. It needs no clock but the agent's own.
"""

from howdah.values.lsn import Lsn

SAMPLES_MAX = 256
"""One a second; past it every second sample goes, so a long lag is known a little less exactly."""


class ReplayLag:
    """Remembers when which LSN had been received."""

    def __init__(self) -> None:
        self._samples: list[tuple[int, Lsn]] = []

    def note(self, now_ms: int, received: Lsn, replayed: Lsn) -> int:
        """Take in an observation made at `now_ms`; the lag in milliseconds, 0 if everything is replayed."""
        self._samples = [sample for sample in self._samples if replayed < sample[1] <= received]
        if replayed >= received:
            return 0
        if not self._samples or self._samples[-1][1] < received:
            self._samples.append((now_ms, received))
        if len(self._samples) > SAMPLES_MAX:
            self._samples = [self._samples[0], *self._samples[2::2]]
        return now_ms - self._samples[0][0]
