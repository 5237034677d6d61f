"""Does the cluster lose nothing and recover by itself while faults drawn from a seed come one after another, and
overlap?"""

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.catalogue import named
from tests.chaos.cluster import ChaosCluster
from tests.chaos.fault import Scene, Undo
from tests.chaos.load import judged, loaded
from tests.chaos.network import NotNow
from tests.chaos.schedule import Step, written
from tests.realcluster.checker import Outcome
from tests.realcluster.workload import Workload

RECOVERY_LIMIT_S = 120.0
OUTAGE_S = 1.0
"""Shorter gaps between acknowledged writes are not told."""


@dataclass(frozen=True, slots=True)
class Report:
    """`wrong` is empty when nothing is. `outages` are those that are told: causes, and how long."""

    length_s: float
    faults: int
    acknowledged: int
    transactions: int
    role_changes: int
    outages: tuple[tuple[str, float], ...]
    recovery_s: float
    wrong: tuple[str, ...]

    @property
    def away_s(self) -> float:
        """The sum of all outages."""
        return sum(length_s for _, length_s in self.outages)

    def __str__(self) -> str:
        return "\n".join((*self._by_cause(), self.summary))

    @property
    def summary(self) -> str:
        """One sentence."""
        return (
            f"{self.length_s:.0f} s, {self.faults} faults, {self.acknowledged} commits and {self.transactions} "
            f"transactions, {self.role_changes} terms begun, writes away for {self.away_s:.1f} s in all "
            f"({1 - self.away_s / self.length_s:.1%} available), healthy {self.recovery_s:.1f} s after the last fault: "
            + ("; ".join(self.wrong) if self.wrong else "nothing lost, nothing made up, never two primaries")
        )

    def _by_cause(self) -> list[str]:
        """The faults, or faults together, that cost most first."""
        lengths: dict[str, list[float]] = {}
        for cause, length_s in self.outages:
            lengths.setdefault(cause, []).append(length_s)
        ordered = sorted(lengths.items(), key=lambda each: -sum(each[1]))
        return [
            f"{sum(each):8.1f} s without writes, {len(each)} times, at most {max(each):.1f} s: {cause}"
            for cause, each in ordered
        ]


class Soak:
    """One run; `begun` is when it began (monotonic)."""

    def __init__(self, cluster: ChaosCluster, say: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._say = say
        self._begun = 0.0
        self._open: list[tuple[Step, Undo]] = []

    def run(self, steps: tuple[Step, ...], length_s: float) -> Report:
        """Make these faults, heal everything, and judge."""
        self._say(f"{length_s:.0f} s, {len(steps)} faults:\n{written(steps)}")
        cluster = self._cluster
        cluster.wait_healthy()
        term = cluster.record().term
        with loaded(cluster, "soak") as load:
            self._begun = time.monotonic()
            try:
                self._play(steps, length_s)
            finally:
                self._end(self._open)
            healed = time.monotonic()
            cluster.revive()
            cluster.wait_healthy(RECOVERY_LIMIT_S)
            recovery_s = time.monotonic() - healed
            load.writes.wait_writes()
        found = judged(cluster, load)
        return Report(
            length_s=time.monotonic() - self._begun,
            faults=len(steps),
            acknowledged=found.acknowledged,
            transactions=found.transactions,
            role_changes=cluster.record().term - term,
            outages=self._tell_outages(load.writes, steps),
            recovery_s=recovery_s,
            wrong=found.wrong,
        )

    def _play(self, steps: tuple[Step, ...], length_s: float) -> None:
        for step in steps:
            self._wait_until(step.begins_s)
            scene = Scene(self._cluster, random.Random(step.chance))
            try:
                undo = named(step.fault).inflict(scene)
            except NotNow as reason:
                self._note(f"left out: {step.fault}: {reason}")
                continue
            self._note(f"begins: {step.fault}")
            self._open.append((step, undo))
        self._wait_until(length_s)

    def _wait_until(self, moment_s: float) -> None:
        """And end the faults whose time is over until then."""
        while self._open and (first := min(self._open, key=lambda each: each[0].ends_s))[0].ends_s <= moment_s:
            self._sleep_until(first[0].ends_s)
            self._end([first])
        self._sleep_until(moment_s)

    def _sleep_until(self, moment_s: float) -> None:
        time.sleep(max(0.0, self._begun + moment_s - time.monotonic()))

    def _end(self, ending: list[tuple[Step, Undo]]) -> None:
        for step, undo in tuple(ending):
            self._open.remove((step, undo))
            undo()
            self._note(f"ends:   {step.fault}")

    def _note(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._begun:8.2f} s {text}")

    def _tell_outages(self, load: Workload, steps: tuple[Step, ...]) -> tuple[tuple[str, float], ...]:
        """Each outage with the faults that were there, and its length in seconds."""
        ends = sorted(write.ended - self._begun for write in load.history if write.outcome is Outcome.OK)
        found: list[tuple[str, float]] = []
        for earlier, later in itertools.pairwise(ends):
            if later - earlier > OUTAGE_S and later > 0:
                causes = [step.fault for step in steps if step.begins_s <= later and step.ends_s >= earlier - OUTAGE_S]
                cause = " + ".join(causes) or "no fault"
                self._say(f"{earlier:8.2f} s no write for {later - earlier:.1f} s: {cause}")
                found.append((cause, later - earlier))
        return tuple(found)
