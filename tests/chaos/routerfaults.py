"""Which faults does a router have, and what do its own clients notice?"""

import functools
import itertools
from collections.abc import Callable

from tests.chaos.clientfaults import MANY, STORM_S, knock_at
from tests.chaos.cluster import CLIENTS, MEMBERS, ROUTERS
from tests.chaos.fault import BLIP_S, FAST_S, LEASE_S, Fault, Role, Scene, Undo, all_of, write_first
from tests.chaos.load import PAUSE_S
from tests.chaos.orders import hand_over
from tests.chaos.routers import PORT
from tests.realcluster.checker import Outcome, longest_gap
from tests.realcluster.workload import ROUTER_LIMIT_S, Workload, verdict

OF_ONE_ROUTER = 3
NOTICED_S = 5.0
"""Its clients may be without it for so long when it goes on, or once it can again."""
HELD_S = 20.0
"""It holds them for so long while it knows no primary."""

_numbers = itertools.count(1)


class OwnClients:
    """Clients of some routers alone; `end` judges what they saw."""

    def __init__(self, scene: Scene, *routers: str) -> None:
        self._scene = scene
        cluster = scene.cluster
        table = f"routed_{next(_numbers)}_{scene.chance.getrandbits(32)}"
        write_first(scene.primary.connect, f"CREATE TABLE {table} (value text)")
        ways = [cluster.routers.conninfo(*routers)] * OF_ONE_ROUTER
        enter = functools.partial(cluster.network.enter, CLIENTS)
        self._writes = Workload(ways, table, PAUSE_S, enter, (ROUTER_LIMIT_S,))
        self._writes.start()
        try:
            self._writes.wait_writes(20)
        except BaseException:
            self._writes.stop()
            raise

    def end(self, most_s: float, heal: Callable[[], object]) -> None:
        """After `heal` they write again; they were not without an answer for longer than `most_s`."""
        try:
            heal()
            self._writes.wait_writes(20)
        finally:
            self._writes.stop()
        found = verdict(self._scene.cluster, self._writes, standbys=False)
        away_s = longest_gap(tuple(self._writes.history), 0.0)[0]
        failed = sum(1 for write in self._writes.history if write.outcome is not Outcome.OK)
        self._scene.notes.append(f"its own clients: {away_s:.1f} s without writes, {failed} errors")
        if not found.sound:
            self._scene.wrong.append(f"its own clients: {found}")
        if away_s > most_s:
            self._scene.wrong.append(f"its own clients were without writes for {away_s:.1f} s, at most {most_s:g} s")


def kill_one(scene: Scene) -> Undo:
    scene.cluster.routers.kill(scene.chance.choice(ROUTERS))
    return scene.cluster.routers.revive


def cut_one_from_store(scene: Scene) -> Undo:
    return all_of(scene.cut((scene.chance.choice(ROUTERS),), MEMBERS))


def kill_router(scene: Scene) -> Undo:
    """Its clients find the other one."""
    clients = OwnClients(scene, *ROUTERS)
    scene.cluster.routers.kill(scene.chance.choice(ROUTERS))
    return functools.partial(clients.end, BLIP_S, scene.cluster.routers.revive)


def kill_routers(scene: Scene) -> Undo:
    """Both, and they are started again at once."""
    clients = OwnClients(scene, *ROUTERS)
    for name in ROUTERS:
        scene.cluster.routers.kill(name)
    scene.cluster.routers.revive()
    return functools.partial(clients.end, FAST_S, scene.cluster.routers.revive)


def cut_router_from_store(scene: Scene) -> Undo:
    router = scene.chance.choice(ROUTERS)
    clients = OwnClients(scene, router)
    return functools.partial(clients.end, NOTICED_S, all_of(scene.cut((router,), MEMBERS)))


def cut_router_from_new_primary(scene: Scene) -> Undo:
    """It reaches the store and everybody else, the old primary too."""
    router, target = scene.chance.choice(ROUTERS), scene.standbys[0]
    clients = OwnClients(scene, router)
    heal = all_of(scene.cut((router,), (target.name,)))
    hand_over(scene, target)
    return functools.partial(clients.end, HELD_S, heal)


def leave_router_with_old_primary(scene: Scene) -> Undo:
    """The two reach each other and clients, and nobody else reaches either."""
    router, primary = scene.chance.choice(ROUTERS), scene.primary.name
    others = tuple(node.name for node in scene.standbys)
    clients = OwnClients(scene, router)
    heal = all_of(scene.cut((router, primary), (*others, *MEMBERS)))
    return functools.partial(clients.end, HELD_S, heal)


def knock_at_router(scene: Scene) -> Undo:
    """Its own clients go on meanwhile."""
    router = scene.chance.choice(ROUTERS)
    clients = OwnClients(scene, router)
    return functools.partial(clients.end, NOTICED_S, knock_at(scene, scene.cluster.network.address(router), PORT))


ROUTER_FAULTS = (
    Fault("F64", "one router is killed for a while", "the other goes on", kill_one, 5, BLIP_S, Role.STAYS),
    Fault("F65", "one router is cut from the store", "it goes on", cut_one_from_store, 12, BLIP_S, Role.STAYS),
    Fault(
        "F64",
        "a router with clients is killed",
        "they find the other one",
        kill_router,
        8,
        BLIP_S,
        Role.STAYS,
        alone=True,
    ),
    Fault(
        "F64",
        "every router is killed and started again",
        "their clients come back",
        kill_routers,
        5,
        BLIP_S,
        Role.STAYS,
        alone=True,
    ),
    Fault(
        "F65",
        "a router with clients is cut from the store",
        "it goes on while the primary's gate answers",
        cut_router_from_store,
        15,
        BLIP_S,
        Role.STAYS,
        alone=True,
    ),
    Fault(
        "F66",
        "a router is cut from the new primary",
        "it holds its clients and does not go to the old one",
        cut_router_from_new_primary,
        12,
        BLIP_S,
        Role.MOVES,
        alone=True,
    ),
    Fault(
        "F67",
        "a router and the primary reach each other and nobody else",
        "the primary's gate closes, and the router's clients wait",
        leave_router_with_old_primary,
        12,
        LEASE_S,
        Role.MOVES,
        alone=True,
    ),
    Fault(
        "F68",
        f"{MANY} clients connect to a router at once, again and again",
        "its own clients go on, nobody is elected",
        knock_at_router,
        STORM_S,
        BLIP_S,
        Role.STAYS,
        alone=True,
    ),
)
