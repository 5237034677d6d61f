"""How do a host's packets arrive late? (`python -m tests.chaos.delay MILLISECONDS ADDRESS`, on that host)

Not every kernel has netem. So what the host sends to its network goes into a tunnel that this process reads; after the
delay it puts each packet on the wire, in the order in which they came. When it ends, packets go straight again.
"""

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from tests.chaos.machine import TUN

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
DEVICE = "late0"
PACKET_BYTES = 65_536
DESTINATION = slice(16, 20)
IPV4 = 4


def open_tunnel() -> int:
    """A descriptor whose reads are the packets that the kernel sends through `DEVICE`."""
    handle = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return handle


def lead_through_tunnel(address: str) -> None:
    """Both halves of the host's network, which count as nearer than the whole."""
    subnet = address.rpartition(".")[0]
    for which in ("all", "eth0"):
        Path(f"/proc/sys/net/ipv4/conf/{which}/rp_filter").write_text("0")
    subprocess.run(["ip", "link", "set", DEVICE, "up"], check=True)
    for half in (f"{subnet}.0/25", f"{subnet}.128/25"):
        subprocess.run(["ip", "route", "add", half, "dev", DEVICE, "src", address], check=True)


def main() -> None:
    """Until it is killed."""
    delay_s = int(sys.argv[1]) / 1000
    tunnel = open_tunnel()
    wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    lead_through_tunnel(sys.argv[2])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    waiting: deque[tuple[float, bytes]] = deque()
    while True:
        until = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([tunnel], [], [], until)[0]:
            packet = os.read(tunnel, PACKET_BYTES)
            if packet[0] >> 4 == IPV4:
                waiting.append((time.monotonic() + delay_s, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _send(wire, waiting.popleft()[1])


def _send(wire: socket.socket, packet: bytes) -> None:
    try:
        wire.sendto(packet, (socket.inet_ntoa(packet[DESTINATION]), 0))
    except OSError:
        return  # the wire is down: the packet is lost, as it would be on it


if __name__ == "__main__":
    main()
