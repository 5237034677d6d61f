"""How does the simulated dead-man kill the server when its deadline passes?"""

from collections.abc import Callable

from howdah.ports.deadman import DeadmanGone
from howdah.simulation.clock import world_delay_ms
from howdah.simulation.loop import Owner, VirtualHandle, VirtualLoop
from howdah.simulation.machine import Machine
from howdah.simulation.ports import guard
from howdah.simulation.server import Server

HANGS_MS = 500
AGAIN_MS = 2


class DeadmanProcess:
    """The process: it outlives the agent."""

    def __init__(self, machine: Machine, offset_ms: int, deadline_ms: int = 0) -> None:
        self.owner = Owner(f"{machine.name}/deadman", machine.rate)
        self.deadline_ms = 0
        self._machine = machine
        self._offset_ms = offset_ms
        self._timer: VirtualHandle | None = None
        self._fired = False
        machine.on_start.append(self._started)
        self.set(deadline_ms)

    def set(self, deadline_ms: int) -> None:
        """A new deadline; 0 for none."""
        self.deadline_ms = deadline_ms
        self._fired = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline_ms:
            machine = self._machine
            delay = world_delay_ms(machine.loop, machine.rate, self._offset_ms, deadline_ms)
            self._timer = machine.loop.after(self.owner, delay, self._fire)

    def _fire(self) -> None:
        self._fired = True
        if self._machine.server is not None:
            self._machine.server.die()

    def _started(self, server: Server) -> None:
        if self._fired:
            self._machine.loop.after(self.owner, AGAIN_MS, self._again, server)

    def _again(self, server: Server) -> None:
        if self._fired:
            server.die()

    def end(self) -> None:
        """The process is killed."""
        self._machine.loop.kill(self.owner)
        self._machine.on_start.remove(self._started)


class SimDeadman:
    """`ports.deadman.Deadman` for one agent's life. `place` gives and takes the node's process."""

    def __init__(
        self,
        loop: VirtualLoop,
        owner: Owner,
        current: Callable[[], DeadmanProcess | None],
        start: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._owner = owner
        self._current = current
        self._start = start
        self._deadline_ms = 0

    async def arm(self, deadline_boot_ms: int) -> None:
        """See the port."""
        self._deadline_ms = deadline_boot_ms
        (await self._answering()).set(deadline_boot_ms)

    async def disarm(self) -> None:
        """See the port."""
        (await self._answering()).set(0)
        self._deadline_ms = 0

    async def deadline(self) -> int:
        """See the port."""
        return (await self._answering()).deadline_ms

    async def alive(self) -> bool:
        """See the port."""
        guard(self._owner)
        process = self._current()
        if process is not None and process.owner.frozen:
            await self._loop.pause(HANGS_MS)
            guard(self._owner)
            if process.owner.frozen:
                process.end()
        process = self._current()
        if process is None or process.owner.dead:
            await self._loop.pause(40)
            guard(self._owner)
            self._start(self._deadline_ms)
        process = self._current()
        return process is not None and not process.owner.dead

    async def _answering(self) -> DeadmanProcess:
        guard(self._owner)
        process = self._current()
        if process is None or process.owner.dead:
            raise DeadmanGone("no dead-man answers")
        if process.owner.frozen:
            await self._loop.pause(HANGS_MS)
            raise DeadmanGone("the dead-man does not answer")
        return process
