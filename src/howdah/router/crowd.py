"""Which clients are there, and how long may each of them take?

Logging in, taking what is sent, and leaving have time limits: a client that does nothing, on purpose or because its
machine is gone, costs little and not for ever.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import structlog

from howdah.configuration.router import LimitSettings
from howdah.router.clientside import ClientWire, House
from howdah.routing.route import Route
from howdah.wire import sqlstate

LEAVING_MS = 10_000.0
"""Who was told to go gets its last words within this time."""
BUSY = sqlstate.error(
    sqlstate.FATAL, sqlstate.TOO_MANY_CONNECTIONS, "sorry, too many clients are logging in at this moment"
)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Stalled:
    """When it last took something, and how much was left then."""

    since_ms: float
    unsent_bytes: int
    look: Callable[[], int]


class Crowd:
    """`limits` may be changed at any time."""

    def __init__(self, house: House, limits: LimitSettings, now_ms: Callable[[], float]) -> None:
        self.limits = limits
        self._house = house
        self._now_ms = now_ms
        self._here: set[ClientWire] = set()
        # Since when, the longest first.
        self._silent: dict[ClientWire, float] = {}  # has not said who it is
        self._logging_in: dict[ClientWire, float] = {}
        self._leaving: dict[ClientWire, float] = {}
        self._stalled: dict[ClientWire, _Stalled] = {}

    def let_in(self, connection: socket.socket, route: Route) -> None:
        """A client comes. Where too many log in, one that does not speak has to go for it."""
        if len(self._logging_in) >= self.limits.logins_pending:
            silent = next(iter(self._silent), None)
            if silent is None:
                with contextlib.suppress(OSError):
                    connection.send(BUSY)
                connection.close()
                return
            silent.too_late()
            self._settled(silent)
        client = ClientWire(self._house, route)
        self._here.add(client)
        self._silent[client] = self._logging_in[client] = self._now_ms()
        self._house.start(self._connect(client, connection))

    async def _connect(self, client: ClientWire, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            # It has all the methods of a protocol, and needs no class above it.
            await loop.connect_accepted_socket(lambda: cast("asyncio.Protocol", client), connection)
        except OSError as error:
            log.info(f"a client was gone before it was let in: {error}", part="clients")
            connection.close()
            self.gone(client)

    def spoke(self, client: ClientWire) -> None:
        """It said who it is, and has to prove it."""
        self._silent.pop(client, None)

    def came(self, client: ClientWire) -> None:
        """Its login is over."""
        self._settled(client)

    def stalls(self, client: ClientWire, unsent_bytes: Callable[[], int]) -> None:
        """It does not take what is sent."""
        self._stalled[client] = _Stalled(self._now_ms(), unsent_bytes(), unsent_bytes)

    def flows(self, client: ClientWire) -> None:
        """It takes it again."""
        self._stalled.pop(client, None)

    def leaves(self, client: ClientWire) -> None:
        """It was shown out."""
        self._settled(client)
        self._leaving.setdefault(client, self._now_ms())

    def gone(self, client: ClientWire) -> None:
        """Its connection ended."""
        self._here.discard(client)
        self._settled(client)
        self._leaving.pop(client, None)
        self._stalled.pop(client, None)

    def tick(self) -> None:
        """End what has lasted too long."""
        now_ms, limits = self._now_ms(), self.limits
        for client in _older(self._logging_in, now_ms - limits.login_timeout_ms):
            client.too_late()
            self._settled(client)
        for client in _older(self._leaving, now_ms - LEAVING_MS):
            client.abort()
            self._leaving.pop(client, None)
        if not limits.write_timeout_ms:
            return
        for client, stalled in tuple(self._stalled.items()):
            left = stalled.look()
            if left < stalled.unsent_bytes:
                stalled.since_ms, stalled.unsent_bytes = now_ms, left
            elif now_ms - stalled.since_ms > limits.write_timeout_ms:
                log.warning(f"a client took nothing for {limits.write_timeout_ms} ms; it is ended", part="clients")
                client.abort()
                self._stalled.pop(client, None)

    @property
    def logging_in(self) -> int:
        """How many have not proved yet who they are."""
        return len(self._logging_in)

    def close(self) -> None:
        """End all of them now."""
        for client in tuple(self._here):
            client.abort()

    def _settled(self, client: ClientWire) -> None:
        self._silent.pop(client, None)
        self._logging_in.pop(client, None)


def _older(since: dict[ClientWire, float], limit_ms: float) -> list[ClientWire]:
    found = []
    for client, began_ms in since.items():
        if began_ms > limit_ms:
            break
        found.append(client)
    return found
