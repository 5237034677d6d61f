"""Which faults meet a change of the voters or of k, or a role that passes, at the moment at which it is half done?"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.peerstate import Tags
from howdah.cluster.quorum import wait_name
from howdah.cluster.record import Record
from howdah.simulation.network import STORE
from howdah.simulation.node import Node
from howdah.simulation.staging import apart, as_soon_as, intend, later, together, when_swapped
from howdah.simulation.world import World

LATE_MS = 5000.0
"""So long a winner's swap does not get through: the store's request is given up and made again meanwhile."""


def unfit_voter(world: World, node: Node, _lasts_ms: float) -> str:
    """LIVE: a voter that streams is dropped all the same, since its tags say that it may not vote; its walsender may
    not have read the new setting yet, and still count it."""
    record = world.record
    if record is None or not record.voters:
        return "nothing happens: nobody is a voter"
    voter = world.nodes[world.chance.choice(record.voters).name]
    _tag(voter, Tags(nosync=True))
    later(world, 1500, lambda: _tag(voter, Tags()))
    del node
    return f"the tags of {voter.name} keep it from voting for 1500 ms"


def _tag(node: Node, tags: Tags) -> None:
    if node.agent is not None:
        node.agent.situation.tags = tags
        node.agent.situation.poke()


def late_drop(world: World, node: Node, _lasts_ms: float) -> str:
    """SETTLE: a voter that streams is dropped since its tags say that it may not vote; the swap that says so times out,
    and lands when it may vote again."""
    record = world.record
    if record is None or len(record.voters) != 2 or record.k != 1:
        return "nothing happens: it takes two voters and k = 1"
    voter, holder = world.nodes[world.chance.choice(record.voters).name], record.holder.name
    _tag(voter, Tags(nosync=True))

    def dropping() -> bool:
        return wait_name(voter.name, record.term) not in world.machines[holder].volume.settings.sync_names

    def late() -> None:
        _tag(voter, Tags())
        world.store.late_ms[holder] = 2500.0
        later(world, 3000, lambda: world.store.late_ms.pop(holder, None))

    as_soon_as(world, dropping, late)
    del node
    return f"the tags of {voter.name} keep it from voting until it is being dropped; the store hears of that late"


def slow_vote(world: World, node: Node, _lasts_ms: float) -> str:
    """Revocation 4: one voter is cut off, the other one has all and has replayed less than the first when the primary
    dies."""
    record = world.record
    if record is None or len(record.voters) != 2 or record.k != 1 or world.unwell():
        return "nothing happens: it takes two voters, k = 1 and a whole cluster"
    holder = record.holder.name
    behind, has = world.chance.sample([v.name for v in record.voters], 2)
    startup = world.machines[has].startup()
    if startup is not None:
        startup.replay_delay_ms = 8000.0
        later(world, 12_000, lambda: setattr(startup, "replay_delay_ms", 0.0))
    later(world, 300, lambda: apart(world, holder, behind, 60_000))
    later(world, 600, lambda: world.nodes[holder].kill(20_000))
    del node
    return f"{has} replays late, {behind} is cut off from {holder}, which dies"


def k_and_back(world: World, _node: Node, _lasts_ms: float) -> str:
    """The orders of loosening and tightening: k is lowered and raised again, while the store is slow."""
    record = world.record
    if record is None or record.k < 2:
        return "nothing happens: it takes k = 2"
    world.store.slow_ms = 900.0
    intend(world, lambda intents: replace(intents, k_target=record.k - 1))
    later(world, 3000, lambda: setattr(world.store, "slow_ms", 0.0))
    later(world, 3000, lambda: intend(world, lambda intents: replace(intents, k_target=record.k)))
    return f"k is to be {record.k - 1} for 3 s, and the store is slow"


def late_winner(world: World, node: Node, _lasts_ms: float) -> str:
    """SAME RECORD: two voters are revoked and counted, and the winner's swap does not get through; the holder, which
    hears of neither, goes on with a voter that it admits meanwhile."""
    record = world.record
    if record is None or len(record.voters) != 3 or record.k != 1:
        return "nothing happens: it takes three voters and k = 1"
    holder = world.nodes[record.holder.name]
    third = world.nodes[world.chance.choice(record.voters).name]
    others = [v.name for v in record.voters if v.name != third.name]
    third.stay_down()
    when_swapped(
        world,
        lambda now: now.holder == record.holder and {v.name for v in now.voters} == set(others),
        lambda now: _elected_unheard(world, holder, others, now, third.come_back),
    )
    del node
    return f"{third.name} is killed; once it is dropped, {holder.name} is stopped, and who wins is not heard at once"


def late_winner_lost_disk(world: World, node: Node, _lasts_ms: float) -> str:
    """IDENTITY: two voters are revoked and counted, and the winner's swap does not get through; the other one's disk is
    lost, and a new one streams from the holder under its name."""
    record = world.record
    if record is None or len(record.voters) != 2 or record.k != 1 or world.unwell():
        return "nothing happens: it takes two voters, k = 1 and a whole cluster"
    holder = world.nodes[record.holder.name]
    winner, forgets = world.chance.sample([v.name for v in record.voters], 2)

    def loses() -> None:
        world.nodes[forgets].kill(200)
        world.nodes[forgets].swap_disk()
        together(world, forgets, STORE)
        together(world, forgets, holder.name)
        apart(world, forgets, winner, LATE_MS)

    # Of two equal voters the one that is cut off from the holder first has less, and does not win.
    apart(world, holder.name, forgets, 60_000)
    later(world, 300, lambda: _elected_unheard(world, holder, [winner, forgets], record, loses, 40.0))
    del node
    return f"{holder.name} is stopped; {winner} wins and is not heard at once; {forgets} loses its disk"


def _elected_unheard(
    world: World, holder: Node, voters: list[str], record: Record, then: Callable[[], None], delay_ms: float = 0.0
) -> None:
    """The holder's agent is stopped until its lease is out; as soon as these voters have promised another term they
    reach neither it nor the store for a while, and it goes on."""
    holder.stopping.freeze("watch")
    for name in voters:
        apart(world, holder.name, name, 60_000)

    def promised() -> bool:
        return all(world.nodes[name].state.state.promise > record.term for name in voters)

    def unheard() -> None:
        for name in voters:
            apart(world, name, STORE, LATE_MS)
            later(world, LATE_MS + 2000, partial(together, world, holder.name, name))
        holder.stopping.thaw()
        later(world, delay_ms, then)

    as_soon_as(world, promised, unheard)


def late_target(world: World, node: Node, _lasts_ms: float) -> str:
    """Switchover: the target was handed the lead and is revoked, and its swap does not get through; the old primary
    takes the lead back meanwhile."""
    del node
    return _handed_in_vain(world, forgets=False)


def forgetful_target(world: World, node: Node, _lasts_ms: float) -> str:
    """A FAILED ELECTION: the same, and the target is killed, so that nothing is left of its election but a promise."""
    del node
    return _handed_in_vain(world, forgets=True)


def _handed_in_vain(world: World, forgets: bool) -> str:
    record = world.record
    if record is None or len(record.voters) < 2 or world.unwell():
        return "nothing happens: it takes two voters and a whole cluster"
    target = world.chance.choice(record.voters).name
    request = SwitchoverRequest(f"s{world.chance.getrandbits(32)}", target, term=record.term)
    intend(world, lambda intents: replace(intents, switchover=request))

    def handed(now: Record) -> None:
        for other in (v.name for v in now.voters if v.name != target):
            apart(world, other, STORE, LATE_MS)  # else it would stand itself when the target does not come
        as_soon_as(world, lambda: world.nodes[target].state.state.promise > record.term, unheard, 0.2)

    def unheard() -> None:
        for other in (*(name for name in world.names if name != target), STORE):
            apart(world, target, other, LATE_MS + 1000)
        if forgets:
            world.nodes[target].kill(LATE_MS)

    when_swapped(world, lambda now: now.released and now.handover is not None, handed)
    return f"a switchover to {target} is asked for, who is cut off before it takes the lead"
