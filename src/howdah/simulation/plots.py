"""Which faults come in an order that chance alone would seldom find?

Each sets up what one guard of the protocol is there for. They are for worlds that ask for them.
"""

from howdah.simulation.disasters import later
from howdah.simulation.node import Node
from howdah.simulation.world import World

RESET_MS = 120.0


def flaky_usurp(world: World, node: Node, _lasts_ms: float) -> str:
    """STARTUP PROOF: who leads is not watched for longer than its lease, and writes on; its streams are reset again
    and again, so that at every vote some receiver is just connecting."""
    node = world.nodes[world.record.holder.name] if world.record is not None else node
    lasts_ms = 7000.0
    node.freeze("watch")
    later(world, lasts_ms, node.thaw)
    until = world.loop.now + lasts_ms

    def reset() -> None:
        if world.loop.now > until:
            return
        server = node.machine.server
        if server is not None and server.streams:
            world.chance.choice(server.streams).close_sender()
        later(world, RESET_MS * world.chance.random(), reset)

    reset()
    return f"{node.name} leads unwatched, and its streams are reset again and again for {lasts_ms:.0f} ms"


def lonely_tail(world: World, node: Node, lasts_ms: float) -> str:
    """FLOOR: with k = 2 a commit is on two standbys; one of them has a tail beyond it, is rewound before it, and votes
    after the other one, who won, has died."""
    record = world.record
    if record is None or record.k != 2 or len(world.names) != 4 or world.unwell():
        return "nothing happens: it takes four nodes, k = 2 and a whole cluster"
    old = record.holder.name
    standbys = [name for name in world.names if name != old]
    world.chance.shuffle(standbys)
    tailed, winner, behind = standbys
    _apart(world, old, behind, 60_000)
    later(world, 400, lambda: _apart(world, old, winner, 60_000))
    for other in (winner, behind, "store"):
        later(world, 400, lambda other=other: _apart(world, tailed, other, 2500))  # type: ignore[misc]  # a default
    later(world, 700, lambda: world.nodes[old].kill(60_000))

    def won(_document: str, _text: str) -> None:
        now = world.record
        if now is None or now.holder == record.holder:
            return
        world.store.on_swap.remove(won)
        first = now.holder.name
        for name in standbys:
            world.network.mend(tailed, name)
            world.network.mend(name, tailed)
        world.network.mend(tailed, "store")
        world.network.mend("store", tailed)
        other = next(n for n in standbys if n not in (first, tailed))
        _apart(world, first, other, 60_000)
        later(world, 1200 + 1800 * world.chance.random(), lambda: world.nodes[first].kill(60_000))

    world.traps.append(won)
    world.store.on_swap.append(won)
    del node, lasts_ms
    return f"{tailed} alone has a tail of {old}, {behind} is behind, {winner} may win"


def _apart(world: World, one: str, other: str, lasts_ms: float) -> None:
    world.network.cut(one, other)
    world.network.cut(other, one)
    later(world, lasts_ms, lambda: world.network.mend(one, other))
    later(world, lasts_ms, lambda: world.network.mend(other, one))
