"""What do the agents say of who leads and where the nodes are? (For a router that may not reach the store.)

Every agent is asked. The highest term is believed, and in it only a primary that itself says that it serves.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx
import structlog

from howdah.api.documents import ClusterDocument, NodeDocument
from howdah.routing.clusterview import ClusterView, NodeView
from howdah.values.address import Address

POLL_MS_MAX = 500.0
"""Nothing is pushed on this way, so it is asked often."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """One agent's answers: of itself, and of the cluster. `asked_ms`: before it was asked."""

    asked_ms: float
    node: NodeDocument
    cluster: ClusterDocument


class AgentSource:
    """Asks for ever. `take` gets every view; `now_ms` is the clock that the fleet goes by."""

    def __init__(
        self,
        cluster: str,
        agents: Sequence[Address],
        take: Callable[[ClusterView], None],
        now_ms: Callable[[], float],
        poll_interval_ms: float,
        timeout_ms: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls`: what checks the agents' certificates; None for plain HTTP."""
        self._cluster = cluster
        self._agents = tuple(agents)
        self._take = take
        self._now_ms = now_ms
        self._poll_interval_ms = min(poll_interval_ms, POLL_MS_MAX)
        self._timeout_ms = timeout_ms
        self._tls = tls
        self._nudged = asyncio.Event()
        self._nodes: dict[str, NodeView] = {}
        self.trouble = ""

    def nudge(self) -> None:
        """Ask soon: somebody has seen more than the agents said."""
        self._nudged.set()

    async def run(self) -> None:
        """Until cancelled. An agent that answers late delays nobody else's word for longer than the timeout."""
        scheme = "http" if self._tls is None else "https"
        timeout = httpx.Timeout(self._timeout_ms / 1000)
        async with httpx.AsyncClient(verify=self._tls or False, timeout=timeout, trust_env=False) as client:
            while True:
                self._nudged.clear()
                await self._round(client, scheme)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_interval_ms / 1000):
                        await self._nudged.wait()

    async def _round(self, client: httpx.AsyncClient, scheme: str) -> None:
        answers = await asyncio.gather(*(self._ask(client, f"{scheme}://{agent}") for agent in self._agents))
        said = [answer for answer in answers if isinstance(answer, Said)]
        troubles = [answer for answer in answers if isinstance(answer, str)]
        trouble = "; ".join(troubles) if not said else ""
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble:
                log.warning(f"no agent says who leads: {trouble}", part="topology")
        if said:
            self._nodes = nodes_of(said, self._nodes)
            self._take(view_of(said, self._nodes))

    async def _ask(self, client: httpx.AsyncClient, url: str) -> Said | str:
        asked_ms = self._now_ms()
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                node = NodeDocument.model_validate_json(await self._get(client, f"{url}/status"))
                cluster = ClusterDocument.model_validate_json(await self._get(client, f"{url}/cluster"))
        except TimeoutError:
            return f"{url} did not answer within {self._timeout_ms:g} ms"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return f"{url}: {error or type(error).__name__}"
        if node.cluster != self._cluster:
            return f"{url} is an agent of the cluster {node.cluster}, not of {self._cluster}"
        return Said(asked_ms, node, cluster)

    async def _get(self, client: httpx.AsyncClient, url: str) -> bytes:
        answer = await client.get(url)
        answer.raise_for_status()
        return answer.content


def nodes_of(said: Sequence[Said], known: Mapping[str, NodeView]) -> dict[str, NodeView]:
    """Every node that the newest answer names, and where it is: by its own word, by another's, or as it was `known`."""
    newest = max(said, key=lambda one: (one.cluster.term, one.asked_ms))
    told = dict(known)
    for one in said:
        for node in one.cluster.nodes:
            if node.host is not None and node.port is not None:
                told[node.name] = NodeView(node.name, node.host, node.port)
    told |= {one.node.name: NodeView(one.node.name, one.node.host, one.node.port) for one in said if one.node.host}
    names = {node.name for node in newest.cluster.nodes}
    return {name: node for name, node in sorted(told.items()) if name in names}


def view_of(said: Sequence[Said], nodes: Mapping[str, NodeView]) -> ClusterView:
    """What all of them together say; there is at least one."""
    term = max(max(one.node.term, one.cluster.term) for one in said)
    leaders = [one for one in said if one.node.role == "primary" and one.node.term == term]
    leader = max(leaders, key=lambda one: one.node.serving, default=None)
    return ClusterView(
        age=(0, term, 0),
        term=term,
        holder=leader.node.name if leader else "",
        holder_id=leader.node.member_id if leader else "",
        serving=leader is not None and leader.node.serving,
        nodes=tuple(nodes.values()),
        asked_ms=leader.asked_ms if leader else min(one.asked_ms for one in said),
        system_identifier=next((one.cluster.system_identifier for one in said if one.cluster.system_identifier), ""),
    )
