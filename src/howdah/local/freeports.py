"""Which ports of this machine are free for a new node?"""

import socket
from collections.abc import Callable, Collection

from howdah.local.plan import HOST
from howdah.local.refused import Refused

LAST_PORT = 65535


def port_is_free(port: int) -> bool:
    """Whether a server could listen there now. Ports that only wait for an old connection's end count as free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_ports(
    first: int, count: int, reserved: Collection[int], is_free: Callable[[int], bool] = port_is_free
) -> tuple[int, ...]:
    """The first `count` ports from `first` on that are free and not reserved. Raises Refused."""
    found: list[int] = []
    for port in range(first, LAST_PORT + 1):
        if len(found) == count:
            break
        if port not in reserved and is_free(port):
            found.append(port)
    if len(found) < count:
        raise Refused(f"there are no {count} free ports from {first} on. Give a lower one with --port.")
    return tuple(found)
