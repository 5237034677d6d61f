"""Does the cluster lose nothing and recover by itself while faults drawn from a seed come one after another, and
overlap?"""

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.catalogue import RANDOM, named
from tests.chaos.cluster import ChaosCluster, loaded
from tests.chaos.fault import Scene, Undo
from tests.chaos.network import NotNow
from tests.chaos.schedule import Step, draw, written
from tests.realcluster.checker import Outcome
from tests.realcluster.workload import Workload, verdict

RECOVERY_LIMIT_S = 120.0
OUTAGE_S = 1.0
"""Shorter gaps between acknowledged writes are not told."""


@dataclass(frozen=True, slots=True)
class Report:
    """`wrong` is empty when nothing is. `away_s` adds up the outages that are told."""

    length_s: float
    acknowledged: int
    role_changes: int
    away_s: float
    recovery_s: float
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.length_s:.0f} s, {self.acknowledged} commits acknowledged, {self.role_changes} terms begun, "
            f"writes away for {self.away_s:.1f} s in all ({1 - self.away_s / self.length_s:.1%} available), "
            f"healthy {self.recovery_s:.1f} s after the last fault: "
            + ("; ".join(self.wrong) if self.wrong else "nothing lost, nothing made up, never two primaries")
        )


class Soak:
    """One run; `begun` is when it began (monotonic)."""

    def __init__(self, cluster: ChaosCluster, say: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._say = say
        self._begun = 0.0
        self._open: list[tuple[Step, Undo]] = []

    def run(self, seed: int, length_s: float) -> Report:
        """Make the faults of this seed, heal everything, and judge."""
        steps = draw(seed, length_s, RANDOM)
        self._say(f"seed {seed}, {length_s:.0f} s, {len(steps)} faults:\n{written(steps)}")
        cluster = self._cluster
        cluster.wait_healthy()
        term = cluster.record().term
        with loaded(cluster, f"soak_{seed}") as load:
            self._begun = time.monotonic()
            try:
                self._play(steps, length_s)
            finally:
                self._end(self._open)
            healed = time.monotonic()
            cluster.revive()
            cluster.wait_healthy(RECOVERY_LIMIT_S)
            recovery_s = time.monotonic() - healed
            load.wait_writes()
        found = verdict(cluster, load)
        return Report(
            length_s=time.monotonic() - self._begun,
            acknowledged=found.acknowledged,
            role_changes=cluster.record().term - term,
            away_s=self._tell_outages(load, steps),
            recovery_s=recovery_s,
            wrong=() if found.sound else (str(found),),
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

    def _tell_outages(self, load: Workload, steps: tuple[Step, ...]) -> float:
        """Each outage with the faults that were there; their sum in seconds."""
        ends = sorted(write.ended - self._begun for write in load.history if write.outcome is Outcome.OK)
        away_s = 0.0
        for earlier, later in itertools.pairwise(ends):
            if later - earlier > OUTAGE_S and later > 0:
                causes = [step.fault for step in steps if step.begins_s <= later and step.ends_s >= earlier - OUTAGE_S]
                self._say(f"{earlier:8.2f} s no write for {later - earlier:.1f} s: {', '.join(causes) or 'no fault'}")
                away_s += later - earlier
        return away_s
