"""A real etcd cluster of three members that speaks TLS and wants client certificates, as in production."""

import asyncio
import signal
from pathlib import Path

from howdah.ports.store import StoreUnavailable
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.etcd.gateway import Gateway
from howdah.stores.etcd.server import LocalEtcd, reserve_ports
from howdah.stores.settings import EtcdSettings, EtcdTls
from tests.certificates import Authority, Pair
from tests.signals import send

NAMES = ("e1", "e2", "e3")
START_SECONDS = 60.0
ELECTION_MS = 1000
"""Long enough for two busy cores: an election that only slowness began would spoil what a test means to see."""


class EtcdTrio:
    """Members in directories of their own. `close` ends them; the files are the caller's."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(directory / "certificates")
        self.client = self.authority.issue("client")
        ports = {name: reserve_ports(directory / name) for name in NAMES}
        initial = ",".join(f"{name}=https://127.0.0.1:{ports[name].peer}" for name in NAMES)
        server = self.authority.issue("server")
        self.members: dict[str, LocalEtcd] = {}
        for name in NAMES:
            client, peer = (f"https://127.0.0.1:{port}" for port in (ports[name].client, ports[name].peer))
            options = (
                *("--name", name, "--initial-cluster", initial),
                *("--listen-client-urls", client, "--advertise-client-urls", client),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--heartbeat-interval", str(ELECTION_MS // 10), "--election-timeout", str(ELECTION_MS)),
                *_files("", server, self.authority.file),
                *_files("peer-", server, self.authority.file),
            )
            self.members[name] = LocalEtcd(directory / name, options=options)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The members' addresses for clients, in the order of their names."""
        return tuple(f"https://127.0.0.1:{member.ports.client}" for member in self.members.values())

    @property
    def tls(self) -> EtcdTls:
        """The client's files."""
        return EtcdTls(self.authority.file, self.client.certificate, self.client.key)

    def settings(self, *endpoints: str, timeout_ms: int = 10_000, cluster: str = "test") -> EtcdSettings:
        """A client's settings; every member unless some are named."""
        return EtcdSettings(endpoints or self.endpoints, cluster, self.tls, request_timeout_ms=timeout_ms)

    def start(self) -> None:
        """Start all, and wait until the cluster answers."""
        for member in self.members.values():
            member.start()
        asyncio.run(self.answers())

    async def answers(self) -> None:
        """Wait until a linearizable read is answered by every member that runs. Raises TimeoutError."""
        for name, member in self.members.items():
            if member.pid is None:
                continue
            store = EtcdStore(self.settings(self.endpoint(name), timeout_ms=2_000))
            try:
                async with asyncio.timeout(START_SECONDS):
                    while True:
                        if await _reads(store):
                            break
                        await asyncio.sleep(0.05)
            finally:
                await store.close()

    def endpoint(self, name: str) -> str:
        """One member's address for clients."""
        return f"https://127.0.0.1:{self.members[name].ports.client}"

    async def leader(self) -> str:
        """The member that leads. Raises StoreUnavailable."""
        gateway = Gateway(self.settings(timeout_ms=2_000))
        try:
            for name, member in self.members.items():
                if member.pid is not None:
                    status = await gateway.read_from(self.endpoint(name), "/v3/maintenance/status", {})
                    if status["leader"] == status["header"]["member_id"]:
                        return name
        finally:
            await gateway.close()
        raise StoreUnavailable("nobody leads")

    def send(self, name: str, number: signal.Signals) -> None:
        """Signal a member (not to end it)."""
        pid = self.members[name].pid
        assert pid is not None
        send((pid,), number)

    def close(self) -> None:
        """End every member."""
        for member in self.members.values():
            member.kill()


def _files(kind: str, pair: Pair, authority: Path) -> tuple[str, ...]:
    trusted, auth = f"--{kind}trusted-ca-file", f"--{kind}client-cert-auth"
    return (
        f"--{kind}cert-file",
        str(pair.certificate),
        f"--{kind}key-file",
        str(pair.key),
        trusted,
        str(authority),
        auth,
    )


async def _reads(store: EtcdStore) -> bool:
    try:
        await store.read("health")
    except StoreUnavailable:
        return False
    return True
