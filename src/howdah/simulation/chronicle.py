"""What happened in a run, readable, and as one number to compare two runs by?"""

import zlib
from collections import deque

from howdah.cluster.decision import Decision
from howdah.cluster.observation import Observation
from howdah.simulation.loop import VirtualLoop

RESTING = ("STANDING BY", "LEADING", "UNDER WAY", "NOTHING KNOWN")
"""Rules that say that there is nothing to do."""


class Chronicle:
    """The last events, and a hash of all."""

    def __init__(self, loop: VirtualLoop, keep: int = 60) -> None:
        self._loop = loop
        self.last: deque[str] = deque(maxlen=keep)
        self.trace = 0
        self.decisions: list[str] | None = None  # collected for scenarios only
        self.count = 0

    def say(self, who: str, sentence: str) -> None:
        """Something happened."""
        line = f"{self._loop.now / 1000:9.3f} {who:<4} {sentence}"
        self.last.append(line)
        self.count += 1
        self.trace = zlib.crc32(line.encode(), self.trace)


class NodeJournal:
    """`ports.events.Journal` of one node, into the chronicle."""

    def __init__(self, node: str, chronicle: Chronicle) -> None:
        self._node = node
        self._chronicle = chronicle

    def decided(self, decision: Decision, observation: Observation) -> None:
        """See the port."""
        record = observation.store.record
        term = record.term if record else 0
        self._chronicle.say(self._node, f"[{decision.rule}] {decision.why} -> {decision.action} (term {term})")
        if self._chronicle.decisions is not None and decision.rule not in RESTING:
            self._chronicle.decisions.append(f"{self._node} {decision.rule}: {decision.why}")

    def did(self, what: str, outcome: str, term: int, duration_ms: int) -> None:
        """See the port."""
        self._chronicle.say(self._node, f"  {what}: {outcome} (term {term}, {duration_ms} ms)")

    def noted(self, rule: str, sentence: str, term: int) -> None:
        """See the port."""
        self._chronicle.say(self._node, f"  {rule}: {sentence} (term {term})")
