"""Which faults does the network have?"""

from tests.chaos.cluster import MEMBERS, NODES
from tests.chaos.fault import BLIP_S, BOOT_S, FAST_S, LEASE_S, Fault, Role, Scene, Undo, all_of
from tests.chaos.network import NotNow

DELAY_MS = 60
LOSS_PERCENT = 15


def cut_primary_from_store(scene: Scene) -> Undo:
    return all_of(scene.cut((scene.primary.name,), MEMBERS))


def cut_primary_from_standbys(scene: Scene) -> Undo:
    return all_of(scene.cut((scene.primary.name,), _names(scene)))


def cut_primary_from_one_standby(scene: Scene) -> Undo:
    return all_of(scene.cut((scene.primary.name,), _names(scene)[:1]))


def isolate_primary_but_for_clients(scene: Scene) -> Undo:
    return all_of(scene.cut((scene.primary.name,), (*_names(scene), *MEMBERS)))


def isolate_primary(scene: Scene) -> Undo:
    return scene.cluster.network.unplug(scene.primary.name)


def isolate_standby(scene: Scene) -> Undo:
    return scene.cluster.network.unplug(_names(scene)[0])


def cut_standby_from_store(scene: Scene) -> Undo:
    return all_of(scene.cut(_names(scene)[:1], MEMBERS))


def cut_standbys_from_each_other(scene: Scene) -> Undo:
    one, other = _names(scene)
    return all_of(scene.cut((one,), (other,)))


def lose_answers_of_store(scene: Scene) -> Undo:
    return _one_way(scene, MEMBERS, (scene.primary.name,))


def lose_requests_to_store(scene: Scene) -> Undo:
    return _one_way(scene, (scene.primary.name,), MEMBERS)


def lose_flushes_of_one(scene: Scene) -> Undo:
    return _one_way(scene, _names(scene)[:1], (scene.primary.name,))


def lose_flushes(scene: Scene) -> Undo:
    return _one_way(scene, _names(scene), (scene.primary.name,))


def lose_stream(scene: Scene) -> Undo:
    return _one_way(scene, (scene.primary.name,), _names(scene))


def break_ring(scene: Scene) -> Undo:
    """Each node hears one neighbour only, in a circle."""
    ring = list(NODES)
    scene.chance.shuffle(ring)
    block = scene.cluster.network.block
    return all_of([block(ring[n], ring[(n + 1) % len(ring)]) for n in range(len(ring))])


def part_in_two(scene: Scene) -> Undo:
    """The primary with one member of the store; everybody else with the others. Clients see both sides."""
    member = scene.chance.choice(MEMBERS)
    rest = (*_names(scene), *(each for each in MEMBERS if each != member))
    return all_of(scene.cut((scene.primary.name, member), rest))


def delay_primary(scene: Scene) -> Undo:
    return scene.cluster.network.delay(scene.primary.name, DELAY_MS)


def delay_nodes(scene: Scene) -> Undo:
    undos: list[Undo] = []
    for name in NODES:
        try:
            undos.append(scene.cluster.network.delay(name, DELAY_MS))
        except NotNow:
            continue
    return all_of(undos)


def lose_packets_of_primary(scene: Scene) -> Undo:
    return scene.cluster.network.lose(scene.primary.name, LOSS_PERCENT)


def lose_packets(scene: Scene) -> Undo:
    return all_of([scene.cluster.network.lose(name, LOSS_PERCENT) for name in NODES])


def _names(scene: Scene) -> tuple[str, ...]:
    return tuple(node.name for node in scene.standbys)


def _one_way(scene: Scene, sources: tuple[str, ...], targets: tuple[str, ...]) -> Undo:
    block = scene.cluster.network.block
    return all_of([block(source, target) for source in sources for target in targets])


NETWORK_FAULTS = (
    Fault(
        "F16",
        "the primary is cut from the store",
        "it goes on by its voters' word",
        cut_primary_from_store,
        12,
        LEASE_S,
    ),
    Fault(
        "F17",
        "the primary is cut from the standbys",
        "writes wait, or the role is handed over",
        cut_primary_from_standbys,
        12,
        LEASE_S,
        blocks=True,
    ),
    Fault(
        "F17",
        "the primary is cut from one standby",
        "the other voter flushes",
        cut_primary_from_one_standby,
        12,
        BLIP_S,
        Role.STAYS,
    ),
    Fault(
        "F18",
        "the primary is cut from all but its clients",
        "its commits are not acknowledged; others elect",
        isolate_primary_but_for_clients,
        15,
        LEASE_S,
        Role.MOVES,
    ),
    Fault("F18", "the primary is cut from everybody", "others elect", isolate_primary, 15, LEASE_S, Role.MOVES),
    Fault("F18", "a standby is cut from everybody", "it leaves the voters", isolate_standby, 12, BLIP_S, Role.STAYS),
    Fault("F19", "a standby is cut from the store", "it still flushes", cut_standby_from_store, 12, BLIP_S, Role.STAYS),
    Fault(
        "F22",
        "the standbys are cut from each other",
        "nobody notices",
        cut_standbys_from_each_other,
        12,
        BLIP_S,
        Role.STAYS,
    ),
    Fault("F20", "the store's answers to the primary are lost", "unknown outcomes", lose_answers_of_store, 12, LEASE_S),
    Fault("F20", "the primary's requests to the store are lost", "as if cut", lose_requests_to_store, 12, LEASE_S),
    Fault(
        "F21",
        "one standby's packets to the primary are lost",
        "the other flushes",
        lose_flushes_of_one,
        12,
        BLIP_S,
        Role.STAYS,
    ),
    Fault(
        "F21", "the standbys' packets to the primary are lost", "writes wait", lose_flushes, 12, LEASE_S, blocks=True
    ),
    Fault(
        "F21", "the primary's packets to the standbys are lost", "writes wait", lose_stream, 12, LEASE_S, blocks=True
    ),
    Fault("F22", "each node hears one other, in a ring", "at most one leads", break_ring, 12, LEASE_S, blocks=True),
    Fault("F22", "the primary and one store member are cut off", "others elect", part_in_two, 15, LEASE_S, Role.MOVES),
    Fault("F25", f"the primary's packets are {DELAY_MS} ms late", "slower", delay_primary, 8, FAST_S, Role.STAYS),
    Fault("F25", f"every node's packets are {DELAY_MS} ms late", "slower", delay_nodes, 8, FAST_S, Role.STAYS),
    Fault(
        "F18", f"{LOSS_PERCENT} % of packets to the primary are lost", "slower", lose_packets_of_primary, 12, LEASE_S
    ),
    Fault("F18", f"{LOSS_PERCENT} % of packets to every node are lost", "slower", lose_packets, 12, BOOT_S),
)
