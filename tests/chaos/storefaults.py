"""Which faults does the store have, and which do disks and clocks have?"""

import contextlib
import functools
import signal
import time

import psycopg

from tests.chaos.cluster import MEMBERS
from tests.chaos.fault import BLIP_S, BOOT_S, FAST_S, Fault, Role, Scene, Undo, all_of, in_turn, nothing
from tests.chaos.network import NotNow
from tests.realcluster.node import RealNode

STORE_DELAY_MS = 150
STORM_S = 1.2
HOUR_S = 3600
SWITCHES = 4


def kill_member(scene: Scene) -> Undo:
    return _kill_members(scene, (scene.cluster.trio.leader(),))


def kill_quorum(scene: Scene) -> Undo:
    return _kill_members(scene, tuple(scene.chance.sample(MEMBERS, 2)))


def stop_leader(scene: Scene) -> Undo:
    return _stop_members(scene, (scene.cluster.trio.leader(),))


def stop_store(scene: Scene) -> Undo:
    return _stop_members(scene, MEMBERS)


def cut_members_apart(scene: Scene) -> Undo:
    one, two, three = MEMBERS
    return all_of([*scene.cut((one,), (two, three)), *scene.cut((two,), (three,))])


def change_leaders(scene: Scene) -> Undo:
    """Whoever leads the store is stopped for longer than an election of its own takes, four times."""
    for _ in range(4):
        undo = stop_leader(scene)
        time.sleep(STORM_S)
        undo()
        time.sleep(STORM_S / 2)
    return nothing


def delay_store(scene: Scene) -> Undo:
    undos: list[Undo] = []
    with contextlib.suppress(NotNow):
        for member in MEMBERS:
            undos.append(scene.cluster.network.delay(member, STORE_DELAY_MS))
    return all_of(undos)


def lose_quorum_and_primary(scene: Scene) -> Undo:
    return in_turn(lambda: scene.cluster.lose_power(scene.primary), lambda: kill_quorum(scene))


def fill_disk_of_primary(scene: Scene) -> Undo:
    return _fill_disk(scene, scene.primary)


def fill_disk_of_standby(scene: Scene) -> Undo:
    return _fill_disk(scene, scene.standbys[0])


def jump_clock_of_primary(scene: Scene) -> Undo:
    return _jump(scene, scene.primary)


def jump_clock_of_standby(scene: Scene) -> Undo:
    return _jump(scene, scene.standbys[0])


def _kill_members(scene: Scene, members: tuple[str, ...]) -> Undo:
    for member in members:
        scene.cluster.trio.send_member(member, signal.SIGKILL)
    return scene.cluster.revive_store


def _stop_members(scene: Scene, members: tuple[str, ...]) -> Undo:
    send = scene.cluster.trio.send_member
    for member in members:
        send(member, signal.SIGSTOP)
    return all_of([functools.partial(send, member, signal.SIGCONT) for member in members])


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


STORE_FAULTS = (
    Fault("F26", "the store's leader is killed", "another leads the store", kill_member, 8, BLIP_S, Role.STAYS),
    Fault("F26", "the store's leader is stopped", "another leads the store", stop_leader, 8, BLIP_S, Role.STAYS),
    Fault("F25", "the store's leader changes again and again", "nobody notices", change_leaders, 1, BLIP_S, Role.STAYS),
    Fault(
        "F25",
        f"the store's packets are {STORE_DELAY_MS} ms late",
        "nobody notices",
        delay_store,
        12,
        BLIP_S,
        Role.STAYS,
    ),
    Fault("F23", "the store loses its quorum", "writes go on", kill_quorum, 15, BLIP_S, Role.STAYS),
    Fault("F23", "every store member is stopped", "writes go on", stop_store, 15, BLIP_S, Role.STAYS),
    Fault("F23", "the store's members are cut apart", "writes go on", cut_members_apart, 15, BLIP_S, Role.STAYS),
    Fault(
        "F24",
        "the primary loses power while the store has no quorum",
        "nobody leads before the store is back",
        lose_quorum_and_primary,
        10,
        BOOT_S,
        blocks=True,
    ),
)
DISK_AND_CLOCK_FAULTS = (
    Fault("F30, F32", "the primary's disk is full", "another leads", fill_disk_of_primary, 12, BOOT_S, blocks=True),
    Fault("F31", "a standby's disk is full", "the other voter flushes", fill_disk_of_standby, 12, FAST_S, Role.STAYS),
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
