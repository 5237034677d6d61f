"""Which faults do processes and whole nodes have?"""

import functools
import os
import signal
import time
from itertools import permutations

from tests.chaos.cluster import NODES
from tests.chaos.fault import BLIP_S, BOOT_S, FAST_S, LEASE_S, Fault, Role, Scene, Undo, in_turn, nothing
from tests.chaos.network import NotNow
from tests.realcluster.node import RealNode
from tests.realcluster.processes import command_line
from tests.signals import send

STAGGER_S = 3.0
PLACES = ("the primary", "a standby", "the other")
REPLAY_HELD_S = 5.0


def titled(node: RealNode, title: str) -> tuple[int, ...]:
    """The node's server processes with this in their title, of those that there are now."""
    found = tuple(pid for pid in node.server if title in command_line(pid))
    if not found:
        raise NotNow(f"{node.name} has no process {title!r}")
    return found


def kill_postmaster(scene: Scene) -> Undo:
    send((scene.primary.postmaster or _absent("postmaster"),), signal.SIGKILL)
    return nothing


def kill_backend(scene: Scene) -> Undo:
    send(titled(scene.primary, "postgres postgres")[:1], signal.SIGKILL)
    return nothing


def stop_postmaster(scene: Scene) -> Undo:
    return scene.stop((scene.primary.postmaster,))


def stop_one_receiver(scene: Scene) -> Undo:
    return scene.stop(titled(scene.standbys[0], "walreceiver"))


def stop_one_sender(scene: Scene) -> Undo:
    return scene.stop(titled(scene.primary, "walsender")[:1])


def stop_senders(scene: Scene) -> Undo:
    return scene.stop(titled(scene.primary, "walsender"))


def stop_checkpointer_and_lose_a_standby(scene: Scene) -> Undo:
    return in_turn(
        lambda: scene.stop(titled(scene.primary, "checkpointer")),
        lambda: lose_standby(scene),
    )


def stop_startup_and_lose_the_primary(scene: Scene) -> Undo:
    return in_turn(
        lambda: scene.stop(titled(scene.standbys[0], "startup")),
        lambda: lose_primary(scene),
    )


def kill_agent(scene: Scene) -> Undo:
    return kill_agent_of(scene.primary)


def kill_agent_of_standby(scene: Scene) -> Undo:
    return kill_agent_of(scene.standbys[0])


def stop_agent(scene: Scene) -> Undo:
    return scene.stop((scene.primary.agent,))


def stop_agent_and_deadman(scene: Scene) -> Undo:
    return scene.stop((scene.primary.agent, scene.primary.deadman))


def freeze_primary(scene: Scene) -> Undo:
    return _freeze(scene.primary)


def freeze_standby(scene: Scene) -> Undo:
    return _freeze(scene.standbys[0])


def lose_primary(scene: Scene) -> Undo:
    return scene.cluster.lose_power(scene.primary)


def lose_standby(scene: Scene) -> Undo:
    return scene.cluster.lose_power(scene.standbys[0])


def lose_standbys(scene: Scene) -> Undo:
    return in_turn(*(functools.partial(scene.cluster.lose_power, node) for node in scene.standbys))


def lose_everything(scene: Scene) -> Undo:
    """The nodes come back in an order drawn at random; the store first."""
    order = list(NODES)
    scene.chance.shuffle(order)
    return _cut_power(scene, order, 0)


def lose_everything_and_return(scene: Scene, order: tuple[int, ...]) -> Undo:
    """Each comes back some seconds after the one before: 0 is the primary, 1 and 2 are standbys, by name."""
    primary = scene.primary
    roles = [primary.name, *sorted(name for name in NODES if name != primary.name)]
    return _cut_power(scene, [roles[place] for place in order], STAGGER_S)


def _cut_power(scene: Scene, order: list[str], stagger_s: float) -> Undo:
    cluster = scene.cluster
    for node in cluster.nodes.values():
        if not node.agent:
            raise NotNow(f"{node.name} is off already")
    for node in cluster.nodes.values():
        node.freeze()  # so that nobody sees another one die first
    boots = [cluster.lose_power(cluster[name]) for name in order]
    cluster.trio.send(signal.SIGKILL)

    def return_in_turn() -> None:
        cluster.revive_store()
        for number, boot in enumerate(boots):
            time.sleep(stagger_s if number else 0)
            boot()

    return return_in_turn


def lose_three_primaries(scene: Scene) -> Undo:
    """One after the other, each as soon as the one before is replaced; each comes back at once."""
    for _ in range(3):
        primary = scene.primary
        boot = scene.cluster.lose_power(primary)
        scene.cluster.wait_serving(other_than=primary.name)
        boot()
        scene.cluster.wait_healthy()
    return nothing


def kill_deadman(scene: Scene) -> Undo:
    send((scene.primary.deadman or _absent("dead-man"),), signal.SIGKILL)
    return nothing


def hold_replay_and_lose_the_primary(scene: Scene) -> Undo:
    """Both standbys receive for some seconds without replaying: the winner has to replay all of it first."""
    for node in scene.standbys:
        node.sql("SELECT pg_wal_replay_pause()")
    time.sleep(REPLAY_HELD_S)
    return lose_primary(scene)


def _freeze(node: RealNode) -> Undo:
    if not node.freeze():
        raise NotNow(f"{node.name} is off")
    return node.thaw


def kill_agent_of(node: RealNode) -> Undo:
    """The agent alone; undone, it is started again."""
    os.kill(node.agent or _absent("agent"), signal.SIGKILL)
    node.started[-1].wait()

    def start() -> None:
        if not node.agent:
            node.start()

    return start


def _absent(what: str) -> int:
    raise NotNow(f"there is no {what}")


PROCESS_FAULTS = (
    Fault("F1", "the primary's postmaster is killed", "restarted, or another leads", kill_postmaster, 1, FAST_S),
    Fault("F75", "a backend of the primary is killed", "restarted behind a barrier", kill_backend, 1, FAST_S),
    Fault("F3", "the primary's postmaster is stopped", "noticed and killed", stop_postmaster, 12, LEASE_S),
    Fault("F6", "one walreceiver is stopped", "the other voter flushes", stop_one_receiver, 8, BLIP_S, Role.STAYS),
    Fault("F6", "one walsender is stopped", "the other voter flushes", stop_one_sender, 8, BLIP_S, Role.STAYS),
    Fault("F6", "every walsender is stopped", "writes wait", stop_senders, 6, FAST_S, blocks=True),
    Fault(
        "F7",
        "the checkpointer is stopped while a standby is lost",
        "the setting's change is not taken for live",
        stop_checkpointer_and_lose_a_standby,
        8,
        FAST_S,
    ),
    Fault(
        "F5",
        "a standby's startup process is stopped while the primary is lost",
        "no vote before the proof; its server is killed past the limit",
        stop_startup_and_lose_the_primary,
        15,
        LEASE_S + FAST_S,
        Role.MOVES,
    ),
    Fault("F8", "the primary's agent is killed and started again", "it adopts the server", kill_agent, 1, FAST_S),
    Fault("F8", "a standby's agent is killed", "nobody notices", kill_agent_of_standby, 6, BLIP_S, Role.STAYS),
    Fault("F9", "the primary's agent is killed for long", "the dead-man kills", kill_agent, 12, LEASE_S, Role.MOVES),
    Fault("F10", "the primary's agent is stopped", "another leads", stop_agent, 12, LEASE_S, Role.MOVES),
    Fault(
        "F12",
        "the primary's agent and dead-man are stopped",
        "revoked",
        stop_agent_and_deadman,
        12,
        LEASE_S,
        Role.MOVES,
    ),
    Fault("F11", "the primary's whole node is frozen", "another leads", freeze_primary, 12, LEASE_S, Role.MOVES),
    Fault("F11", "a standby's whole node is frozen", "it leaves the voters", freeze_standby, 12, BLIP_S, Role.STAYS),
    Fault("F13, F15", "the primary loses power", "another leads", lose_primary, 12, LEASE_S, Role.MOVES),
    Fault("F13, F14", "a standby loses power", "it leaves the voters", lose_standby, 10, BLIP_S, Role.STAYS),
    Fault("F13, F14", "both standbys lose power", "writes wait for one", lose_standbys, 8, BOOT_S, blocks=True),
    Fault("F40", "everything loses power", "enough voters decide", lose_everything, 2, 2 * BOOT_S, blocks=True),
    *(
        Fault(
            "F14, F15, F40",
            f"everything loses power; back come {', '.join(PLACES[place] for place in order)}",
            "enough voters decide",
            functools.partial(lose_everything_and_return, order=order),
            2,
            2 * BOOT_S,
            blocks=True,
            alone=True,
        )
        for order in permutations(range(3))
    ),
    Fault("F49", "three primaries are lost in a row", "each is replaced", lose_three_primaries, 1, LEASE_S, alone=True),
    Fault("F76", "the primary's dead-man is killed", "a new one is started", kill_deadman, 3, BLIP_S, Role.STAYS),
    Fault(
        "F35",
        f"the primary loses power when replay was held for {REPLAY_HELD_S:g} s",
        "the winner replays all that it received",
        hold_replay_and_lose_the_primary,
        12,
        LEASE_S,
        Role.MOVES,
        alone=True,
    ),
)
