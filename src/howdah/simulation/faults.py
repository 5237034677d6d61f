"""What goes wrong, and when?

Each fault is a function that breaks something now and says when it mends. The script of a run is drawn from its seed.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.policy import Policy
from howdah.simulation.disasters import jump_clock, recycle_wal, restore_store, suspend, swap_disk, wipe_store
from howdah.simulation.loop import WORLD
from howdah.simulation.network import STORE
from howdah.simulation.node import Node
from howdah.simulation.plots import (
    deaf_usurp,
    flaky_usurp,
    half_deaf,
    holder_yields,
    lagging_rest,
    lonely_tail,
    long_tail,
    lost_power,
    tail_votes,
)
from howdah.simulation.plots_of_change import (
    forgetful_target,
    k_and_back,
    late_drop,
    late_target,
    late_winner,
    late_winner_lost_disk,
    slow_vote,
    unfit_voter,
)
from howdah.simulation.plots_of_loss import (
    dies_in_return,
    lost_in_return,
    old_copy,
    same_number,
    wiped_and_alone,
    wrong_server,
)
from howdah.simulation.staging import intend, later, unwatched, when_swapped
from howdah.simulation.world import World

Fault = Callable[[World, Node, float], str]
"""Breaks something about a node for so many milliseconds, and says what."""


def kill_postmaster(_world: World, node: Node, _lasts_ms: float) -> str:
    """Its other processes outlive it for a moment (F1)."""
    if node.machine.server is not None:
        node.machine.server.lose_postmaster()
    return "its postmaster is killed"


def kill_server(_world: World, node: Node, _lasts_ms: float) -> str:
    """All of its PostgreSQL at once."""
    node.kill_server()
    return "its server is killed"


def kill_node(_world: World, node: Node, lasts_ms: float) -> str:
    """Agent, dead-man and server at once; the supervisor starts the agent again (F13)."""
    node.kill(lasts_ms)
    return f"the node is killed, and starts again after {lasts_ms:.0f} ms"


def kill_agent(_world: World, node: Node, lasts_ms: float) -> str:
    """The agent alone (F8)."""
    node.kill_agent(lasts_ms / 4)
    return f"its agent is killed, and starts again after {lasts_ms / 4:.0f} ms"


def kill_watch(_world: World, node: Node, lasts_ms: float) -> str:
    """Agent and dead-man; the server runs on (F12)."""
    node.kill_agent(lasts_ms)
    node.kill_deadman()
    return f"its agent and dead-man are killed, the agent starts again after {lasts_ms:.0f} ms"


def kill_deadman(_world: World, node: Node, _lasts_ms: float) -> str:
    """The dead-man alone (F76)."""
    node.kill_deadman()
    return "its dead-man is killed"


def _freeze(what: str) -> Fault:
    def freeze(world: World, node: Node, lasts_ms: float) -> str:
        node.stopping.freeze(what)
        later(world, lasts_ms, node.stopping.thaw)
        return f"its {what} is frozen for {lasts_ms:.0f} ms"

    return freeze


def usurp(world: World, node: Node, _lasts_ms: float) -> str:
    """The holder's agent and dead-man are stopped for longer than its lease, and its clients write on (F12)."""
    record = world.record
    holder = world.nodes[record.holder.name] if record is not None else node
    lasts_ms = 6500.0 + 1500 * world.chance.random()
    unwatched(world, holder, lasts_ms)
    return f"the agent and dead-man of {holder.name}, who leads, are frozen for {lasts_ms:.0f} ms"


def cut_store(world: World, node: Node, lasts_ms: float) -> str:
    """This node does not reach the store, or does not hear its answers (F16, F20)."""
    ways = world.chance.choice((((node.name, STORE), (STORE, node.name)), ((STORE, node.name),), ((node.name, STORE),)))
    return _cut(world, ways, lasts_ms)


def cut_peer(world: World, node: Node, lasts_ms: float) -> str:
    """Two nodes do not reach each other, or one way only (F21, F22)."""
    other = world.chance.choice([name for name in world.names if name != node.name])
    ways = world.chance.choice((((node.name, other), (other, node.name)), ((other, node.name),), ((node.name, other),)))
    return _cut(world, ways, lasts_ms)


def cut_off(world: World, node: Node, lasts_ms: float) -> str:
    """This node reaches nobody, with or without the store (F17, F18)."""
    return (cut_off_all if world.chance.maybe(0.6) else cut_off_peers)(world, node, lasts_ms)


def cut_off_all(world: World, node: Node, lasts_ms: float) -> str:
    """This node reaches nobody, and not the store (F18)."""
    return _cut(world, _both_ways(node, (*_others(world, node), STORE)), lasts_ms)


def cut_off_peers(world: World, node: Node, lasts_ms: float) -> str:
    """This node reaches the store only (F17)."""
    return _cut(world, _both_ways(node, _others(world, node)), lasts_ms)


def cut_off_store(world: World, node: Node, lasts_ms: float) -> str:
    """This node reaches the others, and not the store (F16)."""
    return _cut(world, _both_ways(node, (STORE,)), lasts_ms)


def _others(world: World, node: Node) -> tuple[str, ...]:
    return tuple(name for name in world.names if name != node.name)


def _both_ways(node: Node, others: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((a, b) for o in others for a, b in ((node.name, o), (o, node.name)))


def _cut(world: World, ways: tuple[tuple[str, str], ...], lasts_ms: float) -> str:
    for source, target in ways:
        world.network.cut(source, target)
        later(world, lasts_ms, partial(world.network.mend, source, target))
    return f"cut for {lasts_ms:.0f} ms: {', '.join(f'{s} -> {t}' for s, t in ways)}"


def store_away(world: World, _node: Node, lasts_ms: float) -> str:
    """Nobody is answered (F23)."""
    world.store.away = True
    later(world, lasts_ms, lambda: setattr(world.store, "away", False))
    return f"the store is away for {lasts_ms:.0f} ms"


def store_slow(world: World, _node: Node, lasts_ms: float) -> str:
    """Answers take long (F25)."""
    world.store.slow_ms = world.chance.choice((200.0, 900.0))
    later(world, lasts_ms, lambda: setattr(world.store, "slow_ms", 0.0))
    return f"the store is slow for {lasts_ms:.0f} ms"


def store_unsure(world: World, _node: Node, lasts_ms: float) -> str:
    """Requests are lost, land late, or their answers are lost (F20)."""
    world.store.unsure = world.chance.choice((0.1, 0.4))
    later(world, lasts_ms, lambda: setattr(world.store, "unsure", 0.0))
    return f"the store's outcomes are unsure for {lasts_ms:.0f} ms"


def slow_network(world: World, node: Node, lasts_ms: float) -> str:
    """What this node sends and gets takes long."""
    world.network.slow_ms[node.name] = world.chance.choice((50.0, 400.0))
    later(world, lasts_ms, lambda: world.network.slow_ms.pop(node.name, None))
    return f"its network is slow for {lasts_ms:.0f} ms"


def slow_replay(world: World, node: Node, lasts_ms: float) -> str:
    """Replay stays behind what is received."""
    node.machine.replay_delay_ms = 300.0
    later(world, lasts_ms, lambda: setattr(node.machine, "replay_delay_ms", 0.0))
    return "its replay is slow from its next start on"


def full_disk(world: World, node: Node, lasts_ms: float) -> str:
    """Its agent cannot make anything durable (F32)."""
    node.state.full = True
    later(world, lasts_ms, lambda: setattr(node.state, "full", False))
    return f"the disk of its agent is full for {lasts_ms:.0f} ms"


def no_primary(world: World, node: Node, lasts_ms: float) -> str:
    """Its server cannot be promoted, nor started as a primary; in recovery it runs."""
    node.machine.becomes_primary = False
    later(world, lasts_ms, lambda: setattr(node.machine, "becomes_primary", True))
    return f"its server cannot become a primary for {lasts_ms:.0f} ms"


def no_deadman(world: World, node: Node, lasts_ms: float) -> str:
    """Its dead-man ends, and no new one can be started."""
    node.starts_deadman = False
    node.kill_deadman()
    later(world, lasts_ms, lambda: setattr(node, "starts_deadman", True))
    return f"its dead-man is killed, and none starts for {lasts_ms:.0f} ms"


def outage(world: World, _node: Node, lasts_ms: float) -> str:
    """Everything is killed and comes back in any order (F40)."""
    names = list(world.names)
    world.chance.shuffle(names)
    for place, name in enumerate(names):
        world.nodes[name].kill(300 + lasts_ms * place / 2)
    return f"full outage; back in the order {', '.join(names)}"


def reboot(_world: World, node: Node, lasts_ms: float) -> str:
    """Its machine is restarted; it claims its lease anew, if it held one."""
    node.reboot(lasts_ms)
    return f"its machine is restarted, and its agent starts after {lasts_ms:.0f} ms"


def power_cut(world: World, _node: Node, lasts_ms: float) -> str:
    """All machines are restarted, and come back in any order."""
    names = list(world.names)
    world.chance.shuffle(names)
    for place, name in enumerate(names):
        world.nodes[name].reboot(300 + lasts_ms * place / 2)
    return f"power cut; back in the order {', '.join(names)}"


def switchover(world: World, node: Node, _lasts_ms: float) -> str:
    """The operator asks for a hand-over."""
    to = world.chance.choice(("", node.name))
    term = world.record.term if world.record is not None else 0
    request = SwitchoverRequest(f"s{world.chance.getrandbits(32)}", to, term=term)
    intend(world, lambda intents: replace(intents, switchover=request))
    return f"a switchover to {to or 'the best'} is asked for"


AMBUSHES = (
    "kill agent",
    "kill node",
    "kill server",
    "kill postmaster",
    "kill watch",
    "freeze node",
    "freeze agent",
    "freeze server",
    "cut off",
    "cut store",
)


def ambush(world: World, node: Node, lasts_ms: float) -> str:
    """The next winner of an election is struck between its swap and its barrier (F46-F48)."""
    record, how = world.record, world.chance.choice(AMBUSHES)
    delay_ms = 400 * world.chance.random() ** 2
    if record is None:
        return "nobody leads, so nobody is waylaid"

    def strike() -> None:
        winner = world.record.holder.name if world.record is not None else node.name
        world.chronicle.say(winner, f"*** in ambush: {FAULTS[how][1](world, world.nodes[winner], lasts_ms)}")

    when_swapped(world, lambda now: now.holder != record.holder, lambda _: later(world, delay_ms, strike))
    holder = world.nodes[record.holder.name]
    holder.kill(lasts_ms)
    return f"{holder.name} is killed for {lasts_ms:.0f} ms; who wins then meets: {how}"


def pause(world: World, _node: Node, lasts_ms: float) -> str:
    """The operator pauses automatic role changes."""
    intend(world, lambda intents: replace(intents, paused=True))
    later(world, lasts_ms, lambda: intend(world, lambda intents: replace(intents, paused=False)))
    return f"the cluster is paused for {lasts_ms:.0f} ms"


def lease_times(world: World, _node: Node, _lasts_ms: float) -> str:
    """The operator makes the lease shorter or longer."""
    ttl_ms = world.chance.choice((3_500, 5_000, 9_000, 20_000))
    policy = Policy(
        lease_ttl_ms=ttl_ms, renew_interval_ms=ttl_ms // 5, store_timeout_ms=ttl_ms // 5, gate_ms=ttl_ms * 64 // 100,
        kill_ms=ttl_ms * 72 // 100, deadman_ms=ttl_ms * 4 // 5, confirm_worth_ms=3_000,
    )  # fmt: skip
    intend(world, lambda intents: replace(intents, policy=policy))
    return f"the lease is to last {ttl_ms} ms from now on"


FAULTS: dict[str, tuple[int, Fault]] = {
    "kill postmaster": (4, kill_postmaster),
    "kill server": (3, kill_server),
    "kill node": (8, kill_node),
    "kill agent": (4, kill_agent),
    "kill watch": (2, kill_watch),
    "kill dead-man": (1, kill_deadman),
    "freeze node": (6, _freeze("node")),
    "freeze agent": (3, _freeze("agent")),
    "freeze watch": (3, _freeze("watch")),
    "freeze server": (3, _freeze("server")),
    "cut store": (6, cut_store),
    "cut peer": (6, cut_peer),
    "cut off": (6, cut_off),
    "store away": (3, store_away),
    "store slow": (2, store_slow),
    "store unsure": (4, store_unsure),
    "slow network": (2, slow_network),
    "slow replay": (2, slow_replay),
    "full disk": (2, full_disk),
    "outage": (2, outage),
    "switchover": (5, switchover),
    "pause": (1, pause),
    "freeze dead-man": (1, _freeze("dead-man")),
    "suspend": (2, suspend),
    "jump clock": (1, jump_clock),
    "recycle wal": (1, recycle_wal),
    "ambush": (4, ambush),
    "cut off all": (0, cut_off_all),
    "cut off peers": (0, cut_off_peers),
    "cut off store": (0, cut_off_store),
    "usurp": (0, usurp),
    "flaky usurp": (0, flaky_usurp),
    "deaf usurp": (0, deaf_usurp),
    "half deaf": (0, half_deaf),
    "holder yields": (0, holder_yields),
    "tail votes": (0, tail_votes),
    "lagging rest": (0, lagging_rest),
    "lost power": (0, lost_power),
    "lonely tail": (0, lonely_tail),
    "long tail": (0, long_tail),
    "unfit voter": (0, unfit_voter),
    "k and back": (0, k_and_back),
    "late drop": (0, late_drop),
    "late winner": (0, late_winner),
    "late winner, lost disk": (0, late_winner_lost_disk),
    "late target": (0, late_target),
    "forgetful target": (0, forgetful_target),
    "slow vote": (0, slow_vote),
    "same number": (0, same_number),
    "old copy": (0, old_copy),
    "wiped and alone": (0, wiped_and_alone),
    "wrong server": (0, wrong_server),
    "lost in return": (0, lost_in_return),
    "dies in return": (0, dies_in_return),
    "swap disk": (0, swap_disk),
    "wipe store": (0, wipe_store),
    "restore store": (0, restore_store),
    "lease times": (0, lease_times),
    "reboot": (0, reboot),
    "power cut": (0, power_cut),
    "no primary": (0, no_primary),
    "no dead-man": (0, no_deadman),
}
"""Name -> (how often, what). What never happens by itself is for worlds that ask for it."""


KINDS: dict[str, dict[str, int]] = {
    "plain": {},
    "async": {},
    "disks": {"swap disk": 8, "recycle wal": 6},
    "store": {"wipe store": 2, "restore store": 3},
    "clocks": {"suspend": 8, "jump clock": 4, "freeze dead-man": 4},
}
"""What happens more often in a world of this kind than in a plain one."""


def begin_faults(world: World, duration_ms: float) -> None:
    """Draw faults from now on for so long; then everything is mended."""
    chance, until = world.chance, world.loop.now + duration_ms
    names = sorted(world.options.faults or FAULTS)
    weights = [1 if world.options.faults else FAULTS[name][0] for name in names]
    for name, weight in () if world.options.faults else KINDS[world.options.kind].items():
        weights[names.index(name)] += weight

    def strike() -> None:
        if world.loop.now >= until:
            mend(world)
            return
        record = world.record
        leader = record.holder.name if record is not None else world.names[0]
        name = leader if chance.maybe(0.5) else chance.choice(world.names)
        lasts_ms = chance.choice((300.0, 2000.0, 6000.0, 15000.0)) * (0.3 + chance.random())
        fault = FAULTS[chance.choices(names, weights)[0]][1]
        world.chronicle.say(name, f"*** {fault(world, world.nodes[name], lasts_ms)}")
        for client in world.clients:
            client.hurry()
        world.loop.after(WORLD, world.options.fault_interval_ms * 2 * chance.random() ** 2, strike)

    strike()


def mend(world: World) -> None:
    """Everything works from now on."""
    world.chronicle.say("-", "*** everything is mended")
    for trap in world.traps:
        if trap in world.store.on_swap:
            world.store.on_swap.remove(trap)
    world.network.heal()
    world.store.away = False
    world.store.slow_ms = world.store.unsure = 0.0
    world.store.late_ms.clear()
    intend(world, lambda intents: replace(intents, paused=False, switchover=None, policy=world.first.policy))
    for node in world.nodes.values():
        node.state.full = False
        node.machine.replay_delay_ms = 0.0
        node.machine.becomes_primary = node.starts_deadman = True
        node.stopping.thaw()
        node.start_agent()
