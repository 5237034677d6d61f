"""What does an application do: connect to whoever is writable, write unique values, read, and note what it was told?"""

import asyncio
from collections.abc import Callable, Mapping

from howdah.simulation.chance import Chance
from howdah.simulation.loop import Owner, VirtualLoop
from howdah.simulation.machine import Machine
from howdah.simulation.server import Server, Session
from howdah.simulation.wal import Record

GIVE_UP_MS = 4000
BUSY_MS = 1000.0
"""How long it writes at its full pace after it has connected, or something has gone wrong somewhere."""
QUIET_MS = 600.0
"""Else it waits for so long at most between two commits."""

Told = Callable[[Server, Record], None]


class Client:
    """One connection after another, like libpq with several hosts. `acknowledged` and `read` are told.

    Busy, it commits about once in `interval_ms`; else `quiet` times less often."""

    def __init__(
        self,
        name: str,
        loop: VirtualLoop,
        chance: Chance,
        machines: Mapping[str, Machine],
        interval_ms: float,
        quiet: float,
        acknowledged: Told,
        read: Told,
    ) -> None:
        self.owner = Owner(name)
        self.last_ack_ms = 0.0
        self.count = 0
        self._loop = loop
        self._chance = chance
        self._machines = machines
        self._interval_ms = interval_ms
        self._quiet_ms = max(interval_ms, min(interval_ms * quiet, QUIET_MS))
        self._busy_until_ms = 0.0
        self._acknowledged = acknowledged
        self._read = read
        self._number = 0
        self._answer: asyncio.Future[bool] | None = None

    def hurry(self) -> None:
        """Write at full pace for a while."""
        self._busy_until_ms = self._loop.now + BUSY_MS

    async def run(self) -> None:
        """For ever."""
        while True:
            for name in sorted(self._machines, key=lambda _: self._chance.random()):
                server = self._open_server(self._machines[name])
                if server is not None:
                    await self._use(server)
            await self._loop.pause(20 + 60 * self._chance.random())

    def _open_server(self, machine: Machine) -> Server | None:
        server = machine.server
        if server is None or not server.running or server.owner.frozen or not server.settings.gate_open:
            return None
        return server

    async def _use(self, server: Server) -> None:
        """Log in (which takes a moment, in which the gate may close) and write until something goes wrong."""
        await self._loop.pause(0.5 + self._chance.process() / 4)
        if not server.running:
            return
        session = server.login(lambda: self._settle(self._answer, False))
        self.hurry()
        stays = self._chance.maybe(0.2)  # some applications keep a session that can only read
        while session.open and (server.primary or stays):
            if server.primary and not await self._commit(server, session):
                break
            if not server.primary and self._chance.maybe(0.1):
                break
            interval_ms = self._interval_ms if self._loop.now < self._busy_until_ms else self._quiet_ms
            await self._loop.pause(interval_ms * (0.3 + 1.4 * self._chance.random()))
        session.open = False
        if session in server.sessions:
            server.sessions.remove(session)

    async def _commit(self, server: Server, session: Session) -> bool:
        """Whether it was acknowledged, before the client gave up or its session ended."""
        self._number += 1
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._answer = answer
        value = f"{self.owner.name}-{self._number}"
        self._loop.after(server.owner, self._way(), self._arrive, server, session, value, answer)
        limit = self._loop.after(self.owner, GIVE_UP_MS, self._settle, answer, False)
        try:
            return await answer
        finally:
            limit.cancel()

    def _settle(self, answer: "asyncio.Future[bool] | None", good: bool) -> None:
        if answer is not None and not answer.done():
            answer.set_result(good)

    def _way(self) -> float:
        return 0.1 + 0.4 * self._chance.random()

    def _arrive(self, server: Server, session: Session, value: str, answer: "asyncio.Future[bool]") -> None:
        """The statement reaches its backend. An acknowledgement that is on its way arrives, whatever dies meanwhile."""
        if not session.open or not server.primary or server.state != "running":
            return
        if server.visible is not None:
            self._read(server, server.visible)

        def committed(record: Record) -> None:
            if session.open:
                self._loop.after(self.owner, self._way(), self._told, server, record, answer)

        server.write("commit", value, wait=True, done=committed)

    def _told(self, server: Server, record: Record, answer: "asyncio.Future[bool]") -> None:
        self.count += 1
        self.last_ack_ms = self._loop.now
        self._acknowledged(server, record)
        self._settle(answer, True)
