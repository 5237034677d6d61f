"""Which faults take away the one copy, or lead a standby to the wrong server?"""

from functools import partial

from howdah.cluster.localstate import Marker
from howdah.cluster.record import Record
from howdah.simulation.network import STORE
from howdah.simulation.node import Node
from howdah.simulation.staging import (
    BULK_BYTES,
    apart,
    as_soon_as,
    later,
    together,
    unwatched,
    when_swapped,
    write_much,
)
from howdah.simulation.world import World


def wrong_server(world: World, node: Node, _lasts_ms: float) -> str:
    """Names carry the term: who led is not watched for longer than its lease and writes on; at the new primary's
    address the others reach the old one (an address that moved, a name that is looked up)."""
    node = world.nodes[world.record.holder.name] if world.record is not None else node
    unwatched(world, node, 8000)

    def won(now: Record) -> None:
        winner = world.machines[now.holder.name]
        for name, machine in world.machines.items():
            if name not in (winner.name, node.name):
                before, machine.others = machine.others, {**machine.others, winner.address: node.machine}
                later(world, 2500, partial(setattr, machine, "others", before))

    if world.record is not None:
        holder = world.record.holder
        when_swapped(world, lambda now: now.holder != holder, won)
    return f"{node.name} leads unwatched, and who follows the next primary reaches it instead"


def lost_in_return(world: World, node: Node, _lasts_ms: float) -> str:
    """LAST COPY: the winner's disk is lost while others are being rewound to it. With k = 1 the third server is behind,
    and not connected yet; with k = 2 both others have to be rewound."""
    record = world.record
    if record is None or len(record.voters) != 2 or world.unwell():
        return "nothing happens: it takes two voters and a whole cluster"
    old = record.holder.name
    winner, third = world.chance.sample([v.name for v in record.voters], 2)
    if record.k == 1:
        apart(world, old, third, 60_000)
        later(world, 500, lambda: apart(world, old, winner, 60_000))
    else:
        apart(world, old, winner, 60_000)
        later(world, 650, lambda: _alone(world, third))
    later(world, 500, lambda: write_much(world.nodes[old]))
    later(world, 900, world.nodes[old].stay_down)
    when_swapped(world, lambda now: now.holder.name == winner, lambda now: _returns(world, now, old, third))
    del node
    return f"{winner} is to win; {old} and {third} come back, and its disk is lost when they are rewound"


def dies_in_return(world: World, node: Node, lasts_ms: float) -> str:
    """FLOOR: the next primary dies as soon as the former one has been rewound, or cloned, before that has again what
    it once acknowledged. The third server has it, and nobody else is left to vote with."""
    record = world.record
    if record is None or len(record.voters) != 2 or world.unwell():
        return "nothing happens: it takes two voters and a whole cluster"
    old = world.nodes[record.holder.name]
    _alone(world, old.name)
    later(world, 500, partial(write_much, old))
    later(world, 900, old.stay_down)

    def below() -> bool:
        local, volume = old.state.state, old.machine.volume
        return local.floor is not None and local.marker is Marker.NONE and volume.log.end < local.floor.lsn

    def won(now: Record) -> None:
        winner = world.nodes[now.holder.name]
        later(world, 2000, lambda: _back(world, old))
        later(world, 2000, lambda: as_soon_as(world, below, partial(winner.kill, lasts_ms), 0.5, 60_000))

    when_swapped(world, lambda now: now.holder.name != old.name, won)
    del node
    return (
        f"{old.name} leaves the others' history; who won dies for {lasts_ms:.0f} ms when {old.name} is below its floor"
    )


def _back(world: World, node: Node) -> None:
    node.come_back()
    for name in (*(n for n in world.names if n != node.name), STORE):
        together(world, node.name, name)


def same_number(world: World, node: Node, _lasts_ms: float) -> str:
    """Equal timeline numbers: a winner is promoted where nobody hears it, writes much, and dies; the next one's
    timeline has the same number. Then the first one comes back."""
    record = world.record
    if record is None or len(record.voters) != 2 or world.unwell():
        return "nothing happens: it takes two voters and a whole cluster"
    old = record.holder
    world.nodes[old.name].kill(2500)

    def won(now: Record) -> None:
        first = now.holder.name
        for other in world.names:
            if other != first:
                apart(world, first, other, 14_000)
        later(world, 400, lambda: write_much(world.nodes[first]))
        later(world, 500, lambda: world.nodes[first].kill(13_000))

    when_swapped(world, lambda now: now.holder != old, won)
    del node
    return f"{old.name} is killed; who wins is alone, writes {BULK_BYTES} bytes and is killed too"


def old_copy(world: World, node: Node, _lasts_ms: float) -> str:
    """A store that went back: it says again who led before the present primary, and that one comes back just then."""
    record = world.record
    if record is None or world.unwell():
        return "nothing happens: it takes a whole cluster"
    backup = world.store.backup()
    later(world, 300, lambda: world.nodes[record.holder.name].kill(12_000))
    later(world, 12_295, lambda: world.store.put_back(backup))
    del node
    return f"a copy of the store is made, {record.holder.name} is killed, and the copy is put back before it returns"


def wiped_and_alone(world: World, node: Node, _lasts_ms: float) -> str:
    """The record rebuilt: who is left is behind, and the store is empty."""
    record = world.record
    if record is None or len(record.voters) != 2 or record.k != 1 or world.unwell():
        return "nothing happens: it takes two voters, k = 1 and a whole cluster"
    behind, has = world.chance.sample([v.name for v in record.voters], 2)
    apart(world, record.holder.name, behind, 60_000)
    for name in (record.holder.name, has):
        later(world, 500, partial(world.nodes[name].kill, 15_000))
    later(world, 600, world.store.wipe)
    del node
    return f"{behind} is behind, the others are killed, and the store is wiped"


def _alone(world: World, name: str) -> None:
    for other in (*(n for n in world.names if n != name), STORE):
        apart(world, name, other, 60_000)


def _returns(world: World, won: Record, old: str, third: str) -> None:
    winner = won.holder.name
    world.nodes[old].come_back()
    together(world, old, winner)
    together(world, old, third)
    together(world, third, STORE)
    if won.k == 1:
        apart(world, winner, third, 7000)
    else:
        together(world, third, winner)

    def rewinding() -> bool:
        return sum(world.machines[name].volume.half_rewound for name in (old, third)) > 0

    def strike() -> None:
        if world.record is None or world.record.holder.name != winner:
            return
        world.chronicle.say(winner, "*** its disk is lost")
        world.nodes[winner].stay_down()
        world.nodes[winner].swap_disk()
        world.checker.disk_lost(world.nodes[winner])

    as_soon_as(world, rewinding, lambda: later(world, 150, strike), 5.0, 3000)
