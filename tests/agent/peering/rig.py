"""Agents on real sockets for the tests of peering: one in the test's own loop, or one as a process to be killed.

`python -m tests.agent.peering.rig NODE` serves a stream until it is killed, and prints its port first.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import FastAPI

from howdah.agent.peering.broadcast import Broadcast
from howdah.agent.peering.client import HttpPeers
from howdah.agent.peering.identity import Identity
from howdah.agent.peering.server import peer_router
from howdah.agent.tls import Tls
from howdah.api.server import ApiServer
from howdah.cluster.peerstate import Confirmation, NodeState, PromiseRequest, Published, Refusal, Report
from howdah.cluster.record import Mode, Phase, Record
from howdah.values.address import Address
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from howdah.values.position import Position
from tests.architecture.source import ROOT

LOCALHOST = "127.0.0.1"
TOKEN = "token of the cluster"


def state_of(node: str, **changes: Any) -> Published:
    """What the node publishes."""
    plain = Published(
        Member(node, f"id-{node}"), Address(LOCALHOST, 5432), Address(LOCALHOST, 8008), NodeState.STREAMING
    )
    return replace(plain, **changes)


def a_record(term: int = 3) -> Record:
    """A record with n1 as its holder and n2, n3 as its voters."""
    n1, n2, n3 = (Member(name, f"id-{name}") for name in ("n1", "n2", "n3"))
    return Record("c", "7", 1, term, Phase.ESTABLISHED, n1, (n2, n3), 1, Mode.QUORUM, ())


@dataclass
class FakeService:
    """A PeerService that answers what it is told, when it is told. `asked` lists the questions, `given_up`
    those whose asker hung up."""

    refuses: bool = False
    asked: list[object] = field(default_factory=list)
    given_up: list[object] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    async def promise(self, request: PromiseRequest) -> Report | Refusal:
        """A report once `may_answer` is set."""
        self.asked.append(request)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.given_up.append(request)
            raise
        if self.failure:
            raise self.failure
        if self.refuses:
            return Refusal("it follows another", 9)
        return Report(Member("n2", "id-n2"), request.term, Position(2, Lsn(77)), request.record.basis)

    async def confirm(self, term: int) -> Confirmation | Refusal:
        """A confirmation, or a refusal."""
        self.asked.append(term)
        return Refusal("revoked", term + 1) if self.refuses else Confirmation(Member("n2", "id-n2"), term)

    async def release_slot(self, name: str) -> None:
        """Nothing."""
        self.asked.append(name)
        if self.failure:
            raise self.failure


@dataclass
class Agent:
    """One agent's end of the wire."""

    identity: Identity
    port: int = 0
    service: FakeService = field(default_factory=FakeService)
    broadcast: Broadcast = field(default_factory=Broadcast)
    changes: int = 0
    tls: Tls | None = None

    def __post_init__(self) -> None:
        self.peers = HttpPeers(self.identity, self.broadcast, self._changed, self.tls.client if self.tls else None)
        app = FastAPI(openapi_url=None)
        app.include_router(peer_router(self.identity, self.broadcast, self.service))
        certificate = self.tls.server if self.tls else None
        self.server = ApiServer(app, Address(LOCALHOST, self.port), self.broadcast.close, certificate)

    def _changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def an_agent(
    node: str, cluster: str = "c", token: str = TOKEN, port: int = 0, tls: Tls | None = None
) -> AsyncIterator[Agent]:
    """An agent that serves and listens, closed at the end of the block."""
    agent = Agent(Identity(cluster, node, token), port, tls=tls)
    await agent.server.start()
    try:
        yield agent
    finally:
        await agent.peers.close()
        await agent.server.stop()


@contextmanager
def agent_process(node: str) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """An agent in a process of its own, killed at the end of the block if it still lives."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.agent.peering.rig", node], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        yield process, Address(LOCALHOST, int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def _serve(node: str) -> None:
    async with an_agent(node) as agent:
        agent.peers.publish(state_of(node))
        sys.stdout.write(f"{agent.server.address.port}\n")  # for the test that started this process
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
