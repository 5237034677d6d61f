"""Which orders of an operator are disturbed, or disturb?"""

from tests.chaos.fault import BLIP_S, FAST_S, LEASE_S, Fault, Role, Scene, Undo, all_of, nothing
from tests.chaos.network import NotNow
from tests.features.operator import ask
from tests.realcluster.node import RealNode

STOP_LIMIT_S = 40.0


def switch_over(scene: Scene) -> Undo:
    _hand_over(scene, scene.standbys[0])
    return nothing


def switch_over_to_one_that_dies(scene: Scene) -> Undo:
    target = scene.standbys[0]
    _hand_over(scene, target)
    return scene.cluster.lose_power(target)


def switch_over_and_die(scene: Scene) -> Undo:
    primary, target = scene.primary, scene.standbys[0]
    _hand_over(scene, target)
    return scene.cluster.lose_power(primary)


def switch_over_while_cut(scene: Scene) -> Undo:
    primary, target = scene.primary, scene.standbys[0]
    _hand_over(scene, target)
    return all_of(scene.cut((primary.name,), (target.name,)))


def restart_one_by_one(scene: Scene) -> Undo:
    """Every node is stopped and started, the standbys first."""
    for node in (*scene.standbys, scene.primary):
        if not node.agent:
            raise NotNow(f"{node.name} is off")
        node.stop(STOP_LIMIT_S)
        node.start()
        scene.cluster.wait_healthy()
    return nothing


def _hand_over(scene: Scene, target: RealNode) -> None:
    answer = ask(scene.primary, "switchover", {"to": target.name})
    if not answer.done:
        raise NotNow(answer.text)


ORDER_FAULTS = (
    Fault("F60", "a switchover", "the target leads", switch_over, 5, BLIP_S, Role.MOVES),
    Fault(
        "F61",
        "a switchover whose target loses power",
        "the old primary goes on",
        switch_over_to_one_that_dies,
        8,
        LEASE_S,
    ),
    Fault(
        "F62", "a switchover whose primary loses power", "somebody leads", switch_over_and_die, 10, LEASE_S, Role.MOVES
    ),
    Fault("F61", "a switchover whose two sides are cut", "somebody leads", switch_over_while_cut, 10, LEASE_S),
    Fault("F73", "every node is restarted in turn", "short pauses", restart_one_by_one, 1, FAST_S),
)
