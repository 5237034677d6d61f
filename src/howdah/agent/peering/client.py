"""How does an agent hear and ask the others? (`ports.peers.Peers` over HTTP)"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import httpx

from howdah.agent.peering.broadcast import Broadcast
from howdah.agent.peering.codec import (
    ConfirmRequest,
    Message,
    MessageUnreadable,
    SlotRequest,
    decode,
    encode,
)
from howdah.agent.peering.identity import CLUSTER_HEADER, NODE_HEADER, Identity
from howdah.agent.peering.probe import probe
from howdah.agent.peering.stream import CONNECT_MS_MAX, KEEP_ALIVE, PeerStream
from howdah.cluster.peerstate import Confirmation, PromiseRequest, Published, Refusal, Report
from howdah.ports.peers import PeerUnreachable, PeerView, ProbeResult
from howdah.values.address import Address

Answer = TypeVar("Answer", Report, Confirmation)


@dataclass(frozen=True, slots=True)
class _Peer:
    client: httpx.AsyncClient
    stream: PeerStream
    task: asyncio.Task[None]


class HttpPeers:
    """`Peers`, with a stream kept open to each configured peer.

    `on_change` is called, in the event loop, at each new state of a peer (mere progress is only in its view, see
    `only_progress`) and whenever one connects, disconnects or falls silent. What it raises goes to the loop's exception
    handler."""

    def __init__(
        self,
        identity: Identity,
        broadcast: Broadcast,
        on_change: Callable[[], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` checks the peers' certificates; None: they speak plain HTTP."""
        self._identity = identity
        self._tls = tls
        self._broadcast = broadcast
        self._on_change = on_change
        self._peers: dict[str, _Peer] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def set_peers(self, addresses: Mapping[str, Address]) -> None:
        """Who the others are and where their agents listen; may change at any time. What is known of a peer that stays
        at its address is kept. Must be called inside the event loop."""
        for name, peer in list(self._peers.items()):
            if addresses.get(name) != peer.stream.address:
                self._end(self._peers.pop(name))
        for name, address in addresses.items():
            if name not in self._peers and name != self._identity.node:
                self._peers[name] = self._begin(name, address)

    async def close(self) -> None:
        """End all streams and requests under way."""
        for peer in self._peers.values():
            self._end(peer)
        self._peers.clear()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def views(self) -> Mapping[str, PeerView]:
        """What is known of each configured peer that was ever heard."""
        seen = ((name, peer.stream.view()) for name, peer in self._peers.items())
        return {name: view for name, view in seen if view is not None}

    def connected(self) -> tuple[str, ...]:
        """Whose streams are open now."""
        return tuple(name for name, view in self.views().items() if view.connected)

    def publish(self, state: Published) -> None:
        """Tell every connected peer."""
        self._broadcast.publish(state)

    async def ask_promise(self, peer: str, request: PromiseRequest, limit_ms: int) -> Report | Refusal:
        """Ask for a revocation and wait for its report. Raises PeerUnreachable."""
        return self._read(Report, peer, await self._post(peer, "promise", request, limit_ms))

    async def confirm(self, peer: str, term: int, limit_ms: int) -> Confirmation | Refusal:
        """Ask whether the peer is not revoked above `term`. Raises PeerUnreachable."""
        return self._read(Confirmation, peer, await self._post(peer, "confirm", ConfirmRequest(term), limit_ms))

    async def release_slot(self, peer: str, name: str, limit_ms: int) -> None:
        """Ask the primary's agent to end the old walsender that holds this member's slot. Raises PeerUnreachable."""
        answer = await self._post(peer, "release-slot", SlotRequest(name), limit_ms)
        if answer.status_code != 204:
            raise self._wrong(peer, answer)

    async def probe(self, address: Address, limit_ms: int) -> ProbeResult:
        """One fresh TCP connection."""
        return await probe(address, limit_ms)

    def _begin(self, name: str, address: Address) -> _Peer:
        client = httpx.AsyncClient(
            base_url=f"{'https' if self._tls else 'http'}://{address}",
            headers=self._identity.request_headers(name),
            timeout=httpx.Timeout(None, connect=CONNECT_MS_MAX / 1000),
            transport=httpx.AsyncHTTPTransport(
                verify=self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # without one httpx reads all certificates
                trust_env=False,
                # A kept connection may lead to a machine that is gone, and a vote would wait for it in vain.
                limits=httpx.Limits(max_keepalive_connections=0),
                socket_options=KEEP_ALIVE,
            ),
        )
        stream = PeerStream(name, address, self._identity, client, self._on_change)
        task = asyncio.create_task(_run(stream, client), name=f"stream of {name}")
        task.add_done_callback(_report_failure)
        return _Peer(client, stream, task)

    def _end(self, peer: _Peer) -> None:
        peer.task.cancel()
        self._ending.add(peer.task)
        peer.task.add_done_callback(self._ending.discard)

    async def _post(self, name: str, what: str, body: Message, limit_ms: int) -> httpx.Response:
        peer = self._peers.get(name)
        if peer is None:
            raise PeerUnreachable(f"no address of {name} is configured")
        try:
            async with asyncio.timeout(limit_ms / 1000):
                answer = await peer.client.post(f"/peer/{what}", content=encode(body))
        except TimeoutError as error:
            raise PeerUnreachable(f"{name} did not answer {what} within {limit_ms} ms") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
            # RuntimeError: the client was closed meanwhile, since the peer was removed.
            raise PeerUnreachable(f"{name} cannot be asked for {what}: {error or type(error).__name__}") from error
        found = (answer.headers.get(CLUSTER_HEADER), answer.headers.get(NODE_HEADER))
        if answer.is_success and found != (self._identity.cluster, name):
            raise PeerUnreachable(f"somebody else than {name} answers at {peer.stream.address}")
        return answer

    def _read(self, kind: type[Answer], peer: str, answer: httpx.Response) -> Answer | Refusal:
        try:
            if answer.status_code == 409:
                return decode(Refusal, answer.content)
            if answer.status_code == 200:
                return decode(kind, answer.content)
        except MessageUnreadable as error:
            raise PeerUnreachable(f"{peer}: {error}") from error
        raise self._wrong(peer, answer)

    def _wrong(self, peer: str, answer: httpx.Response) -> PeerUnreachable:
        return PeerUnreachable(f"{peer} answered with status {answer.status_code}: {answer.text[:300]}")


async def _run(stream: PeerStream, client: httpx.AsyncClient) -> None:
    async with client:
        await stream.run()


def _report_failure(task: asyncio.Task[None]) -> None:
    """A stream's task ends only when it is cancelled; anything else is a mistake in the program."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": f"the {task.get_name()} ended", "exception": error})
