"""How does libpq get to a server while nobody waits for the look-up of its name?

libpq looks names up while everything waits, so the address is looked up before.
"""

import asyncio
import socket
from collections.abc import Mapping

from howdah.postgres.connection import LocalSql
from howdah.postgres.layout import ROUTER_ROLE


async def router_place(host: str, port: int, timeout_ms: int, login: Mapping[str, str]) -> LocalSql:
    """Where the role howdah_router logs in. `login`: what libpq needs beside the address: password, TLS. Raises
    OSError for a name that has no address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return LocalSql(host, port, timeout_ms, user=ROUTER_ROLE, login={**login, "hostaddr": str(found[0][4][0])})
