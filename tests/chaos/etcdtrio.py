"""How does a cluster under test get a store that loses and keeps its quorum: three etcd members, each a host?"""

import asyncio
import signal
import subprocess
from pathlib import Path

from howdah.agent.keeper import RECORD
from howdah.cluster.record import Record, read_record
from howdah.ports.store import StoreUnavailable
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.etcd.server import find_etcd
from howdah.stores.settings import EtcdSettings
from tests.chaos.network import Network
from tests.realcluster.cluster import StoreServer
from tests.realcluster.processes import eventually
from tests.signals import send

CLIENT_PORT, PEER_PORT = 2379, 2380


class EtcdTrio(StoreServer):
    """`members` are hosts of the network. Reads are the calling thread's, wherever that is."""

    def __init__(self, directory: Path, network: Network, members: tuple[str, ...]) -> None:
        super().__init__(directory)
        self.members = members
        self._network = network
        self._program = find_etcd()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The members' addresses for clients."""
        return tuple(self._address(member, CLIENT_PORT) for member in self.members)

    def _address(self, member: str, port: int) -> str:
        return f"http://{self._network.address(member)}:{port}"

    def start(self) -> None:
        """Start every member; returns once they answer."""
        for member in self.members:
            self.start_member(member)
        eventually(self._answers_now, "etcd answers")

    def start_member(self, member: str) -> None:
        """Start one that does not run. Does not wait for it."""
        self.directory.mkdir(mode=0o700, exist_ok=True)
        client, peer = self._address(member, CLIENT_PORT), self._address(member, PEER_PORT)
        everybody = ",".join(f"{each}={self._address(each, PEER_PORT)}" for each in self.members)
        command = [
            *self._network.within(member),
            str(self._program),
            *("--name", member, "--data-dir", str(self.directory / member)),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", everybody),
            *("--log-level", "warn"),
        ]
        with (self.directory / f"{member}.log").open("ab") as log:
            self._running[member] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def send(self, number: signal.Signals) -> None:
        """Signal every member; after SIGKILL they are gone when this returns."""
        for member in self.members:
            self.send_member(member, number)

    def send_member(self, member: str, number: signal.Signals) -> None:
        """Signal one; after SIGKILL it is gone when this returns."""
        process = self._running.get(member)
        if process is not None and process.poll() is None:
            send((process.pid,), number)
            if number is signal.SIGKILL:
                process.wait()

    def revive(self, member: str) -> None:
        """Start it unless it runs."""
        process = self._running.get(member)
        if process is None or process.poll() is not None:
            self.start_member(member)

    def leader(self) -> str:
        """The member that leads the others; the first one while none is known to."""
        return next((member for member in self.members if self._leads(member)), self.members[0])

    def _leads(self, member: str) -> bool:
        command = [str(self._program.with_name("etcdctl")), "--endpoints", self._address(member, CLIENT_PORT)]
        done = subprocess.run(
            [*command, "--command-timeout=1s", "endpoint", "status", "--write-out=fields"],
            capture_output=True,
            text=True,
            check=False,
        )
        fields = dict(line.replace('"', "").split(" : ", 1) for line in done.stdout.splitlines() if " : " in line)
        return bool(fields) and fields.get("MemberID") == fields.get("Leader")

    def _answers_now(self) -> bool:
        try:
            asyncio.run(self._read_now(RECORD))
        except StoreUnavailable:
            return False
        return True

    def record(self) -> Record | None:
        """The cluster's record. Raises StoreUnavailable."""
        text = asyncio.run(self._read_now(RECORD))
        return read_record(text) if text is not None else None

    async def _read_now(self, name: str) -> str | None:
        store = EtcdStore(EtcdSettings(self.endpoints, "test", request_timeout_ms=2000))
        try:
            found = await store.read(name)
        finally:
            await store.close()
        return found.text if found else None
