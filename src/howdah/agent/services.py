"""How do a cluster's Services in Kubernetes follow its primary and its standbys?

What should stand behind them is decided in `cluster/services.py`; here it is written, as soon as it changes, and
compared again now and then. With the API server away it is simply tried again: the database goes on without it.
"""

import asyncio
import contextlib
import socket
from dataclasses import dataclass

from howdah.agent.waking import Wake
from howdah.cluster.observation import Observation
from howdah.cluster.services import Behind, behind
from howdah.ports.events import Journal
from howdah.ports.store import StoreUnavailable
from howdah.stores.kubernetes.api import KubernetesApi
from howdah.stores.kubernetes.slices import Slice, family_of, put_slice

AGAIN_MS = 300
COMPARE_MS = 10_000
"""So soon something is mended that somebody else changed, and a standby that has another address now is found."""

END_SECONDS = 1.0
"""At the agent's end: how long it tries to leave nobody behind the Service of the primary."""


@dataclass(frozen=True, slots=True)
class Services:
    """`primary` and `read` are names of Services, "" for none; `address` is this pod's, a number."""

    namespace: str
    primary: str
    read: str
    port_name: str
    address: str
    port: int


class ServiceSteering:
    """Runs beside the decisions. `look` takes every observation."""

    def __init__(self, api: KubernetesApi, services: Services, journal: Journal) -> None:
        """Raises ValueError if the address is no number."""
        self._api = api
        self._services = services
        self._family = family_of(services.address)
        self._journal = journal
        self._wanted: Behind | None = None
        self._changed = Wake()
        self._trouble = ""

    def look(self, o: Observation) -> None:
        """See what should stand behind the Services now."""
        wanted = behind(o)
        if wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._changed.clear()
            written = await self._write_all()
            await self._changed.wait(COMPARE_MS if written else AGAIN_MS)

    async def end(self) -> None:
        """The last word of an agent that ends: it is not behind the Service any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._write_all()

    async def _write_all(self) -> bool:
        """Whether all is as it should be."""
        wanted, services = self._wanted, self._services
        if wanted is None:
            return True
        try:
            if services.primary:
                own = (services.address,) if wanted.primary else ()
                await self._put(services.primary, own, wanted)
            complete = True
            if services.read:
                addresses, complete = await self._numbers(wanted)
                await self._put(services.read, addresses, wanted)
        except StoreUnavailable as trouble:
            self._complain(str(trouble), wanted.author.term)
            return False
        self._trouble = ""
        return complete

    async def _put(self, service: str, addresses: tuple[str, ...], wanted: Behind) -> None:
        services = self._services
        await put_slice(
            self._api,
            services.namespace,
            Slice(service, self._family, addresses, services.port, services.port_name, wanted.author),
        )

    async def _numbers(self, wanted: Behind) -> tuple[tuple[str, ...], bool]:
        """The standbys' addresses as numbers, and whether each was found."""
        found = await asyncio.gather(*(self._number(address.host) for _, address in wanted.standbys))
        return tuple(sorted({number for number in found if number})), all(found)

    async def _number(self, host: str) -> str:
        family = socket.AF_INET if self._family == "IPv4" else socket.AF_INET6
        try:
            answers = await asyncio.get_running_loop().getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM)
        except OSError:
            return ""  # its pod is not known any more, or not yet
        return str(answers[0][4][0]) if answers else ""

    def _complain(self, trouble: str, term: int) -> None:
        """Once, not at every attempt."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._journal.noted("SERVICES", f"the Services could not be changed: {trouble}", term)
