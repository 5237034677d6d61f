"""Whose is this node's name, if another agent of the cluster has it too?

Two agents of one name would promise, stream and hold slots under it in turn, and each would take the other's directory
for its own that was replaced. Its document in the store says which agent has the name: the one that holds it goes on,
and another one ends, with a sentence that says so.
"""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from howdah.agent.seat import Seat
from howdah.cluster.incarnation import same_seat
from howdah.ports.clock import Clock
from howdah.values.address import Address

LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Entry:
    """What a node's document in the store says: where its agent and server are reached, and which agent that is."""

    api: Address
    postgres: Address
    incarnation: str = ""
    member_id: str = ""


@dataclass(frozen=True, slots=True)
class Free:
    """The name may be taken, in the document as it was read."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Not yet: the agent that has the name is silent, and may be alive."""

    why: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Another agent has it: this one ends."""

    why: str


class Claim:
    """One agent's claim to its name. `answers` asks whether an agent of this name answers at an address."""

    def __init__(
        self,
        name: str,
        api: Address,
        seat: Seat,
        clock: Clock,
        answers: Callable[[Address], Awaitable[bool]],
        silence_ms: int,
    ) -> None:
        """`silence_ms`: for so long nobody has to have answered, where the other one may be alive."""
        self._name = name
        self._api = api
        self._seat = seat
        self._clock = clock
        self._answers = answers
        self._silence_ms = silence_ms
        self._silent: tuple[Entry, int] | None = None
        self.held = False
        self.listens = False  # our own API answers by now: at our own address nobody else can be heard

    @property
    def incarnation(self) -> str:
        """Of this agent."""
        return self._seat.incarnation

    async def judge(self, entry: Entry | None, member_id: str) -> Free | Waits | Taken:
        """What the document means for this agent."""
        if entry is None or (entry.incarnation and same_seat(entry.incarnation, self.incarnation)):
            return Free()
        if self.held and entry.incarnation:
            return Taken(f"another agent took the name {self._name} and is reached at {entry.api}. {self._mend}")
        if member_id and entry.member_id == member_id and not self._seat.continues(entry.incarnation):
            return Taken(
                f"another copy of {self._name}'s directory has been in use since, at {entry.api}: it has what this one "
                f"lacks. Move this directory away, and it is cloned anew. If the other copy is lost, and with it what "
                f"it acknowledged, remove {self._seat.home_file} and start again"
            )
        if not (self.listens and entry.api == self._api) and await self._answers(entry.api):
            return Taken(f"another agent is called {self._name} already, and answers at {entry.api}. {self._mend}")
        if not entry.incarnation:
            return Free()
        now = self._clock.monotonic_ms()
        if self._silent is None or self._silent[0] != entry:
            self._silent = (entry, now)
        if now - self._silent[1] < self._silence_ms:
            return Waits(
                f"{self._name} was run elsewhere, or before this machine was restarted: its agent may be alive"
            )
        return Free()

    @property
    def _mend(self) -> str:
        return "Give this one another node.name and an empty directory, or stop that one if this is to take its place"


async def answers_as(api: Address, cluster: str, name: str, tls: ssl.SSLContext | None = None) -> bool:
    """Whether an agent of that name and cluster answers there."""
    try:
        # Without a context httpx reads all of the system's certificates, which stay in memory.
        context = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False, verify=context) as client:
            document = (await client.get(f"{'https' if tls else 'http'}://{api}/health")).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(document, dict) and (document.get("cluster"), document.get("name")) == (cluster, name)
