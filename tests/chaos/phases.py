"""What if somebody dies at just this phase of a switchover, of a rewind, or of a clone?"""

import functools
from dataclasses import dataclass

from howdah.ports.store import StoreUnavailable
from tests.chaos.fault import FAST_S, LEASE_S, Fault, Role, Scene, Undo, answering, awaited
from tests.chaos.network import NotNow
from tests.chaos.processfaults import kill_agent_of
from tests.features.operator import ask
from tests.realcluster.cluster import freeze
from tests.realcluster.node import RealNode
from tests.realcluster.processes import command_line

CHECKPOINT, DOWN, HANDED, WON = "checkpoints", "is down", "has handed over", "is replaced"
COPYING, COPIED, FOLLOWING = "copies", "has copied", "starts on the copy"
TRYING, REWINDING, REWOUND = "is tried", "runs", "is over"
ROWS = 20_000
RETURN_LIMIT_S = 40.0


@dataclass(frozen=True, slots=True)
class Switch:
    """A switchover under way; `begun` counts the earlier ones in the primary's journal."""

    scene: Scene
    primary: RealNode
    target: RealNode
    begun: int

    def reached(self, phase: str) -> bool:
        """Whether the old primary is as far as this, or further."""
        if phase == CHECKPOINT:
            return len(self.primary.journal("SWITCHOVER")) > self.begun
        if phase == DOWN:
            return not self.primary.postmaster
        try:
            record = self.scene.cluster.record()
        except StoreUnavailable:
            return False
        if phase == HANDED:
            return record.released or record.holder.name != self.primary.name
        return record.holder.name != self.primary.name


def switch_and_lose(scene: Scene, phase: str, whose: str, what: str) -> Undo:
    """`whose` is the primary or the target, `what` its node or its agent."""
    switch = Switch(scene, scene.primary, scene.standbys[0], len(scene.primary.journal("SWITCHOVER")))
    with answering():
        answer = ask(switch.primary, "switchover", {"to": switch.target.name})
    if not answer.done:
        raise NotNow(answer.text)
    awaited(lambda: switch.reached(phase), f"the primary {phase}")
    victim = switch.primary if whose == "primary" else switch.target
    return scene.cluster.lose_power(victim) if what == "node" else kill_agent_of(victim)


def rewind_and_die(scene: Scene, phase: str) -> Undo:
    """A former primary with log of its own comes back, and is killed again while it is rewound."""
    old = _diverge(scene)
    done = len(old.journal("Rewind"))

    def reached() -> bool:
        if phase == REWOUND:
            return len(old.journal("Rewind")) > done
        running = [line for pid in old.processes if "pg_rewind" in (line := command_line(pid))]
        return any(("--dry-run" in line) is (phase == TRYING) for line in running)

    awaited(reached, f"the rewind {phase}", RETURN_LIMIT_S)
    return scene.cluster.lose_power(old)


def _diverge(scene: Scene) -> RealNode:
    """The primary writes log that no standby has, loses power, is replaced, and boots."""
    old, table = scene.primary, f"tail_{scene.chance.getrandbits(32)}"
    freeze(tuple(pid for pid in old.server if "walsender" in command_line(pid)))
    session = old.connect()
    try:
        session.pgconn.send_query(f"CREATE TABLE {table} AS SELECT generate_series(1, {ROWS})".encode())
        waits = f"SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = {session.info.backend_pid}"
        awaited(lambda: old.value(waits), "its commit waits for standbys")
        boot = scene.cluster.lose_power(old)
    finally:
        session.pgconn.finish()
    scene.cluster.wait_serving(other_than=old.name)
    boot()
    return old


def clone_and_die(scene: Scene, phase: str) -> Undo:
    """A standby that is cloned anew is killed."""
    node = scene.standbys[0]
    _reinit(node)
    awaited(lambda: _cloned_to(node, phase), f"the standby {phase}")
    return scene.cluster.lose_power(node)


def clone_and_lose_the_source(scene: Scene) -> Undo:
    """The copying process is held, so that the copy is not complete before the source is gone."""
    primary, node = scene.primary, scene.standbys[0]
    _reinit(node)
    awaited(lambda: _cloned_to(node, COPYING), "the standby copies")
    go_on = scene.stop(tuple(pid for pid in node.processes if "pg_basebackup" in command_line(pid)))
    try:
        return scene.cluster.lose_power(primary)
    finally:
        go_on()


def clone_and_lose_the_primary_after_it(scene: Scene) -> Undo:
    """The clone is in place, and it may be that it has not reached its floor."""
    primary, node = scene.primary, scene.standbys[0]
    _reinit(node)
    awaited(lambda: _cloned_to(node, COPIED), "the standby has copied")
    return scene.cluster.lose_power(primary)


def _reinit(node: RealNode) -> None:
    with answering():
        answer = ask(node, "reinit")
    if not answer.done:
        raise NotNow(answer.text)


def _cloned_to(node: RealNode, phase: str) -> bool:
    if phase == COPYING:
        return any("pg_basebackup" in command_line(pid) for pid in node.processes)
    return node.layout.old.exists() and (phase == COPIED or bool(node.postmaster))


PHASE_FAULTS = (
    *(
        Fault(
            "F61" if whose == "target" else "F62",
            f"the {whose}'s {what} is killed when the primary {phase} in a switchover",
            "one of the two leads, or the third",
            functools.partial(switch_and_lose, phase=phase, whose=whose, what=what),
            6,
            LEASE_S,
            alone=True,
        )
        for whose in ("primary", "target")
        for what in ("node", "agent")
        for phase in (CHECKPOINT, DOWN, HANDED, WON)
    ),
    *(
        Fault(
            "F51",
            f"a node is killed when its rewind {phase}",
            "it is rewound again, or cloned; it never serves half a rewind",
            functools.partial(rewind_and_die, phase=phase),
            3,
            LEASE_S + FAST_S,
            Role.MOVES,
            alone=True,
        )
        for phase in (TRYING, REWINDING, REWOUND)
    ),
    *(
        Fault(
            "F51",
            f"a standby that is cloned anew is killed when it {phase}",
            "it is cloned again or goes on; the other voter flushes",
            functools.partial(clone_and_die, phase=phase),
            3,
            FAST_S,
            Role.STAYS,
            alone=True,
        )
        for phase in (COPYING, COPIED, FOLLOWING)
    ),
    Fault(
        "F45",
        "the primary loses power while a standby is cloned from it",
        "the other standby leads; the clone is made from that one",
        clone_and_lose_the_source,
        12,
        LEASE_S,
        Role.MOVES,
        alone=True,
    ),
    Fault(
        "F45",
        "the primary loses power when a standby has just been cloned from it",
        "below its floor the clone has no vote, and nobody leads until the primary is back",
        clone_and_lose_the_primary_after_it,
        12,
        LEASE_S,
        blocks=True,
        alone=True,
    ),
)
