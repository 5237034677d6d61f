"""Which port may a test's server have, and keep over restarts?

Ports that the system hands out for outgoing connections (from 32768 on) are no good: while a server restarts, any
client on the machine may be given its port. So they are taken from below, and kept for this process by the name of an
abstract socket, which vanishes with the process; test processes side by side never choose the same.
"""

import random
import socket

LOWEST, HIGHEST = 20_000, 32_000

_held: list[int] = []


def free_port() -> int:
    """A loopback port that nobody listens on, and that no other test process will choose while this one lives."""
    for port in random.sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST):
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name.bind(f"\0howdah-test-port-{port}")
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _held.append(name.detach())  # a descriptor: nothing is left to be closed at the process's end
        return port
    raise RuntimeError(f"no port between {LOWEST} and {HIGHEST} is free")
