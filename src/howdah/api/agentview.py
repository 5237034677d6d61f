"""How does a real agent answer the REST interface? (`view.AgentView` over the agent's parts)"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from howdah.agent.node import Node
from howdah.agent.operations import NotDone
from howdah.agent.operations import Operations as Orders
from howdah.agent.publishing import Extra, publish
from howdah.api.assemble import cluster_status
from howdah.api.status import ClusterStatus
from howdah.api.view import Explanation, NodeReason, Operations, Refused, Scope
from howdah.cluster.actions import Leaving
from howdah.cluster.explain import explain, problems, switchover_sentence
from howdah.cluster.following import reason_not_to_stand
from howdah.cluster.observation import Observation
from howdah.cluster.peerstate import Published
from howdah.ports.postgres import SqlFailed
from howdah.postgres.parametercheck import check_with_postgres
from howdah.postgres.statistics import read_statistics
from howdah.telemetry.history import RoleChange
from howdah.telemetry.metrics import Metrics

ALIVE_MS = 10_000
"""A loop that has not decided for so long hangs: it looks several times a second."""


class NodeOperations:
    """`view.Operations`: the agent's orders, with a sentence for each."""

    def __init__(self, orders: Orders, node: str) -> None:
        self._orders = orders
        self._node = node

    async def switchover(self, to: str, at_wall_ms: int) -> str:
        """Hand over. Raises Refused."""
        try:
            request = await self._orders.switchover(to, at_wall_ms)
        except NotDone as refused:
            raise Refused(str(refused)) from refused
        when = "at its time" if at_wall_ms else "now"
        return f"the switchover to {to or 'the best standby'} begins {when} (request {request})"

    async def cancel_switchover(self) -> str:
        """Take the plan back. Raises Refused."""
        try:
            await self._orders.cancel_switchover()
        except NotDone as refused:
            raise Refused(str(refused)) from refused
        return "no switchover is planned any more"

    async def failover(self, to: str, accept_data_loss: bool, given_up: tuple[str, ...]) -> str:
        """The door, or (without data loss) a switchover. Raises Refused."""
        if not accept_data_loss:
            return await self.switchover(to, 0)
        if to not in ("", self._node):
            raise Refused(f"ask {to} itself: it is the one that is to lead")
        try:
            await self._orders.failover(given_up)
        except NotDone as refused:
            raise Refused(str(refused)) from refused
        return f"{self._node} is forced to lead; given up: {', '.join(given_up)}"

    async def pause(self, paused: bool) -> str:
        """Stop or allow automatic role changes. Raises Refused."""
        try:
            await self._orders.pause(paused)
        except NotDone as refused:
            raise Refused(str(refused)) from refused
        return (
            "paused: no role changes by itself until you resume" if paused else "resumed: roles change again as needed"
        )

    async def restart(self, node: str) -> str:
        """Restart this node's server. Raises Refused."""
        self._only_here(node)
        self._order(self._orders.restart)
        return f"the server of {self._node} restarts"

    async def reload(self) -> str:
        """Write the settings again and have them read."""
        self._orders.reload()
        return f"the server of {self._node} reads its settings again"

    async def reinit(self) -> str:
        """Clone anew. Raises Refused."""
        self._order(self._orders.reinit)
        return f"{self._node} is cloned anew"

    async def set_config(self, key: str, value: str) -> str:
        """Change one setting. Raises Refused."""
        try:
            await self._orders.set_config(f"{key}={value}")
        except NotDone as refused:
            raise Refused(str(refused)) from refused
        return f"{key} is {value}" if value else f"{key} has its default again"

    async def shutdown(self, scope: Scope) -> str:
        """Stop."""
        self._orders.shutdown(Leaving.CLUSTER if scope is Scope.CLUSTER else Leaving.NODE)
        return f"{self._node} stops" + (" with its cluster" if scope is Scope.CLUSTER else "")

    def _only_here(self, node: str) -> None:
        if node not in ("", self._node):
            raise Refused(f"this is {self._node}: ask the agent of {node}")

    def _order(self, order: Callable[[], None]) -> None:
        try:
            order()
        except NotDone as refused:
            raise Refused(str(refused)) from refused


class NodeView:
    """`view.AgentView` for one agent."""

    def __init__(self, node: Node, metrics: Metrics, history: Callable[[], Sequence[RoleChange]]) -> None:
        self._node = node
        self._metrics = metrics
        self._history = history
        site = node.site
        self._orders = Orders(
            node.tools, node.loop, lambda given: check_with_postgres(site.installation, site.account, given)
        )
        self._operations = NodeOperations(self._orders, node.settings.node.name)

    @property
    def operations(self) -> Operations:
        """What can be asked of it."""
        return self._operations

    def alive(self) -> bool:
        """Whether the loop decides."""
        seen = self._node.loop.observation
        now = self._node.tools.clock.boot_ms()
        began = self._node.tools.situation.began_boot_ms
        return now - (seen.now_boot_ms if seen else began) < ALIVE_MS

    def published(self) -> Published:
        """This node's state as its peers see it."""
        situation, loop = self._node.tools.situation, self._node.loop
        if loop.published is not None:
            return loop.published
        return publish(self._now(), loop.decision, situation.address, situation.api, Extra(0, False, 0, ()))

    def cluster_status(self) -> ClusterStatus:
        """The whole cluster."""
        tools = self._node.tools
        return cluster_status(
            self._node.settings.cluster, self.published(), tools.peers.views(), tools.situation.intents
        )

    def explain(self) -> Explanation:
        """Why it is so."""
        o, decision = self._now(), self._node.loop.decision
        record = o.store.record
        own = reason_not_to_stand(o, record) if record is not None and not o.is_holder else ""
        nodes = [NodeReason(o.me.name, decision.rule, decision.why, own)]
        nodes += [
            NodeReason(p.published.member.name, p.published.rule, p.published.reason) for p in o.peers if p.connected
        ]
        reasons = tuple(sorted(nodes, key=lambda n: n.node))
        planned, failure = switchover_sentence(o), self._node.loop.switchover_failure
        return Explanation(explain(o, decision), problems(o), reasons, planned, failure, o.intents.removed)

    def history(self) -> Sequence[RoleChange]:
        """What this node wrote down."""
        return self._history()

    async def config(self) -> Mapping[str, Any]:
        """The settings in force. Raises StoreUnavailable."""
        return await self._orders.config()

    async def metrics_text(self) -> str:
        """Everything in Prometheus' text format."""
        try:
            rows = await read_statistics(self._node.sql)
        except SqlFailed:
            rows = {}
        return self._metrics.text(self._now(), rows)

    def own_metrics_text(self) -> str:
        """The agent's own."""
        return self._metrics.own_text(self._now())

    def _now(self) -> Observation:
        return self._node.tools.situation.observe(self._node.tools.keeper, self._node.tools.peers)
