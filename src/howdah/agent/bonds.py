"""To which lease times is this agent bound: by its last renewal, and by swaps that it is about to send?"""

from howdah.cluster.lease import Bond
from howdah.cluster.policy import LeaseTimes
from howdah.ports.clock import Clock


class Bonds:
    """What the deadlines of a holder are counted from. `announced`: what a swap may have made true unseen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.sent_boot_ms = 0  # when the last renewal known to have succeeded was sent
        self.times: LeaseTimes | None = None  # of that renewal; None: there was none yet
        self.announced: tuple[Bond, ...] = ()

    def last(self, configured: LeaseTimes) -> Bond:
        """What the last renewal known to have succeeded binds the holder to."""
        return Bond(self.sent_boot_ms, self.times or configured)

    def announce(self, times: LeaseTimes) -> None:
        """Be bound to these times from now on, before a swap that says so is sent: it may take effect unseen."""
        if all(bond.times != times for bond in self.announced):
            self.announced = (*self.announced, Bond(self._clock.boot_ms(), times))

    def renewed(self, sent_boot_ms: int, carried: LeaseTimes | None, configured: LeaseTimes) -> None:
        """A swap succeeded: from its sending, the times that it carried, else those configured, are the lease's."""
        self.sent_boot_ms = max(self.sent_boot_ms, sent_boot_ms)
        self.times = carried or configured
        if self.announced and self.announced[-1].times == carried:
            self.announced = ()
