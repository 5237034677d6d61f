"""How long do things take, and what goes wrong? One seeded source for a whole run."""

import random


class Chance(random.Random):
    """Random numbers with the distributions of a simulated world. Durations in milliseconds."""

    slow_share = 0.02
    """How often a process is descheduled for long before it goes on."""

    def quick(self, low: float, high: float) -> float:
        """A duration that is never long."""
        return low + (high - low) * self.random()

    def process(self) -> float:
        """Until a process that was signalled gets to it: mostly at once, now and then much later."""
        if self.random() < self.slow_share:
            return 20 + 1500 * self.random() ** 3
        return 0.05 + 2 * self.random()

    def fsync(self) -> float:
        """Until data is durable."""
        if self.random() < self.slow_share / 2:
            return 20 + 300 * self.random()
        return 0.2 + 2 * self.random()

    def maybe(self, share: float) -> bool:
        """True in this share of cases."""
        return self.random() < share
