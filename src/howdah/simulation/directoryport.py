"""How does an agent handle its simulated data directory: initdb, clone, rewind?"""

from howdah.cluster.serverfacts import DirectoryFacts
from howdah.ports.postgres import PostgresFailure, ServerSettings
from howdah.simulation.ports import LocalPort, guard
from howdah.simulation.receiver import CHECKPOINTS
from howdah.simulation.server import Server
from howdah.simulation.volume import Volume
from howdah.simulation.wal import Log
from howdah.values.address import Address


class SimDirectory(LocalPort):
    """`ports.postgres.DataDirectory`."""

    def inspect(self) -> DirectoryFacts:
        """See the port."""
        guard(self.owner)
        return self.machine.volume.facts()

    def configure(self, settings: ServerSettings) -> None:
        """See the port."""
        guard(self.owner)
        self.machine.volume.settings = settings

    async def initialise(self) -> dict[str, str]:
        """See the port."""
        guard(self.owner)
        if self.machine.volume.identity:
            raise PostgresFailure("the directory is not empty, so that no cluster is made there")
        if self.machine.volume.present:
            return {}
        await self.pause(300 + 700 * self.chance.random())
        guard(self.owner)
        volume = Volume(present=True, system_identifier=str(self.chance.getrandbits(62)), stopped_as_primary=True)
        volume.log.append(1, 120, "checkpoint")
        volume.log.flushed = volume.checkpoint = 1
        volume.settings = self.machine.volume.settings
        self.machine.volume = volume
        return {}

    def _source(self, address: Address) -> Server:
        """The server to copy from. Raises PostgresFailure."""
        server = self.machine.find(address)
        if server is None or not server.running or server.owner.frozen:
            raise PostgresFailure(f"{address} cannot be reached")
        if not self.machine.network.linked(self.machine.name, server.name):
            raise PostgresFailure(f"{address} does not answer")
        return server

    async def clone(self, source: Address) -> None:
        """See the port."""
        guard(self.owner)
        first = self._source(source)
        await self.pause(400 + 2500 * self.chance.random() ** 2)
        guard(self.owner)
        server = self._source(source)
        if server is not first:
            raise PostgresFailure(f"{source} ended while it was copied")
        volume = server.volume
        self.machine.beside = Volume(
            present=True,
            system_identifier=volume.system_identifier,
            log=volume.log.copy(server.sendable()),
            histories=dict(volume.histories),
            clean=False,
        )
        self.machine.beside.checkpoint = min(volume.checkpoint, self.machine.beside.log.flushed)

    def install_clone(self, keep_aside: bool = False) -> None:
        """See the port."""
        guard(self.owner)
        made, self.machine.beside = self.machine.beside, None
        if made is None:
            raise PostgresFailure("there is no finished clone")
        made.settings = self.machine.volume.settings
        if self.machine.volume.present and not keep_aside:
            self.machine.old = self.machine.volume
        self.machine.volume = made

    async def discard_old(self) -> None:
        """See the port."""
        guard(self.owner)
        old, self.machine.old = self.machine.old, None
        if old is not None:
            for listener in self.machine.on_discard:
                listener(old)

    async def rewind(self, source: Address) -> None:
        """See the port. Back to some place between the last common checkpoint and what the source has."""
        guard(self.owner)
        if self.machine.server is not None:
            raise PostgresFailure("the server still runs")
        server = self._source(source)
        volume = self.machine.volume
        if not server.primary or server.volume.checkpoint_timeline != server.volume.log.timeline:
            raise PostgresFailure("the source is no primary that has checkpointed")
        volume.identity = ""
        volume.half_rewound = True
        await self.pause(200 + 1500 * self.chance.random() ** 2)
        guard(self.owner)
        if self._source(source) is not server:
            raise PostgresFailure("the source ended meanwhile")
        theirs = server.volume.log
        shared = volume.log.common(theirs)
        least = theirs.last_of(CHECKPOINTS, shared)
        count = self.chance.choice((least, shared, theirs.flushed, self.chance.randint(least, theirs.flushed)))
        for listener in self.machine.on_discard:
            listener(Volume(present=True, log=Log(list(volume.log.records), volume.log.flushed)))
        volume.log = theirs.copy(count)
        volume.histories = dict(server.volume.histories)
        volume.checkpoint = theirs.last_of(CHECKPOINTS, count)
        volume.slots = []
        volume.clean = False
        volume.half_rewound = False

    def write_identity(self, identity: str) -> None:
        """See the port."""
        guard(self.owner)
        self.machine.volume.identity = identity
