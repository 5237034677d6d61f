"""An agent's API on a real socket, over a view that shows what the test tells it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from fastapi import APIRouter

from howdah.api.app import build_app
from howdah.api.assemble import cluster_status
from howdah.api.server import ApiServer
from howdah.api.status import ClusterStatus
from howdah.api.view import AgentView, Explanation, NodeReason, Operations, Refused, Scope
from howdah.cluster.intents import Intents
from howdah.cluster.peerstate import NodeState, Published
from howdah.cluster.record import Mode, Phase, Record
from howdah.ports.peers import PeerView
from howdah.telemetry.history import RoleChange
from howdah.values.address import Address
from howdah.values.lsn import Lsn
from howdah.values.member import Member

LOCALHOST = "127.0.0.1"
TOKEN = "token of the cluster"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
N1, N2, N3, N4 = (Member(f"n{number}", f"id-{number}") for number in (1, 2, 3, 4))
RECORD = Record(
    "c", "7", 1, 3, Phase.ESTABLISHED, N1, (N2, N3), 1, Mode.QUORUM, (), serving=True
)  # fmt: skip
END = Lsn(0x5000000)


def node(member: Member, **changes: Any) -> Published:
    """A standby that streams and has everything, unless told otherwise."""
    number = int(member.name[1:])
    plain = Published(
        member,
        Address(LOCALHOST, 5430 + number),
        Address(LOCALHOST, 8000 + number),
        NodeState.STREAMING,
        record=RECORD,
        timeline=2,
        end_lsn=END,
        version=180000,
        reason="it streams",
        rule="FOLLOW",
    )
    return replace(plain, **changes)


def primary(**changes: Any) -> Published:
    """n1, serving in term 3."""
    return node(N1, **{"state": NodeState.RUNNING, "primary": True, "serving_term": 3, **changes})


@dataclass
class FakeOperations:
    """Writes down what it is asked; refuses when told to."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    failure: Exception | None = None

    async def switchover(self, to: str, at_wall_ms: int) -> str:
        """Noted."""
        return self._note("switchover", to, at_wall_ms)

    async def cancel_switchover(self) -> str:
        """Noted."""
        return self._note("cancel_switchover")

    async def failover(self, to: str, accept_data_loss: bool, given_up: tuple[str, ...]) -> str:
        """Noted."""
        return self._note("failover", to, accept_data_loss, given_up)

    async def pause(self, paused: bool) -> str:
        """Noted."""
        return self._note("pause", paused)

    async def restart(self, node: str) -> str:
        """Noted."""
        return self._note("restart", node)

    async def reload(self) -> str:
        """Noted."""
        return self._note("reload")

    async def reinit(self) -> str:
        """Noted."""
        return self._note("reinit")

    async def set_config(self, key: str, value: str) -> str:
        """Noted."""
        return self._note("set_config", key, value)

    async def shutdown(self, scope: Scope) -> str:
        """Noted."""
        return self._note("shutdown", scope)

    def _note(self, *what: Any) -> str:
        if self.failure:
            raise self.failure
        self.asked.append(what)
        return f"{what[0]} is done"


@dataclass
class FakeView:
    """One agent: what it publishes, what its peers say, and what can be asked of it."""

    me: Published = field(default_factory=primary)
    peers: dict[str, PeerView] = field(default_factory=dict)
    intents: Intents = Intents(nodes=("n1", "n2", "n3"))
    living: bool = True
    asked_of: FakeOperations = field(default_factory=FakeOperations)

    @property
    def operations(self) -> Operations:
        """The fake ones."""
        return self.asked_of

    def alive(self) -> bool:
        """As told."""
        return self.living

    def published(self) -> Published:
        """As told."""
        return self.me

    def cluster_status(self) -> ClusterStatus:
        """Put together as a real agent does."""
        return cluster_status("c", self.me, self.peers, self.intents)

    def explain(self) -> Explanation:
        """A sentence on each."""
        return Explanation(("n1 leads",), ("n3 is away",), (NodeReason("n1", "SERVE", "it serves"),))

    def history(self) -> Sequence[RoleChange]:
        """One change."""
        return (RoleChange(3, "n1", "the holder did not renew", 1_777_890_030_123, 2, Lsn(0x3000060), 620, "n1"),)

    async def config(self) -> Mapping[str, Any]:
        """Something."""
        return {"mode": "quorum"}

    async def metrics_text(self) -> str:
        """Something."""
        return "pg_up 1.0\n"

    def own_metrics_text(self) -> str:
        """Something else."""
        return "howdah_term 3.0\n"


def heard(state: Published, connected: bool = True) -> PeerView:
    """What a peer said just now."""
    return PeerView(state, 100, connected)


@asynccontextmanager
async def served(view: FakeView, also: Sequence[APIRouter] = ()) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, which ends with the block."""
    seen: AgentView = view
    server = ApiServer(build_app(seen, TOKEN, also), Address(LOCALHOST, 0))
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://{server.address}", trust_env=False) as client:
            yield client
    finally:
        await server.stop()


def talk(view: FakeView, story: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Serve the view while the story runs."""

    async def run() -> None:
        async with served(view) as client:
            await story(client)

    asyncio.run(run())


REFUSED = Refused("n2 cannot lead: it is not a voter of term 3")
