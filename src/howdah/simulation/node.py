"""Of which processes is one simulated node made, and what happens to it?

The agent is the real one, on simulated ports. A supervisor starts an agent that died again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from howdah.agent.answering import Answering
from howdah.agent.intentions import Intentions
from howdah.agent.keeper import Keeper
from howdah.agent.loop import AgentLoop
from howdah.agent.situation import Situation
from howdah.agent.tools import Tools
from howdah.cluster.intents import Intents
from howdah.cluster.peerstate import Tags
from howdah.ports.events import Journal
from howdah.simulation.chance import Chance
from howdah.simulation.clock import Drift, SimClock
from howdah.simulation.deadman import DeadmanProcess, SimDeadman
from howdah.simulation.directoryport import SimDirectory
from howdah.simulation.disk import SimDisk, StatePlace
from howdah.simulation.loop import WORLD, Owner, VirtualLoop
from howdah.simulation.machine import Machine
from howdah.simulation.peers import Hub, SimPeers
from howdah.simulation.receiver import Link
from howdah.simulation.server import Server
from howdah.simulation.serverports import SimPrimary, SimProcess, SimStandby
from howdah.simulation.store import SimStore, StoreServer
from howdah.simulation.volume import Volume


@dataclass(slots=True)
class Surroundings:
    """What all nodes of a world share."""

    loop: VirtualLoop
    chance: Chance
    store: StoreServer
    hub: Hub
    cluster: str
    first: Intents
    journal: Callable[[str], Journal]
    failed: Callable[[str, BaseException], None]


class AgentLife:
    """One life of an agent, from its start to its death."""

    def __init__(self, node: "Node") -> None:
        s, machine = node.surroundings, node.machine
        self.owner = Owner(f"{machine.name}/agent", machine.rate)
        self.clock = SimClock(s.loop, s.chance, self.owner, node.offset_ms, node.drift)
        disk = SimDisk(node.state, self.owner)
        self.situation = self.owner.context.run(
            Situation,
            self.clock,
            disk,
            s.cluster,
            machine.name,
            node.tags,
            machine.address,
            machine.api,
            node.initial,
            node.incarnation,
        )
        store = SimStore(s.store, machine.name, self.owner)
        keeper = Keeper(store, self.clock, self.situation.heard_news, node.incarnation)
        self.peers = SimPeers(machine.name, self.owner, s.hub, self.situation.heard_news)
        self.tools = Tools(
            clock=self.clock,
            keeper=keeper,
            process=SimProcess(self.owner, machine),
            directory=SimDirectory(self.owner, machine),
            standby=SimStandby(self.owner, machine),
            primary=SimPrimary(self.owner, machine),
            peers=self.peers,
            disk=disk,
            deadman=SimDeadman(s.loop, self.owner, lambda: node.deadman, node.start_deadman),
            journal=s.journal(machine.name),
            situation=self.situation,
            store=store,
        )
        self.intentions = Intentions(store, self.clock, self.situation, s.first, lambda policy: policy)
        self.peers.service = Answering(self.tools)
        self.loop = AgentLoop(self.tools)


class Stopping:
    """Which processes of a node are stopped by a signal, and since when has it been disturbed by none of that?"""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._frozen: list[Owner] = []
        self._disturbed_ms = 0.0

    def disturbed(self) -> None:
        """Something of the node starts, or goes on, at this moment."""
        self._disturbed_ms = self._node.surroundings.loop.now

    def forget(self, owner: Owner) -> None:
        """This process is dead."""
        if owner in self._frozen:
            self._frozen.remove(owner)

    def guarded(self, for_ms: float) -> bool:
        """Whether its dead-man has run for so long beside a server that is not stopped, whatever its agent did."""
        deadman = self._owners("dead-man")
        stopped = any(owner in self._frozen for owner in (*deadman, *self._owners("server")))
        return bool(deadman) and not stopped and self._node.surroundings.loop.now - self._disturbed_ms > for_ms

    def freeze(self, what: str) -> None:
        """SIGSTOP to the processes of "node", "agent", "server", "dead-man" or "watch" (agent and dead-man)."""
        surroundings, agent = self._node.surroundings, self._node.agent
        server: Server | None = self._node.machine.server
        for owner in self._owners(what):
            if owner.frozen:
                continue
            surroundings.loop.freeze(owner)
            self._frozen.append(owner)
            if server is not None and owner is server.owner:
                for stream in (*server.streams, *self._receiving()):
                    stream.server_froze(server)
            if agent is not None and owner is agent.owner:
                surroundings.hub.froze(agent.peers)

    def thaw(self) -> None:
        """SIGCONT to all that is stopped; each goes on a little later than the other."""
        surroundings, agent = self._node.surroundings, self._node.agent
        if self._frozen:
            self.disturbed()
        for owner in list(self._frozen):
            surroundings.loop.thaw(owner, 20 * surroundings.chance.random() ** 2)
        self._frozen.clear()
        if agent is not None:
            surroundings.loop.after(agent.owner, 25, surroundings.hub.thawed, agent.peers)

    def _owners(self, what: str) -> list[Owner]:
        """The living processes of that name."""
        node = self._node
        agent = [node.agent.owner] if node.agent is not None else []
        deadman = [node.deadman.owner] if node.deadman is not None and not node.deadman.owner.dead else []
        server = [node.machine.server.owner] if node.machine.server is not None else []
        found = {"node": agent + deadman + server, "agent": agent, "server": server, "watch": agent + deadman}
        return {**found, "dead-man": deadman}[what]

    def _receiving(self) -> tuple[Link, ...]:
        startup = self._node.machine.startup()
        return (startup.link,) if startup is not None and startup.link is not None else ()


class Node:
    """A machine with its agent, dead-man and server."""

    def __init__(
        self,
        surroundings: Surroundings,
        machine: Machine,
        initial: bool,
        offset_ms: int = 0,
        tags: Tags | None = None,
    ) -> None:
        self.surroundings = surroundings
        self.machine = machine
        self.initial = initial
        self.offset_ms = offset_ms
        self.drift = Drift()
        self.tags = tags or Tags()
        self.state = StatePlace()
        self.agent: AgentLife | None = None
        self.deadman: DeadmanProcess | None = None
        self.held_down = False
        self.boots = 1
        self.lives = 0
        self.starts_deadman = True
        self.stopping = Stopping(self)

    @property
    def name(self) -> str:
        """The node's name."""
        return self.machine.name

    @property
    def incarnation(self) -> str:
        """Of its present agent, or the one that is about to start."""
        return f"{self.name}.{self.boots}.{self.lives}"

    def start_agent(self) -> None:
        """The supervisor starts the agent, unless it runs or the node is held down."""
        if self.agent is not None or self.held_down:
            return
        loop = self.surroundings.loop
        self.lives += 1
        self.stopping.disturbed()
        life = AgentLife(self)
        self.agent = life
        self.surroundings.hub.joined(life.peers)
        loop.spawn(life.owner, self._run(life))

    async def _run(self, life: AgentLife) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(life.intentions.follow())
                group.create_task(life.loop.run())
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if not life.owner.dead:
                self.surroundings.failed(self.name, error)
            raise

    def start_deadman(self, deadline_ms: int) -> None:
        """A new dead-man process, unless something keeps it from starting."""
        if self.starts_deadman and (self.deadman is None or self.deadman.owner.dead):
            self.deadman = DeadmanProcess(self.machine, self.offset_ms, deadline_ms)

    def kill_agent(self, restart_ms: float) -> None:
        """SIGKILL to the agent alone; it is started again after a while."""
        life, self.agent = self.agent, None
        if life is not None:
            self.surroundings.loop.kill(life.owner)
            self.surroundings.hub.left(life.peers)
            self.stopping.forget(life.owner)
        self.surroundings.loop.after(WORLD, restart_ms, self.start_agent)

    def kill_deadman(self) -> None:
        """SIGKILL to the dead-man alone."""
        if self.deadman is not None and not self.deadman.owner.dead:
            self.stopping.forget(self.deadman.owner)
            self.deadman.end()

    def kill_server(self) -> None:
        """SIGKILL to every process of the server."""
        if self.machine.server is not None:
            self.stopping.forget(self.machine.server.owner)
            self.machine.server.die()

    def kill(self, restart_ms: float) -> None:
        """Every process of the node at once."""
        self.kill_agent(restart_ms)
        self.kill_deadman()
        self.kill_server()

    def stay_down(self) -> None:
        """Every process at once, and none is started again before `come_back`."""
        self.held_down = True
        self.kill(0.0)

    def come_back(self) -> None:
        """The node is held down no longer."""
        self.held_down = False
        self.start_agent()

    def reboot(self, restart_ms: float) -> None:
        """The machine: no agent that starts afterwards can prove by its lock that the earlier one is dead."""
        self.kill(restart_ms)
        self.boots += 1

    def swap_disk(self) -> None:
        """The machine comes back with an empty disk under the old name: no data, no promise, no map."""
        self.machine.lost.append(self.machine.volume)
        self.machine.volume, self.machine.beside, self.machine.old = Volume(), None, None
        listeners, self.state = self.state.on_save, StatePlace()
        self.state.on_save = listeners
