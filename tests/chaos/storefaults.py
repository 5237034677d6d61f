"""Which faults does the store have?"""

import contextlib
import functools
import signal
import time

from tests.chaos.cluster import MEMBERS
from tests.chaos.fault import BLIP_S, BOOT_S, Fault, Role, Scene, Undo, again_and_again, all_of, in_turn, nothing
from tests.chaos.network import NotNow

STORE_DELAY_MS = 150
STORM_S = 1.2
SILENT_S, AWAKE_S = 1.3, 0.5
"""Longer than an agent waits for an answer; and long enough for an election in the store and one renewal or so."""


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


def answer_now_and_then(scene: Scene) -> Undo:
    """Every member stands still most of the time, all at once."""

    def stand_still() -> None:
        undo = _stop_members(scene, MEMBERS)
        time.sleep(SILENT_S)
        undo()

    return again_and_again(stand_still, AWAKE_S)


def lose_quorum_and_primary(scene: Scene) -> Undo:
    return in_turn(lambda: scene.cluster.lose_power(scene.primary), lambda: kill_quorum(scene))


def _kill_members(scene: Scene, members: tuple[str, ...]) -> Undo:
    for member in members:
        scene.cluster.trio.send_member(member, signal.SIGKILL)
    return scene.cluster.revive_store


def _stop_members(scene: Scene, members: tuple[str, ...]) -> Undo:
    send = scene.cluster.trio.send_member
    for member in members:
        send(member, signal.SIGSTOP)
    return all_of([functools.partial(send, member, signal.SIGCONT) for member in members])


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
    Fault(
        "F25",
        f"the store answers for {AWAKE_S:g} of every {SILENT_S + AWAKE_S:g} s",
        "writes go on, by the voters' word too",
        answer_now_and_then,
        15,
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
