"""Which faults do disks and clocks have?"""

import contextlib

import psycopg

from tests.chaos.fault import BLIP_S, BOOT_S, FAST_S, LEASE_S, Fault, Role, Scene, Undo
from tests.chaos.flushes import Flushing
from tests.chaos.network import NotNow
from tests.realcluster.node import RealNode

HOUR_S = 3600
SWITCHES = 4
STILL_S = 5.0
SLOW_MS = 1000


def fill_disk_of_primary(scene: Scene) -> Undo:
    return _fill_disk(scene, scene.primary)


def fill_disk_of_standby(scene: Scene) -> Undo:
    return _fill_disk(scene, scene.standbys[0])


def fail_disk_of_primary(scene: Scene) -> Undo:
    return scene.cluster.spoil(scene.primary, Flushing(fails=True))


def fail_disk_of_standby(scene: Scene) -> Undo:
    return scene.cluster.spoil(scene.standbys[0], Flushing(fails=True))


def slow_disk_of_standby(scene: Scene) -> Undo:
    return scene.cluster.spoil(scene.standbys[0], Flushing(delay_ms=SLOW_MS))


def slow_disk_of_primary(scene: Scene) -> Undo:
    return scene.cluster.spoil(scene.primary, Flushing(delay_ms=SLOW_MS))


def stall_disk_of_primary(scene: Scene) -> Undo:
    return scene.cluster.spoil(scene.primary, Flushing(stalls=True))


def jump_clock_of_primary(scene: Scene) -> Undo:
    return _jump(scene, scene.primary)


def jump_clock_of_standby(scene: Scene) -> Undo:
    return _jump(scene, scene.standbys[0])


def _fill_disk(scene: Scene, node: RealNode) -> Undo:
    """Full, and new segments of WAL wanted."""
    undo = scene.cluster.fill_disk(node)
    for _ in range(SWITCHES):
        with contextlib.suppress(psycopg.Error):
            scene.primary.sql("SELECT pg_switch_wal()", inside=True, options="-c statement_timeout=1000")
    return undo


def _jump(scene: Scene, node: RealNode) -> Undo:
    if not scene.cluster.clocks_jump:
        raise NotNow("there is no C compiler cc, which builds what makes a clock jump (Debian's package gcc)")
    return scene.cluster.jump(node, scene.chance.choice((-HOUR_S, HOUR_S)))


DISK_FAULTS = (
    Fault("F30, F32", "the primary's disk is full", "another leads", fill_disk_of_primary, 12, BOOT_S, blocks=True),
    Fault("F31", "a standby's disk is full", "the other voter flushes", fill_disk_of_standby, 12, FAST_S, Role.STAYS),
    Fault("F33", "the primary's flushes fail", "another leads", fail_disk_of_primary, 12, LEASE_S, Role.MOVES),
    Fault("F33", "a standby's flushes fail", "the other voter flushes", fail_disk_of_standby, 12, FAST_S, Role.KEPT),
    Fault(
        "F34",
        f"a standby's flushes take {SLOW_MS / 1000:g} s",
        "the other voter flushes",
        slow_disk_of_standby,
        12,
        BLIP_S,
        Role.STAYS,
    ),
    Fault(
        "F44",
        f"the primary's flushes take {SLOW_MS / 1000:g} s",
        "commits are slow, and nobody is elected",
        slow_disk_of_primary,
        12,
        BLIP_S,
        Role.STAYS,
    ),
    Fault(
        "F44",
        f"the primary's disk stands still for {STILL_S:g} s",
        "commits wait, and nobody is elected",
        stall_disk_of_primary,
        STILL_S,
        BLIP_S,
        Role.STAYS,
        blocks=True,
    ),
    Fault(
        "F42",
        "the primary's wall clock jumps by an hour",
        "nobody notices",
        jump_clock_of_primary,
        6,
        BLIP_S,
        Role.STAYS,
    ),
    Fault(
        "F42", "a standby's wall clock jumps by an hour", "nobody notices", jump_clock_of_standby, 6, BLIP_S, Role.STAYS
    ),
)
