"""Which faults come in an order that chance alone would seldom find?

Each sets up what one guard of the protocol is there for. They are for worlds that ask for them.
"""

from functools import partial

from howdah.cluster.record import Record
from howdah.simulation.network import STORE
from howdah.simulation.node import Node
from howdah.simulation.staging import BULK_BYTES, apart, later, together, unwatched, when_swapped, write_much
from howdah.simulation.world import World

RESET_MS = 120.0
LATE_MS = 200.0


def flaky_usurp(world: World, node: Node, _lasts_ms: float) -> str:
    """STARTUP PROOF: who leads is not watched for longer than its lease, and writes on; its streams are reset again
    and again, so that at every vote some receiver is just connecting; and startup processes act late on signals."""
    node = world.nodes[world.record.holder.name] if world.record is not None else node
    lasts_ms = 7000.0
    unwatched(world, node, lasts_ms)
    until = world.loop.now + lasts_ms

    def reset() -> None:
        over = world.loop.now > until
        for other in world.machines.values():
            startup = other.startup()
            if startup is not None:
                startup.late_ms = 0.0 if over else LATE_MS * world.chance.random()
        if over:
            return
        server = node.machine.server
        if server is not None and server.streams:
            world.chance.choice(server.streams).close_sender()
        later(world, RESET_MS * world.chance.random(), reset)

    reset()
    _deafen(world)
    return f"{node.name} leads unwatched, and its streams are reset again and again for {lasts_ms:.0f} ms"


def deaf_usurp(world: World, node: Node, _lasts_ms: float) -> str:
    """Part 4: who leads is not watched for longer than its lease, and writes on; the voters of the next term have
    nothing but their own vote to keep them from it."""
    node = world.nodes[world.record.holder.name] if world.record is not None else node
    lasts_ms = 7000.0
    unwatched(world, node, lasts_ms)
    _deafen(world)
    return f"{node.name} leads unwatched for {lasts_ms:.0f} ms, and the next voters do not hear who won"


def _deafen(world: World) -> None:
    """The next winner's voters reach neither it nor the store for a while."""
    record = world.record
    if record is None:
        return
    before = record.holder

    def won(now: Record) -> None:
        for name in world.names:
            if name not in (now.holder.name, before.name):
                apart(world, name, now.holder.name, 1500)
                apart(world, name, STORE, 1500)

    when_swapped(world, lambda now: now.holder != before, won)


def long_tail(world: World, node: Node, lasts_ms: float) -> str:
    """PREFIX: who leads is cut off, goes on with a transaction of many bytes that is never committed, and dies. When it
    comes back its LSN is far above the next primary's."""
    node = world.nodes[world.record.holder.name] if world.record is not None else node
    lasts_ms = 6000 + 3000 * world.chance.random()
    for name in (*world.names, STORE):
        if name != node.name:
            apart(world, node.name, name, lasts_ms)  # longer than TCP keeps what was sent
    later(world, 300, partial(write_much, node))
    later(world, 900, lambda: node.kill(lasts_ms))
    return f"{node.name} is cut off, writes {BULK_BYTES} bytes that nobody commits, and is killed"


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
    apart(world, old, behind, 60_000)
    later(world, 400, lambda: apart(world, old, winner, 60_000))
    for other in (winner, behind, STORE):
        later(world, 400, partial(apart, world, tailed, other, 2500))
    later(world, 700, lambda: world.nodes[old].kill(60_000))

    def won(now: Record) -> None:
        first = now.holder.name
        for name in standbys:
            together(world, tailed, name)
        together(world, tailed, STORE)
        other = next(n for n in standbys if n not in (first, tailed))
        apart(world, first, other, 60_000)
        later(world, 1200 + 1800 * world.chance.random(), lambda: world.nodes[first].kill(60_000))

    when_swapped(world, lambda now: now.holder != record.holder, won)
    del node, lasts_ms
    return f"{tailed} alone has a tail of {old}, {behind} is behind, {winner} may win"


def lagging_rest(world: World, node: Node, _lasts_ms: float) -> str:
    """The barrier of tightening: one of two voters is cut off from who leads, the other one dies; who was cut off comes
    back, behind, and at once the dead one may be dropped."""
    record = world.record
    if record is None or len(record.voters) != 2 or record.k != 1:
        return "nothing happens: it takes two voters and k = 1"
    behind, dies = world.chance.sample([v.name for v in record.voters], 2)
    lasts_ms = 4500 + 1000 * world.chance.random()
    apart(world, record.holder.name, behind, lasts_ms)
    later(world, 600, lambda: world.nodes[dies].kill(9000))
    del node
    return f"{behind} is cut off from who leads for {lasts_ms:.0f} ms, and {dies} is killed meanwhile"


def lost_power(world: World, node: Node, _lasts_ms: float) -> str:
    """ONE CONNECTION: two of three voters are gone; the third one's machine loses power, nobody tells its walsender,
    and it is back at once, with two connections."""
    record = world.record
    if record is None or len(record.voters) != 3 or record.k != 2:
        return "nothing happens: it takes three voters and k = 2"
    names = world.chance.sample([v.name for v in record.voters], 3)
    for gone in names[1:]:
        apart(world, record.holder.name, gone, 2500)
    startup = world.machines[names[0]].startup()
    if startup is not None and startup.link is not None:
        startup.link.silent = True
    later(world, 500, lambda: world.nodes[names[0]].kill(300))
    del node
    return f"{names[1]} and {names[2]} are cut off from who leads; {names[0]} loses power and is back at once"


def tail_votes(world: World, node: Node, lasts_ms: float) -> str:
    """TERM OF THE WAL: who led comes back with a long tail of an older term when the next primary, which acknowledged
    commits in a newer one, has just died; its vote is needed, and its LSN is the highest."""
    record = world.record
    if record is None:
        return "nothing happens: nobody leads"
    old = record.holder.name
    world.nodes[old].held_down = True  # its agent is not started again before the next primary is dead

    def strike() -> None:
        now = world.record
        world.nodes[old].come_back()
        if now is not None and now.holder.name != old:
            world.nodes[now.holder.name].kill(60_000)

    said = long_tail(world, world.nodes[old], lasts_ms)
    later(world, 9600, strike)
    del node
    return f"{said}, and returns when the next primary has just died"


def half_deaf(world: World, node: Node, _lasts_ms: float) -> str:
    """LIVE: a voter is not heard for so long that it is dropped, and is heard again just then: its walsender, which may
    not have read the new setting yet, still counts it."""
    record = world.record
    if record is None or not record.voters:
        return "nothing happens: nobody is a voter"
    voter, holder = world.chance.choice(record.voters).name, record.holder.name
    lasts_ms = 3000 + 600 * world.chance.random()
    world.network.cut(voter, holder)
    later(world, lasts_ms, lambda: world.network.mend(voter, holder))
    del node
    return f"{holder} does not hear {voter} for {lasts_ms:.0f} ms"


def holder_yields(world: World, node: Node, _lasts_ms: float) -> str:
    """HOLDER VOTES FOR ALL: one voter is behind, the other one is dead, and who leads cannot be a primary any more."""
    record = world.record
    if record is None or len(record.voters) != 2 or record.k != 1:
        return "nothing happens: it takes two voters and k = 1"
    holder = world.nodes[record.holder.name]
    behind, dies = world.chance.sample([v.name for v in record.voters], 2)
    apart(world, holder.name, behind, 1500)

    def strike() -> None:
        world.nodes[dies].kill(20_000)
        holder.machine.becomes_primary = False
        holder.kill_server()

    later(world, 1400, strike)
    later(world, 15_000, lambda: setattr(holder.machine, "becomes_primary", True))
    del node
    return f"{behind} is behind, {dies} will die, and {holder.name} cannot become a primary again"
