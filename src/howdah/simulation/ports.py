"""What do the simulated ports have in common: whose they are, and how long a question takes?"""

import asyncio

from howdah.ports.postgres import SqlFailed
from howdah.simulation.chance import Chance
from howdah.simulation.loop import Owner
from howdah.simulation.machine import Machine
from howdah.simulation.server import Server

SQL_LIMIT_MS = 2000


def guard(owner: Owner) -> None:
    """A dead process does nothing more: its tasks only unwind."""
    if owner.dead:
        raise asyncio.CancelledError


class LocalPort:
    """A port of an agent to its own PostgreSQL server."""

    def __init__(self, owner: Owner, machine: Machine) -> None:
        self.owner = owner
        self.machine = machine

    @property
    def chance(self) -> Chance:
        """The source of chance."""
        return self.machine.chance

    def pause(self, duration_ms: float) -> asyncio.Future[None]:
        """Let the world go on for so long."""
        return self.machine.loop.pause(duration_ms)

    async def connect(self, low_ms: float = 0.5, high_ms: float = 3.0) -> Server:
        """A new connection: returns the server at the moment when it answers. Raises SqlFailed."""
        guard(self.owner)
        await self.pause(self.chance.quick(low_ms, high_ms))
        guard(self.owner)
        waited = 0.0
        while (server := self.machine.server) is not None and server.owner.frozen:
            if waited >= SQL_LIMIT_MS:
                raise SqlFailed("the server does not answer")
            await self.pause(50)
            waited += 50
            guard(self.owner)
        if server is None or not server.running:
            raise SqlFailed("the server refuses connections")
        return server

    async def connect_primary(self) -> Server:
        """A new connection to a server that has to be out of recovery."""
        server = await self.connect()
        if not server.primary:
            raise SqlFailed("the server is in recovery")
        return server
