"""How does an agent speak with the other agents?"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from howdah.cluster.peerstate import Confirmation, PromiseRequest, Published, Refusal, Report
from howdah.values.address import Address


class PeerUnreachable(Exception):
    """The peer's agent did not answer in time, or refused the connection."""


class ProbeResult(StrEnum):
    """What a fresh TCP connection met. Only REFUSED speaks for "gone"; SLOW does not (part 6)."""

    ACCEPTS = "accepts"
    REFUSED = "refused"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class PeerView:
    """The last published state, its age, and whether the stream that carries it is open now."""

    published: Published
    age_ms: int
    connected: bool


class Peers(Protocol):
    """The other agents of the cluster, by name."""

    def views(self) -> Mapping[str, PeerView]:
        """What is known of each peer that was ever heard."""
        ...

    def publish(self, state: Published) -> None:
        """Tell every connected peer, at once if it differs from what was told before."""
        ...

    async def ask_promise(self, peer: str, request: PromiseRequest, limit_ms: int) -> Report | Refusal:
        """Ask for a revocation and wait for its report. Raises PeerUnreachable."""
        ...

    async def confirm(self, peer: str, term: int, limit_ms: int) -> Confirmation | Refusal:
        """Ask whether the peer is not revoked above `term`. Raises PeerUnreachable."""
        ...

    async def release_slot(self, peer: str, name: str, limit_ms: int) -> None:
        """Ask the primary's agent to end an old walsender that holds this node's slot. Raises PeerUnreachable."""
        ...

    async def probe(self, address: Address, limit_ms: int) -> ProbeResult:
        """One fresh TCP connection."""
        ...


class PeerService(Protocol):
    """What an agent answers to its peers; the transport calls it."""

    async def promise(self, request: PromiseRequest) -> Report | Refusal:
        """Revoke this server for the term and report, or say why not. May take as long as the revocation."""
        ...

    async def confirm(self, term: int) -> Confirmation | Refusal:
        """Say, under the lock that promises take, whether this server is not revoked above `term` and follows it."""
        ...

    async def release_slot(self, name: str) -> None:
        """End the walsender that holds this member's slot, if one does (a cut receiver's may linger)."""
        ...
