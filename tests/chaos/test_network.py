"""Are the namespaces made, cut, slowed and removed as they should? Needs root."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.machine import missing
from tests.chaos.network import BRIDGE, Network, sweep
from tests.chaos.remains import PREFIX, namespaces
from tests.realcluster.node import HERE
from tests.realcluster.processes import eventually

WANTING = missing()
pytestmark = pytest.mark.skipif(bool(WANTING), reason="; ".join(WANTING) or "nothing is missing")

WAIT_S = 0.3
PORT = 9


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    made = Network(("a", "b", "c"))
    try:
        yield made
    finally:
        made.close()


def arrives(network: Network, source: str, target: str, wait_s: float = WAIT_S) -> bool:
    """Whether one datagram gets there."""
    try:
        network.enter(target)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind((network.address(target), PORT))
            receiver.settimeout(wait_s)
            network.enter(source)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"x", (network.address(target), PORT))
            try:
                return receiver.recv(1) == b"x"
            except TimeoutError:
                return False
    finally:
        network.leave()


def test_hosts_reach_each_other_and_nothing_else(network: Network) -> None:
    assert arrives(network, "a", "b")
    assert arrives(network, "b", "a")
    routes = subprocess.run([*network.within("a"), "ip", "route"], capture_output=True, text=True, check=True).stdout
    assert "default" not in routes


def test_a_block_has_one_direction_and_lasts_until_each_who_made_it_undoes_it(network: Network) -> None:
    first, second = network.block("a", "b"), network.block("a", "b")
    assert not arrives(network, "a", "b")
    assert arrives(network, "b", "a")
    assert arrives(network, "c", "b")
    first()
    assert not arrives(network, "a", "b")
    second()
    assert arrives(network, "a", "b")


def test_an_unplugged_host_reaches_nobody(network: Network) -> None:
    plug = network.unplug("a")
    assert not arrives(network, "a", "b")
    assert not arrives(network, "b", "a")
    assert arrives(network, "b", "c")
    plug()
    eventually(lambda: arrives(network, "a", "b"), "neighbours know each other again")


def test_some_of_the_packets_that_come_in_are_lost(network: Network) -> None:
    undo = network.lose("b", 50)
    arrived = [arrives(network, "a", "b", wait_s=0.02) for _ in range(40)]
    assert set(arrived) == {True, False}
    assert arrives(network, "b", "a")
    undo()
    assert all(arrives(network, "a", "b") for _ in range(20))


def test_delayed_packets_arrive_later_and_straight_again_afterwards(network: Network) -> None:
    undo = network.delay("a", 400)
    began = time.monotonic()
    assert arrives(network, "a", "b", wait_s=5)
    assert time.monotonic() - began >= 0.4
    undo()
    assert arrives(network, "a", "b")


RUN = """
import signal, subprocess, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests in the background may have it ignored
from tests.chaos.network import Network
network = Network(("a", "b"))
sleeper = subprocess.Popen([*network.within("a"), "sleep", "600"])
network.enter("b")
print(network.prefix, sleeper.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_neither_namespaces_nor_processes(number: signal.Signals) -> None:
    command = [sys.executable, "-c", RUN]
    run = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert run.stdout is not None
    prefix, sleeper = run.stdout.readline().split()
    assert prefix == f"{PREFIX}{run.pid}-"
    assert {f"{prefix}{host}" for host in ("a", "b", BRIDGE)} <= set(namespaces())
    run.send_signal(number)
    try:
        run.communicate(timeout=60)
    finally:
        run.kill()
    eventually(lambda: not [name for name in namespaces() if name.startswith(prefix)], "no namespace is left")
    eventually(lambda: not Path(f"/proc/{sleeper}").exists(), "no process is left")


def test_namespaces_of_a_run_that_nobody_tidied_up_are_swept_away() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    name = f"{PREFIX}{gone.pid}-a"
    subprocess.run(["ip", "netns", "add", name], check=True)
    assert sweep() == (name,)
    assert name not in namespaces()
