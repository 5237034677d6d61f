"""How is a whole cluster put together, run, and asked whether it is well?"""

from collections.abc import Callable
from functools import partial

from howdah.cluster import invariants
from howdah.cluster.intents import Intents
from howdah.cluster.quorum import wait_name
from howdah.cluster.record import Mode, Record, read_record
from howdah.ports.events import Journal
from howdah.simulation.chance import Chance
from howdah.simulation.checker import Checker
from howdah.simulation.chronicle import Chronicle, NodeJournal
from howdah.simulation.client import Client
from howdah.simulation.loop import WORLD, VirtualLoop
from howdah.simulation.machine import Machine
from howdah.simulation.network import Network
from howdah.simulation.node import Node, Surroundings
from howdah.simulation.options import Options
from howdah.simulation.peers import Hub
from howdah.simulation.receiver import Link
from howdah.simulation.server import Server
from howdah.simulation.store import StoreServer

CLUSTER = "simulated"


class AgentFailed(Exception):
    """An agent ended with an exception that is no operating error: a mistake in the program."""


class World:
    """Nodes, network, store and clients of one run."""

    def __init__(self, options: Options, keep: int = 60) -> None:
        self.options = options
        self.loop = VirtualLoop()
        self.chance = Chance(options.seed)
        self.chance.slow_share = options.slow_share
        self.chronicle = Chronicle(self.loop, keep)
        self.network = Network(self.chance)
        self.network.on_change.append(self._links_change)
        self.store = StoreServer(self.loop, self.chance, self.network)
        self.names = tuple(f"n{number + 1}" for number in range(options.nodes))
        rates = options.rates or (1.0,) * options.nodes
        self.machines = {
            name: Machine(name, self.loop, self.chance, self.network, rate)
            for name, rate in zip(self.names, rates, strict=True)
        }
        by_address = {machine.address: machine for machine in self.machines.values()}
        self.traps: list[Callable[[str, str], None]] = []  # what waits for the next winner
        self.hub = Hub(self.loop, self.network, self.machines)
        self.first = Intents(nodes=self.names, mode=Mode(options.mode), k_target=options.k)
        surroundings = Surroundings(
            self.loop, self.chance, self.store, self.hub, CLUSTER, self.first, self._journal, self._failed
        )
        self.nodes = {
            name: Node(surroundings, machine, initial=name == "n1", offset_ms=self.chance.randrange(10**6))
            for name, machine in self.machines.items()
        }
        self.checker = Checker(self.nodes, self.chronicle.say, self._broken)
        self.store.on_swap.append(self.checker.swapped)
        self.store.on_put_back.append(self.checker.store_went_back)
        for name, machine in self.machines.items():
            machine.others = by_address
            self.nodes[name].state.on_save.append(self.checker.remembered)
            machine.on_start.append(partial(self._started, self.nodes[name]))
            machine.on_discard.append(partial(self.checker.discarded, self.nodes[name]))
        self.clients = [
            Client(
                f"c{number}",
                self.loop,
                self.chance,
                self.machines,
                options.commit_interval_ms,
                options.quiet,
                self.checker.acknowledged_commit,
                self.checker.read,
            )
            for number in range(options.clients)
        ]

    def begin(self) -> None:
        """Start every agent and client."""
        for node in self.nodes.values():
            node.start_deadman(0)
            self.loop.after(WORLD, 50 * self.chance.random(), node.start_agent)
        for client in self.clients:
            self.loop.spawn(client.owner, client.run())

    def run(self, duration_ms: float) -> None:
        """Let the world go on. Raises checker.Broken or AgentFailed."""
        self.loop.run_until(self.loop.now + duration_ms)

    def _journal(self, name: str) -> Journal:
        return NodeJournal(name, self.chronicle)

    def _failed(self, name: str, error: BaseException) -> None:
        failure = AgentFailed(f"the agent of {name} ended: {error!r}")
        failure.__cause__ = error
        self._broken(failure)

    def _broken(self, failure: Exception) -> None:
        """The first failure ends the run."""
        if self.loop.failure is None:
            self.loop.failure = failure
        self.loop.stop()

    def _started(self, node: Node, server: Server) -> None:
        self.chronicle.say(node.name, f"  postgres starts{' in recovery' if server.recovery is not None else ''}")
        server.on_primary.append(partial(self.checker.became_primary, node, server))
        server.on_gone.append(partial(self.chronicle.say, node.name, "  postgres is gone"))

    def _links_change(self) -> None:
        links: list[Link] = []
        for machine in self.machines.values():
            startup = machine.startup()
            if startup is not None and startup.link is not None:
                links.append(startup.link)
            if machine.server is not None:
                links.extend(s for s in machine.server.streams if isinstance(s, Link) and s not in links)
        for link in links:
            link.network_changed()

    @property
    def record(self) -> Record | None:
        """What the store says."""
        found = self.store.documents.get("record")
        return read_record(found.text) if found else None

    def unwell(self) -> str:
        """What keeps the cluster from being whole; "" if it is (L29)."""
        record = self.record
        if record is None:
            return "there is no record"
        fault = invariants.whole(record, self.names, min(self.first.effective_k(()), len(self.names) - 1))
        if fault:
            return fault
        leader = self.machines[record.holder.name]
        if leader.server is None or not leader.server.primary or not leader.server.settings.gate_open:
            return f"{leader.name} holds the record and lets nobody in"
        for name, machine in self.machines.items():
            startup = machine.startup()
            if machine is leader:
                continue
            if startup is None or startup.link is None or not startup.link.open or startup.link.sender is None:
                return f"{name} does not stream"
            if startup.link.server is not leader.server or startup.link.sender.name != wait_name(name, record.term):
                return f"{name} streams from {startup.link.upstream}"
            if leader.volume.log.common(machine.volume.log) != len(machine.volume.log.records):
                return f"{name} has records that the primary does not have"
        if min(client.last_ack_ms for client in self.clients) < self.loop.now - 3000:
            return "a client's commits are not acknowledged"
        missing = self.checker.missing_at_end(leader.volume.log)
        return f"the primary lacks the acknowledged {missing}" if missing else ""

    def close(self) -> None:
        """End every process, so that nothing is left waiting."""
        self.loop.failure = None
        for node in self.nodes.values():
            node.stay_down()
        for client in self.clients:
            self.loop.kill(client.owner)
        self.loop.drain()
