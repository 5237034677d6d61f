"""A cluster whose nodes, store and clients are hosts of a network that can be disturbed, with a small disk each.

Nodes n1-n3, etcd members e1-e3, routers r1 and r2, clients on `clients`; the test itself looks on from
`watch`, which nothing disturbs.
"""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from howdah.postgres.account import choose_account
from howdah.postgres.installation import find_installation, reachable_installation
from tests.chaos import flushes, wallclock
from tests.chaos.disk import SmallDisk
from tests.chaos.etcdtrio import EtcdTrio
from tests.chaos.flushes import Flushing, set_flushing
from tests.chaos.network import Network, NotNow, run
from tests.chaos.routers import Routers
from tests.chaos.wallclock import environment, set_offset
from tests.realcluster.cluster import PARAMETERS, RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.nodeplace import Berth

NODES = ("n1", "n2", "n3")
MEMBERS = ("e1", "e2", "e3")
ROUTERS = ("r1", "r2")
CLIENTS, WATCH = "clients", "watch"
DISK_MB = 1280
BALLAST = "ballast"
POSTGRES_PORT, API_PORT = 5432, 8008
BOOTED_S = {"n1": 0, "n2": 40_000, "n3": 7_000_000}
"""How much longer ago each node booted than this machine: no node's own clock means anything to another."""
HANGS = "archive-hangs"
"""While a node has a file of this name, its archive command does not end."""
ARCHIVING = {"archive_mode": "on", "archive_command": f"while [ -e ../{HANGS} ]; do sleep 0.1; done"}


class ChaosCluster(RealCluster):
    """`close` removes everything, the network too."""

    def __init__(self) -> None:
        self.network = Network((*NODES, *MEMBERS, *ROUTERS, CLIENTS, WATCH))
        super().__init__(NODES, {"postgresql": {"parameters": PARAMETERS | ARCHIVING}}, berth=self._berth)
        self.trio = EtcdTrio(self.root / "store", self.network, MEMBERS)
        self.store = self.trio
        self.routers = Routers(self.root / "routers", self.network, ROUTERS, self.trio.endpoints)
        self._wall_clock = wallclock.build_library(self.root)
        self._flushes = flushes.build_library(self.root)
        found = reachable_installation(find_installation(), choose_account(), self.root / "postgresql")
        images, self._controls = self.root / "images", self.root / "controls"
        for directory in (images, self._controls):
            directory.mkdir()
        run("mount", "-t", "tmpfs", "howdah-chaos", str(images))
        self._disks: dict[str, SmallDisk] = {}
        for node in self.nodes.values():
            node.document["store"] = {"kind": "etcd", "endpoints": list(self.trio.endpoints)}
            self._disks[node.name] = SmallDisk(images / node.name, node.root, DISK_MB)
            self._fake_clock(node)
            self._fake_flushes(node, found.bin)

    def _berth(self, name: str) -> Berth:
        within = (*self.network.within(name), "unshare", "--time")
        offset = BOOTED_S[name]
        clocks = (f"--boottime={offset}", f"--monotonic={offset}") if offset else ()
        return Berth(self.network.address(name), POSTGRES_PORT, API_PORT, (*within, *clocks))

    def _clock_of(self, node: RealNode) -> Path:
        return self._controls / f"{node.name}-clock"

    def _flushing_of(self, node: RealNode) -> Path:
        return self._controls / f"{node.name}-flushing"

    def _fake_clock(self, node: RealNode) -> None:
        if self._wall_clock is not None:
            set_offset(self._clock_of(node), 0)
            node.environment |= environment(self._wall_clock, self._clock_of(node))

    def _fake_flushes(self, node: RealNode, programs: Path) -> None:
        if self._flushes is not None:
            set_flushing(self._flushing_of(node), Flushing())
            made = self.root / "programs" / node.name
            library, file = self._flushes, self._flushing_of(node)
            node.document["postgresql"]["bin"] = str(flushes.make_programs(made, programs, library, file))
            made.parent.chmod(0o755)

    def start(self) -> None:
        """The calling thread looks on from `watch` from now on."""
        self.network.enter(WATCH)
        super().start()
        self.routers.introduce(self.wait_serving())
        self.routers.revive()

    def close(self) -> None:
        """End everything, remove the files and the network."""
        try:
            self.network.leave()
            self.routers.stop()
            super().close()
        finally:
            self.network.close()

    @property
    def clocks_jump(self) -> bool:
        """Whether this machine can build what makes them."""
        return self._wall_clock is not None

    def jump(self, node: RealNode, seconds: int) -> Callable[[], None]:
        """The wall clock of its agent and dead-man jumps; CLOCK_BOOTTIME does not, nor would it on a real machine."""
        set_offset(self._clock_of(node), seconds)
        return lambda: set_offset(self._clock_of(node), 0)

    def spoil(self, node: RealNode, flushing: Flushing) -> Callable[[], None]:
        """Its server's flushes become slow, stand still or fail, until undone."""
        if self._flushes is None:
            raise NotNow("there is no C compiler cc, which builds what spoils flushes (Debian's package gcc)")
        set_flushing(self._flushing_of(node), flushing)
        return lambda: set_flushing(self._flushing_of(node), Flushing())

    def fill_disk(self, node: RealNode) -> Callable[[], None]:
        """Leave no byte free on its file system, until undone."""
        ballast = node.root / BALLAST
        if ballast.exists():
            raise NotNow(f"the disk of {node.name} is full already")
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], stderr=subprocess.DEVNULL, check=False)
        return lambda: ballast.unlink(missing_ok=True)

    def lose_power(self, node: RealNode) -> Callable[[], None]:
        """The node goes without a word on the wire, and what was not flushed goes with it; undone, it boots."""
        if not node.agent:
            raise NotNow(f"{node.name} is off already")
        plug = self.network.unplug(node.name)
        node.freeze()
        self._disks[node.name].forget_unflushed()
        node.kill()
        self._disks[node.name].power_up()

        def boot() -> None:
            plug()
            if not node.agent:
                node.start()

        return boot

    def revive(self) -> None:
        """Start every agent, router and member of the store that does not run; nobody stays stopped."""
        self.revive_store()
        self.routers.revive()
        for node in self.nodes.values():
            node.thaw()
            if not node.agent:
                node.start()

    def revive_store(self) -> None:
        """Start every member of the store that does not run."""
        for member in MEMBERS:
            self.trio.send_member(member, signal.SIGCONT)
            self.trio.revive(member)
