"""What does one peer say, and is it heard now?

A peer's process that dies breaks its stream at once: the kernel closes the connection. A peer that is stopped or slow
breaks nothing; it is only no longer heard, and its connection stays open for the moment it wakes up. Keep-alive probes
of the kernel end a connection whose other machine is gone without a word.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

import httpx
import structlog

from howdah.agent.peering.broadcast import HEARTBEAT_SECONDS
from howdah.agent.peering.codec import MessageUnreadable, decode
from howdah.agent.peering.identity import CLUSTER_HEADER, NODE_HEADER, Identity
from howdah.agent.peering.probe import probe
from howdah.cluster.peerstate import Published, only_progress
from howdah.ports.peers import PeerView, ProbeResult
from howdah.values.address import Address

MISSED_HEARTBEATS_MAX = 3
SILENCE_SECONDS_MAX = MISSED_HEARTBEATS_MAX * HEARTBEAT_SECONDS
"""Silent for so long: no longer heard, which is "slow" and not "gone"."""

CONNECT_MS_MAX = 1000
BACK_OFF_SECONDS_MIN = 0.1
BACK_OFF_SECONDS_MAX = 0.5
"""Short, since a returned peer should be heard at once; a refused attempt costs a fifth of a
millisecond of processor time."""

LINE_BYTES_MAX = 4 * 1024 * 1024
"""Far above any state (a few kilobytes): who sends more is not an agent."""

KEEP_ALIVE: list[tuple[int, int, int]] = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", 0)), 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]
"""A machine that vanished is noticed by its dead connection after some six seconds. A stopped process is not: its
kernel answers."""

log = structlog.get_logger(__name__)


class _Rejected(Exception):
    """Whoever answers at that address is not the peer, or does not talk to us."""


class PeerStream:
    """The stream of one peer, opened again whenever it ends."""

    def __init__(
        self,
        name: str,
        address: Address,
        identity: Identity,
        client: httpx.AsyncClient,
        on_change: Callable[[], None],
    ) -> None:
        self.name = name
        self.address = address
        self._identity = identity
        self._client = client
        self._on_change = on_change
        self._published: Published | None = None
        self._line = b""
        self._heard = 0.0  # on the loop's clock
        self._connected = False
        self._silence: asyncio.TimerHandle | None = None
        self._complaint = ""

    def view(self) -> PeerView | None:
        """What the peer last said; None if it was never heard."""
        if self._published is None:
            return None
        age = asyncio.get_running_loop().time() - self._heard
        return PeerView(self._published, max(0, int(age * 1000)), self._connected)

    async def run(self) -> None:
        """Listen until cancelled."""
        back_off = BACK_OFF_SECONDS_MIN
        while True:
            try:
                heard_before = self._heard
                if await probe(self.address, CONNECT_MS_MAX) is ProbeResult.ACCEPTS:
                    await self._listen()
                if self._heard != heard_before:
                    back_off = BACK_OFF_SECONDS_MIN
            finally:
                self._disconnected()
            await asyncio.sleep(back_off)
            back_off = min(2 * back_off, BACK_OFF_SECONDS_MAX)

    async def _listen(self) -> None:
        try:
            async with self._client.stream("GET", "/peer/stream") as response:
                self._check(response)
                self._line = b""  # a restarted agent that has said nothing yet must not be taken for its old state
                rest = b""
                async for data in response.aiter_raw():
                    *lines, rest = (rest + data).split(b"\n")
                    if len(rest) > LINE_BYTES_MAX:
                        raise _Rejected("sends a line that never ends")
                    self._take(lines)
        except _Rejected as rejection:
            self._complain(f"{self.name} at {self.address} {rejection}")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if reason := tls_trouble(error):
                self._complain(f"{self.name} at {self.address} {reason}")
            # Else it is gone, or not there yet.

    def _check(self, response: httpx.Response) -> None:
        found = (response.headers.get(CLUSTER_HEADER), response.headers.get(NODE_HEADER))
        if response.status_code == 401:
            raise _Rejected("refuses our token: it belongs to another cluster, or its token was changed")
        if found != (self._identity.cluster, self.name):
            cluster, node = found
            who = f"is node {node} of cluster {cluster}" if node else "is no agent of Howdah"
            raise _Rejected(f"{who}: somebody else has this address, so it is ignored; correct the peer's address")
        if response.status_code != 200:
            raise _Rejected(f"refuses its stream with status {response.status_code}")

    def _take(self, lines: list[bytes]) -> None:
        """Only the newest of several lines counts: each holds the whole state."""
        if not lines:
            return
        self._heard = asyncio.get_running_loop().time()
        if self._silence is None:
            self._expect(SILENCE_SECONDS_MAX)
        newest = next((line for line in reversed(lines) if line), self._line)
        changed = newest != self._line
        if changed:
            before, self._published = self._published, self._read(newest)
            self._line = newest
            changed = before is None or not only_progress(before, self._published)
        if self._line and not self._connected:
            self._connected = changed = True
            self._complaint = ""
        if changed:
            self._on_change()

    def _read(self, line: bytes) -> Published:
        try:
            published = decode(Published, line)
        except MessageUnreadable as error:
            raise _Rejected(f"says what we cannot read: {error}") from error
        if published.member.name != self.name:
            raise _Rejected(f"speaks for {published.member.name}, so it is ignored; correct the peer's address")
        return published

    def _expect(self, seconds: float) -> None:
        self._silence = asyncio.get_running_loop().call_later(seconds, self._judge_silence)

    def _judge_silence(self) -> None:
        """One timer that is seldom set anew, instead of one for every line."""
        left = self._heard + SILENCE_SECONDS_MAX - asyncio.get_running_loop().time()
        if left > 0:
            self._expect(left)
            return
        self._silence = None
        if self._connected:
            self._connected = False
            self._on_change()

    def _disconnected(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if self._connected:
            self._connected = False
            self._on_change()

    def _complain(self, complaint: str) -> None:
        """Once, not at every attempt."""
        if complaint != self._complaint:
            self._complaint = complaint
            log.warning(complaint)


def tls_trouble(error: BaseException) -> str:
    """Why a peer was not believed, as a clause with the mend; "" if the failure was not one of TLS."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return ""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"shows a certificate that is not accepted ({cause.verify_message}): give it one that api.ca_file signs, "
            "that is for this address and has not expired"
        )
    return f"does not speak TLS as we do ({cause.reason or cause}): set api.cert_file on every node, or on none"
