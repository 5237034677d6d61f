"""What goes wrong with a machine's disk or clock, and with the store's documents?

Disks and documents break the assumption that what was flushed is kept; so only so much of them is lost in a world as
the protocol answers for.
"""

from functools import partial

from howdah.agent.operations import DOOR_LIMIT_MS
from howdah.simulation.node import Node
from howdah.simulation.staging import later
from howdah.simulation.world import World

SUSPEND_STEP_MS = 20.0


def swap_disk(world: World, node: Node, lasts_ms: float) -> str:
    """A new disk under the old name (IDENTITY). One for each time that the cluster was whole."""
    if world.unwell():
        return "its disk stays: the cluster is not whole"
    node.kill(lasts_ms)
    node.swap_disk()
    world.checker.disk_lost(node)
    return f"it is killed, and returns with an empty disk after {lasts_ms:.0f} ms"


def wipe_store(world: World, _node: Node, _lasts_ms: float) -> str:
    """Every document is gone (F28)."""
    world.store.wipe()
    return "the store is wiped"


def restore_store(world: World, _node: Node, lasts_ms: float) -> str:
    """The store goes back to what it is now (F27)."""
    backup = world.store.backup()

    def put_back() -> None:
        world.chronicle.say("-", "*** the store is restored from an old copy")
        world.store.put_back(backup)

    later(world, lasts_ms, put_back)
    return f"a copy of the store is made, and will be put back after {lasts_ms:.0f} ms"


def recycle_wal(_world: World, node: Node, _lasts_ms: float) -> str:
    """WAL before its last checkpoint is removed although slots wanted it (max_slot_wal_keep_size, F36)."""
    volume = node.machine.volume
    if volume.checkpoint > 1:
        volume.oldest = max(volume.oldest, volume.log.end_at(volume.checkpoint - 1))
    return f"its WAL before {volume.oldest:X} is removed"


def jump_clock(world: World, node: Node, _lasts_ms: float) -> str:
    """Its wall clock (F42)."""
    node.drift.wall_ms = world.chance.choice((-3_600_000, 3_600_000, 0))
    return f"its wall clock is {node.drift.wall_ms} ms off"


def suspend(world: World, node: Node, lasts_ms: float) -> str:
    """The machine sleeps: CLOCK_MONOTONIC stands still, CLOCK_BOOTTIME goes on."""
    node.stopping.freeze("node")
    later(world, lasts_ms, node.stopping.thaw)
    node.drift.suspended_ms += lasts_ms * node.machine.rate
    return f"it is suspended for {lasts_ms:.0f} ms"


def open_door(world: World) -> None:
    """The operator, at one server after the other until one is the right one: no server is given up."""
    for place, node in enumerate(world.nodes.values()):
        later(world, 5000.0 * place, partial(_open_here, world, node))


def _open_here(world: World, node: Node) -> None:
    record = world.record
    lost = record is None or world.unwell()
    if lost and node.agent is not None and node.machine.startup() is not None and not serves(world):
        world.chronicle.say(node.name, "*** the operator opens the door here")
        node.agent.situation.door = ()
        node.agent.situation.door_until_boot_ms = node.agent.clock.boot_ms() + DOOR_LIMIT_MS
        node.agent.situation.poke()


def serves(world: World) -> bool:
    """Whether any primary lets clients in."""
    servers = [m.server for m in world.machines.values() if m.server is not None and m.server.primary]
    return any(server.settings.gate_open for server in servers)


def frozen(world: World) -> bool:
    """Whether nobody serves, or somebody remembers more than the store says: both are for the operator to decide."""
    agents = [node.agent for node in world.nodes.values() if node.agent is not None]
    return not serves(world) or any(agent.loop.decision.rule == "RECORD WENT BACK" for agent in agents)
