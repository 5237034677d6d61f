"""How does a cluster under test get routers, each a host of its own, that can be killed and cut off?"""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.chaos.network import Network, NotNow
from tests.realcluster.node import HERE, PASSWORD, RealNode
from tests.realcluster.processes import eventually
from tests.signals import send

PORT = 6432


class Routers:
    """`names` are hosts of the network."""

    def __init__(self, directory: Path, network: Network, names: tuple[str, ...], endpoints: Sequence[str]) -> None:
        self.names = names
        self._directory = directory
        self._network = network
        self._endpoints = list(endpoints)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def introduce(self, node: RealNode) -> None:
        """Give every router its settings, with the password that the agent of this node made for them."""
        password = node.layout.root / "secrets" / "router"
        eventually(password.is_file, "the agent makes the routers' password")
        self._directory.mkdir(mode=0o700)
        for name in self.names:
            document = {
                "cluster": "test",
                "name": name,
                "listen": {"listen": self._network.address(name), "port": PORT},
                "store": {"kind": "etcd", "endpoints": self._endpoints},
                "secrets": {"router": password.read_text().strip()},
            }
            self._settings(name).write_text(yaml.safe_dump(document))

    def _settings(self, name: str) -> Path:
        return self._directory / f"{name}.yaml"

    def log(self, name: str) -> str:
        """Everything that it wrote."""
        return (self._directory / f"{name}.log").read_text(errors="replace")

    def revive(self) -> None:
        """Start each that does not run. Does not wait for them."""
        for name in self.names:
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self._start(name)

    def _start(self, name: str) -> None:
        command = (sys.executable, "-m", "howdah", "router", "--config", str(self._settings(name)))
        with (self._directory / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*self._network.within(name), *command],
                cwd=HERE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """SIGKILL. Raises NotNow when it does not run."""
        process = self._running.get(name)
        if process is None or process.poll() is not None:
            raise NotNow(f"the router {name} does not run")
        send((process.pid,), signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End each, at once."""
        for process in self._running.values():
            process.kill()
            process.wait()

    def conninfo(self, *names: str) -> str:
        """How clients find one of them; of all, when none is named."""
        hosts = [self._network.address(name) for name in names or self.names]
        return (
            f"host={','.join(hosts)} port={PORT} user=postgres password={PASSWORD} dbname=postgres "
            "load_balance_hosts=random connect_timeout=2"
        )
