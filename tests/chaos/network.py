"""How does each host of a test get a network of its own, whose links can be cut, slowed and made to lose packets?

A network namespace for each host and one for the bridge that joins them; nothing in them leads out of the machine.
Packets are dropped where they come in, so that a cut in one direction is one, and the sender notices nothing.
"""

import ctypes
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable

from tests.chaos.remains import NETNS, PREFIX, namespaces
from tests.realcluster.node import HERE
from tests.realcluster.processes import command_line, eventually

SUBNET = "10.201.77"
"""A private range. No host of it can be reached from outside of these namespaces, nor any other from inside."""
BRIDGE = "bridge"
TABLE = "inet chaos"
CLONE_NEWNET = 0x40000000

Undo = Callable[[], None]


class NotNow(Exception):
    """A fault that cannot be made at this moment, and why; among random ones it is left out."""


class Network:
    """Make it, `close` it. A guard process removes it all the same when this one is killed.

    Every disturbance returns what undoes it; the same one may be made twice, and lasts until both are undone.
    """

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.prefix = f"{PREFIX}{os.getpid()}-"
        self._numbers = {host: number for number, host in enumerate(hosts, start=1)}
        self._blocked: Counter[tuple[str, str]] = Counter()
        self._unplugged: Counter[str] = Counter()
        self._loss: dict[str, list[int]] = {host: [] for host in hosts}
        self._lock = threading.Lock()
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.remains", self.prefix],
            cwd=HERE,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._delays: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        hub = self._space(BRIDGE)
        run("ip", "netns", "add", hub)
        run("ip", "-n", hub, "link", "add", BRIDGE, "type", "bridge")
        run("ip", "-n", hub, "link", "set", BRIDGE, "up")
        for host in self._numbers:
            space = self._space(host)
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", host, "netns", hub)
            run("ip", "-n", hub, "link", "set", "dev", host, "master", BRIDGE, "up")
            run("ip", "-n", space, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
            run("ip", "-n", space, "link", "set", "lo", "up")
            run("ip", "-n", space, "link", "set", "dev", "eth0", "up")

    def _space(self, host: str) -> str:
        return self.prefix + host

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host."""
        return tuple(self._numbers)

    def address(self, host: str) -> str:
        """Its IPv4 address."""
        return f"{SUBNET}.{self._numbers[host]}"

    def within(self, host: str) -> tuple[str, ...]:
        """The command that runs another one on this host."""
        return "nsenter", f"--net={NETNS / self._space(host)}"

    def enter(self, host: str) -> None:
        """Move the calling thread there: its sockets from now on are that host's."""
        handle = os.open(NETNS / self._space(host), os.O_RDONLY)
        _set_namespace(handle)
        os.close(handle)

    def leave(self) -> None:
        """Move the calling thread back."""
        _set_namespace(self._home)

    def block(self, source: str, target: str) -> Undo:
        """Packets from source to target are lost; those from target to source are not."""
        self._blocked[source, target] += 1
        self._apply(target)
        return lambda: self._unblock(source, target)

    def _unblock(self, source: str, target: str) -> None:
        self._blocked[source, target] -= 1
        self._apply(target)

    def lose(self, host: str, percent: int) -> Undo:
        """So many of the packets that arrive there are lost, at random; less than 100."""
        self._loss[host].append(percent)
        self._apply(host)
        return lambda: self._find(host, percent)

    def _find(self, host: str, percent: int) -> None:
        self._loss[host].remove(percent)
        self._apply(host)

    def delay(self, host: str, delay_ms: int) -> Undo:
        """Every packet that it sends arrives so much later. A host has one delay at a time."""
        if host in self._delays:
            raise NotNow(f"{host}'s packets are delayed already")
        command = [*self.within(host), sys.executable, "-m", "tests.chaos.delay", str(delay_ms), self.address(host)]
        process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, start_new_session=True)
        self._delays[host] = process
        assert process.stdout is not None
        if not process.stdout.readline():
            raise AssertionError(f"the delay of {host} did not start")

        process.stdout.close()

        def undo() -> None:
            process.kill()
            process.wait()
            self._delays.pop(host, None)

        return undo

    def unplug(self, host: str) -> Undo:
        """No packet passes, as when its cable is out or its power off."""
        self._unplugged[host] += 1
        self._switch(host, "down")
        return lambda: self._plug(host)

    def _plug(self, host: str) -> None:
        self._unplugged[host] -= 1
        if not self._unplugged[host]:
            self._switch(host, "up")

    def _switch(self, host: str, state: str) -> None:
        run("ip", "-n", self._space(BRIDGE), "link", "set", "dev", host, state)

    def _apply(self, host: str) -> None:
        with self._lock:
            sources = sorted(source for (source, target), count in self._blocked.items() if target == host and count)
            rules = [f"ip saddr {self.address(source)} drop" for source in sources]
            rules += [f"iifname eth0 numgen random mod 100 < {percent} drop" for percent in self._loss[host]]
            lines = [f"add table {TABLE}", f"delete table {TABLE}", f"add table {TABLE}"]
            lines.append(f"add chain {TABLE} input {{ type filter hook input priority 0; }}")
            lines += [f"add rule {TABLE} input {rule}" for rule in rules]
            run(*self.within(host), "nft", "-f", "-", text="\n".join([*lines, ""]))

    def close(self) -> None:
        """Remove everything, and end what still runs in it. The calling thread goes back first."""
        self.leave()
        os.close(self._home)
        self._guard.communicate(timeout=60)
        for process in self._delays.values():
            process.wait()
        eventually(lambda: not any(name.startswith(self.prefix) for name in namespaces()), "the namespaces are gone")


def run(*command: str, text: str = "") -> None:
    """Run one of the system's programs. Raises AssertionError with what it said."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()} {text}")


def _set_namespace(handle: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(handle, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def owner_is_gone(name: str) -> bool:
    """Whether the run that made this namespace has ended."""
    pid = name.removeprefix(PREFIX).partition("-")[0]
    return pid.isdigit() and not command_line(int(pid))


def sweep() -> tuple[str, ...]:
    """Remove namespaces of runs that are gone and whose guard was killed too; their names."""
    left = tuple(name for name in namespaces() if name.startswith(PREFIX) and owner_is_gone(name))
    for prefix in {f"{PREFIX}{name.removeprefix(PREFIX).partition('-')[0]}-" for name in left}:
        subprocess.run(
            [sys.executable, "-m", "tests.chaos.remains", prefix], cwd=HERE, stdin=subprocess.DEVNULL, check=True
        )
    return left
