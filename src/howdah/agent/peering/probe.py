"""Is anybody listening there? One fresh TCP connection."""

import asyncio
import errno
import socket

from howdah.ports.peers import ProbeResult
from howdah.values.address import Address

_GONE = frozenset((errno.ECONNREFUSED, errno.ECONNRESET))


async def probe(address: Address, limit_ms: int) -> ProbeResult:
    """ACCEPTS when a connection is made; REFUSED when every number of the host refuses or resets; SLOW for all else:
    no answer in time, no route, an unknown name. A process that is being killed may still accept for a moment after its
    other connections broke, so who saw a stream break asks again."""
    try:
        async with asyncio.timeout(limit_ms / 1000):
            return await _try_each(address)
    except (TimeoutError, OSError):
        return ProbeResult.SLOW


async def _try_each(address: Address) -> ProbeResult:
    loop = asyncio.get_running_loop()
    numbers = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    failures = set()
    for family, kind, protocol, _, number in numbers:
        with socket.socket(family, kind, protocol) as connection:
            connection.setblocking(False)
            try:
                await loop.sock_connect(connection, number)
            except OSError as error:
                failures.add(error.errno)
            else:
                return ProbeResult.ACCEPTS
    return ProbeResult.REFUSED if failures and failures <= _GONE else ProbeResult.SLOW
