"""How do simulated agents hear and ask each other?

Like the real ones: a stream to each, broken at once when its process dies, merely silent when it is stopped or cut off.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from howdah.cluster.peerstate import Confirmation, PromiseRequest, Published, Refusal, Report, only_progress
from howdah.ports.disk import DiskFailure
from howdah.ports.peers import PeerService, PeerUnreachable, PeerView, ProbeResult
from howdah.ports.postgres import PostgresFailure
from howdah.simulation.loop import Owner, VirtualLoop
from howdah.simulation.machine import Machine
from howdah.simulation.network import Network
from howdah.simulation.ports import guard
from howdah.values.address import Address

T = TypeVar("T")

SILENCE_MS = 3000
RECONNECT_MS = 500


class _Heard:
    """What an agent knows of one peer."""

    __slots__ = ("at", "connected", "published")

    def __init__(self) -> None:
        self.published: Published | None = None
        self.at = 0.0
        self.connected = False


class Hub:
    """All running agents, by node."""

    def __init__(self, loop: VirtualLoop, network: Network, machines: Mapping[str, Machine]) -> None:
        self.loop = loop
        self.network = network
        self.machines = machines
        self.agents: dict[str, SimPeers] = {}
        network.on_change.append(self._network_changed)

    def joined(self, agent: "SimPeers") -> None:
        """An agent runs from now on."""
        self.agents[agent.name] = agent
        for other in self.agents.values():
            if other is not agent:
                self.retry(agent, other.name)
                self.retry(other, agent.name)

    def left(self, agent: "SimPeers") -> None:
        """Its process is dead: its kernel closes every connection."""
        if self.agents.get(agent.name) is agent:
            del self.agents[agent.name]
        for waiting in agent.asked:
            self.loop.after(waiting.owner, 0.5, waiting.broken)
        for other in self.agents.values():
            late = 0.5 if self.network.linked(agent.name, other.name) else SILENCE_MS
            self.loop.after(other.owner, late, other.lost, agent.name, agent)

    def froze(self, agent: "SimPeers") -> None:
        """It falls silent."""
        for other in self.agents.values():
            self.loop.after(other.owner, SILENCE_MS, other.silent, agent.name)

    def thawed(self, agent: "SimPeers") -> None:
        """It is heard again, and hears."""
        self.joined(agent)

    def retry(self, listener: "SimPeers", name: str) -> None:
        """The listener's stream to that peer is opened again soon."""
        late = RECONNECT_MS * self.loop.now % 1 if name < listener.name else RECONNECT_MS / 3
        self.loop.after(listener.owner, late + 1, listener.connect, name)

    def _network_changed(self) -> None:
        for listener in list(self.agents.values()):
            for name in sorted(self.agents):
                if name == listener.name:
                    continue
                if self.network.linked(listener.name, name):
                    self.retry(listener, name)
                else:
                    self.loop.after(listener.owner, SILENCE_MS, listener.silent, name)


class _Asking:
    """A request under way, whatever its answer will be."""

    __slots__ = ("answer", "owner")

    def __init__(self, owner: Owner, answer: asyncio.Future[Any]) -> None:
        self.owner = owner
        self.answer = answer

    def broken(self) -> None:
        """The connection was reset."""
        if not self.answer.done():
            self.answer.set_exception(PeerUnreachable("the connection was reset"))


class SimPeers:
    """`ports.peers.Peers` for one agent's life."""

    def __init__(self, name: str, owner: Owner, hub: Hub, on_change: Callable[[], None]) -> None:
        self.name = name
        self.owner = owner
        self.service: PeerService | None = None
        self.state: Published | None = None
        self.asked: list[_Asking] = []
        self._hub = hub
        self._on_change = on_change
        self._heard: dict[str, _Heard] = {}
        self._arrives: dict[str, float] = {}
        self._views: dict[str, PeerView] = {}
        self._viewed_ms = -1.0  # when these were made; nothing was heard since

    def views(self) -> Mapping[str, PeerView]:
        """See the port."""
        now = self._hub.loop.now
        if now != self._viewed_ms:
            self._viewed_ms = now
            self._views = {
                name: PeerView(h.published, int(now - h.at), h.connected)
                for name, h in self._heard.items()
                if h.published is not None
            }
        return self._views

    def publish(self, state: Published) -> None:
        """See the port."""
        guard(self.owner)
        if state == self.state:
            return
        self.state = state
        for other in self._hub.agents.values():
            if other is not self:
                self._tell(other)

    def _tell(self, other: "SimPeers") -> None:
        network, loop = self._hub.network, self._hub.loop
        if not network.linked(self.name, other.name):
            return
        when = max(self._arrives.get(other.name, 0.0), loop.now + network.delay(self.name, other.name))
        self._arrives[other.name] = when
        loop.after(other.owner, when - loop.now, other.hear, self.name, self, self.state)

    def hear(self, name: str, sender: "SimPeers", state: Published) -> None:
        """A line of that peer's stream."""
        heard = self._heard.get(name)
        if heard is None or self._hub.agents.get(name) is not sender:
            return
        heard.at = self._hub.loop.now
        self._viewed_ms = -1.0
        before, heard.published = heard.published, state
        if not heard.connected or before is None or not only_progress(before, state):
            heard.connected = True
            self._on_change()

    def connect(self, name: str) -> None:
        """Open the stream, if the peer can be reached."""
        self._heard.setdefault(name, _Heard())
        agent = self._hub.agents.get(name)
        if agent is not None and agent.state is not None and not agent.owner.frozen:
            agent._tell(self)

    def lost(self, name: str, agent: "SimPeers") -> None:
        """The stream broke."""
        if self._hub.agents.get(name) not in (None, agent):
            return
        self._disconnected(name)

    def silent(self, name: str) -> None:
        """Nothing was heard for three heartbeats?"""
        agent = self._hub.agents.get(name)
        if agent is None or agent.owner.frozen or not self._hub.network.linked(self.name, name):
            self._disconnected(name)

    def _disconnected(self, name: str) -> None:
        heard = self._heard.get(name)
        if heard is not None and heard.connected:
            heard.connected = False
            self._viewed_ms = -1.0
            self._on_change()

    async def ask_promise(self, peer: str, request: PromiseRequest, limit_ms: int) -> Report | Refusal:
        """See the port."""
        return await self._ask(peer, lambda s: s.promise(request), limit_ms)

    async def confirm(self, peer: str, term: int, limit_ms: int) -> Confirmation | Refusal:
        """See the port."""
        return await self._ask(peer, lambda s: s.confirm(term), limit_ms)

    async def release_slot(self, peer: str, name: str, limit_ms: int) -> None:
        """See the port."""
        await self._ask(peer, lambda s: s.release_slot(name), limit_ms)

    async def _ask(self, peer: str, work: Callable[[PeerService], Awaitable[T]], limit_ms: int) -> T:
        guard(self.owner)
        loop, network = self._hub.loop, self._hub.network
        agent = self._hub.agents.get(peer)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if network.passes(self.name, peer):
            if agent is None:
                await loop.pause(network.delay(self.name, peer))
                raise PeerUnreachable(f"{peer} refuses connections")
            agent.asked.append(_Asking(self.owner, answer))
            loop.after(agent.owner, network.delay(self.name, peer), agent.serve, work, self, answer)
        try:
            async with asyncio.timeout(limit_ms / 1000):
                return await answer
        except TimeoutError as error:
            raise PeerUnreachable(f"{peer} did not answer within {limit_ms} ms") from error
        finally:
            if agent is not None:
                agent.asked = [a for a in agent.asked if a.answer is not answer]

    def serve(
        self, work: Callable[[PeerService], Awaitable[T]], asker: "SimPeers", answer: "asyncio.Future[T]"
    ) -> None:
        """A request arrived: it is carried out here, even if the asker hangs up."""
        if self.service is not None:
            self._hub.loop.spawn(self.owner, self._serve(work(self.service), asker, answer))

    async def _serve(self, work: Awaitable[T], asker: "SimPeers", answer: "asyncio.Future[T]") -> None:
        settle: Callable[[], None]
        try:
            settle = partial(answer.set_result, await work)
        except (PostgresFailure, DiskFailure) as error:
            settle = partial(answer.set_exception, PeerUnreachable(f"{self.name} answered with status 503: {error}"))
        guard(self.owner)
        network = self._hub.network
        if not network.passes(self.name, asker.name):
            return

        def heard() -> None:
            if not answer.done():
                settle()

        self._hub.loop.after(asker.owner, network.delay(self.name, asker.name), heard)

    async def probe(self, address: Address, limit_ms: int) -> ProbeResult:
        """See the port."""
        guard(self.owner)
        machine = self._hub.machines[address.host]
        if not self._hub.network.linked(self.name, machine.name):
            await self._hub.loop.pause(limit_ms)
            return ProbeResult.SLOW
        await self._hub.loop.pause(2 * self._hub.network.delay(self.name, machine.name))
        if address == machine.api:
            return ProbeResult.ACCEPTS if machine.name in self._hub.agents else ProbeResult.REFUSED
        listens = machine.server is not None and machine.server.postmaster
        return ProbeResult.ACCEPTS if listens else ProbeResult.REFUSED
