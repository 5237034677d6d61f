"""Which small steps are faults and plots made of?"""

from collections.abc import Callable

from howdah.agent.intentions import CONFIG
from howdah.cluster.intents import Intents
from howdah.cluster.record import Record
from howdah.configuration.intents import read_intents, write_intents
from howdah.simulation.loop import WORLD
from howdah.simulation.node import Node
from howdah.simulation.world import World

BULK_BYTES = 1 << 22


def later(world: World, delay_ms: float, callback: Callable[[], object]) -> None:
    """In the world's time, whoever is dead by then."""
    world.loop.after(WORLD, delay_ms, callback)


def apart(world: World, one: str, other: str, lasts_ms: float) -> None:
    """The two places do not reach each other for so long."""
    world.network.cut(one, other)
    world.network.cut(other, one)
    later(world, lasts_ms, lambda: together(world, one, other))


def together(world: World, one: str, other: str) -> None:
    """The two places reach each other again."""
    world.network.mend(one, other)
    world.network.mend(other, one)


def unwatched(world: World, node: Node, lasts_ms: float) -> None:
    """Its agent and dead-man are stopped for so long: a primary writes on."""
    node.stopping.freeze("watch")
    later(world, lasts_ms, node.stopping.thaw)


def write_much(node: Node) -> None:
    """A transaction of many bytes that is never committed, and flushed, if it is a primary."""
    server = node.machine.server
    if server is not None and server.primary and server.running:
        server.volume.log.append(server.volume.log.timeline, BULK_BYTES, "noise")
        server.checkpoint(lambda: None)  # which flushes it


def intend(world: World, change: Callable[[Intents], Intents]) -> None:
    """The operator changes what the cluster is to be."""
    found = world.store.documents.get(CONFIG)
    intents = change(read_intents(found.text) if found else world.first)
    world.store.swap(CONFIG, found.version if found else None, write_intents(intents))


def when_swapped(world: World, true: Callable[[Record], bool], then: Callable[[Record], None]) -> None:
    """Once, as soon as the store says a record of which that is true; not after the world was mended."""

    def swapped(_document: str, _text: str) -> None:
        record = world.record
        if record is not None and true(record):
            world.store.on_swap.remove(swapped)
            then(record)

    world.traps.append(swapped)
    world.store.on_swap.append(swapped)


def as_soon_as(
    world: World, true: Callable[[], bool], then: Callable[[], None], step_ms: float = 1.0, tries: int = 20_000
) -> None:
    """Once, as soon as that is true of the world, looked at again and again."""
    if true():
        then()
    elif tries:
        later(world, step_ms, lambda: as_soon_as(world, true, then, step_ms, tries - 1))
