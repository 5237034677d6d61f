"""What does a simulated machine have that outlives its processes: the data directory, and what runs on it?"""

from collections.abc import Callable, Mapping

from howdah.ports.postgres import Upstream
from howdah.simulation.chance import Chance
from howdah.simulation.loop import VirtualLoop
from howdah.simulation.network import Network
from howdah.simulation.receiver import Startup
from howdah.simulation.server import Server
from howdah.simulation.volume import Volume
from howdah.values.address import Address


class Machine:
    """One node's machine. `server` is None when no process of PostgreSQL is left."""

    def __init__(self, name: str, loop: VirtualLoop, chance: Chance, network: Network, rate: float) -> None:
        self.name = name
        self.loop = loop
        self.chance = chance
        self.network = network
        self.rate = rate
        self.address = Address(name, 5432)
        self.api = Address(name, 8008)
        self.volume = Volume()
        self.beside: Volume | None = None
        self.old: Volume | None = None
        self.lost: list[Volume] = []  # on disks that are gone for good
        self.server: Server | None = None
        self.others: Mapping[Address, Machine] = {}
        self.on_start: list[Callable[[Server], None]] = []
        self.on_discard: list[Callable[[Volume], None]] = []
        self.replay_delay_ms = 0.0
        self.becomes_primary = True  # else it runs in recovery only

    def find(self, address: Address) -> Server | None:
        """The server that listens there."""
        machine = self.others.get(address)
        return machine.server if machine is not None else None

    def start(self, recovery: bool, ready: Callable[[], None]) -> Server:
        """Fork a postmaster."""
        server = Server(self.name, self.volume, self.loop, self.chance, self.rate)
        startup: Startup | None = None
        if recovery:
            startup = Startup(server, self.network, self.find)
            startup.replay_delay_ms = self.replay_delay_ms
            server.recovery = startup
        self.server = server
        server.on_gone.append(lambda: self._gone(server))
        for listener in self.on_start:
            listener(server)
        took = 30 + 60 * self.chance.random()
        if not self.volume.clean:
            took += 20 + 400 * self.chance.random() ** 3
        self.loop.after(server.owner, took, self._ready, server, startup, ready)
        return server

    def _ready(self, server: Server, startup: Startup | None, ready: Callable[[], None]) -> None:
        if not server.postmaster:
            return
        server.ready()
        if startup is not None:
            if not self.volume.aim():
                server.die()  # FATAL: requested timeline is not a child of this server's history
                return
            startup.begin()
        ready()

    def _gone(self, server: Server) -> None:
        if self.server is server:
            self.server = None

    def startup(self) -> Startup | None:
        """The startup process of the running server, if it is in recovery."""
        recovery = self.server.recovery if self.server is not None else None
        return recovery if isinstance(recovery, Startup) else None

    def upstream(self) -> Upstream | None:
        """What a new connection shows as primary_conninfo."""
        return self.server.settings.upstream if self.server is not None else None
