"""Does the cluster do under one fault what it should, within its bound?"""

import itertools
import random
import time
from dataclasses import dataclass

from howdah.cluster.record import Record
from tests.chaos.cluster import ChaosCluster
from tests.chaos.fault import Fault, Role, Scene
from tests.chaos.load import judged, loaded
from tests.chaos.network import NotNow
from tests.realcluster.checker import longest_gap
from tests.realcluster.workload import Workload

HEALTHY_LIMIT_S = 90.0

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Result:
    """`outage_s` is the longest time without an acknowledged write that counts; `wrong` is empty when all is well.

    `transactions` are those of the clients that do more than insert. `left_out` says why the fault could not be made
    here.
    """

    fault: Fault
    outage_s: float = 0.0
    healthy_s: float = 0.0
    moved: bool = False
    acknowledged: int = 0
    transactions: int = 0
    wrong: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: str = ""

    def __str__(self) -> str:
        if self.left_out:
            return f"LEFT OUT  {self.fault.rows:8} {self.fault.name}: {self.left_out}"
        return (
            f"{'WRONG   ' if self.wrong else 'ok      '}  {self.fault.rows:8} {self.fault.name}: {self.measured}"
            + "".join(f"\n          {w}" for w in self.wrong)
        )

    @property
    def measured(self) -> str:
        """What the table of faults says of it."""
        role = "moved" if self.moved else "stayed"
        found = "wrong: " + "; ".join(self.wrong) if self.wrong else "nothing lost"
        return "; ".join(
            (
                f"{self.outage_s:.1f} s without writes (at most {self.fault.bound_s:g})",
                f"the role {role}",
                f"healthy after {self.healthy_s:.1f} s",
                f"{self.acknowledged} commits and {self.transactions} transactions",
                *self.notes,
                found,
            )
        )


def attempt(cluster: ChaosCluster, fault: Fault, seed: int) -> Result:
    """Make the fault, end it, and judge. Raises AssertionError when the cluster does not recover by itself."""
    cluster.wait_healthy(HEALTHY_LIMIT_S)
    before = cluster.record()
    with loaded(cluster, f"trial_{next(_numbers)}") as load:
        time.sleep(0.5)
        scene = Scene(cluster, random.Random(seed))
        began = time.monotonic()
        try:
            undo = fault.inflict(scene)
        except NotNow as reason:
            return Result(fault, left_out=str(reason))
        time.sleep(fault.lasts_s)
        ended = time.monotonic()
        undo()
        load.writes.wait_writes(20)
        cluster.wait_healthy(HEALTHY_LIMIT_S)
        healthy = time.monotonic()
        load.writes.wait_writes(20)
    outage_s = outage_of(load.writes, ended if fault.blocks else began)
    after = cluster.record()
    found = judged(cluster, load)
    wrong = list(found.wrong)
    if outage_s > fault.bound_s:
        wrong.append(f"writes were away for {outage_s:.1f} s, the bound is {fault.bound_s:g} s")
    return Result(
        fault,
        outage_s=outage_s,
        healthy_s=healthy - ended,
        moved=before.holder.name != after.holder.name,
        acknowledged=found.acknowledged,
        transactions=found.transactions,
        notes=tuple(scene.notes),
        wrong=(*wrong, *scene.wrong, *_role_wrong(fault, before, after)),
    )


def outage_of(load: Workload, since: float) -> float:
    """The longest time without an acknowledged write, counted from `since` (monotonic seconds)."""
    length, began = longest_gap(load.history, since)
    return min(length, began + length - since) if began < since else length


def _role_wrong(fault: Fault, before: Record, after: Record) -> list[str]:
    if fault.role is Role.STAYS and (before.holder, before.term) != (after.holder, after.term):
        return [
            f"nobody should have changed role: {before.holder.name} led in term {before.term}, "
            f"now {after.holder.name} in term {after.term}"
        ]
    if fault.role is Role.KEPT and before.holder != after.holder:
        return [f"{before.holder.name} should still lead, not {after.holder.name}"]
    if fault.role is Role.MOVES and before.holder.name == after.holder.name:
        return [f"{before.holder.name} still leads"]
    return []
