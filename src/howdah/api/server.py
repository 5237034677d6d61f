"""How is the API served inside the agent's own event loop?"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from howdah.values.address import Address

KEEP_ALIVE_SECONDS = 3
"""An idle connection of a load balancer or a browser is dropped after so long."""

STOP_SECONDS_MAX = 1
"""What is still being answered when the agent stops is cut off after so long."""

BACKLOG = 128


class CannotListen(Exception):
    """The address cannot be listened on; the message names it and the mend."""


class _Server(uvicorn.Server):
    """Without uvicorn's signal handlers: the agent decides what a signal means."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ApiServer:
    """One listening address. `on_stop` is called first when it stops, to end answers that would never end."""

    def __init__(
        self,
        app: FastAPI,
        address: Address,
        on_stop: Callable[[], None] = lambda: None,
        tls: ssl.SSLContext | None = None,
        called: str = "API",
    ) -> None:
        """`tls` has the certificate to serve with; None: plain HTTP. `called`: what errors call its port."""
        self._wanted = address
        self._called = called
        self._on_stop = on_stop
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
            backlog=BACKLOG,
        )
        config.load()
        config.ssl = tls
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self._address = address

    @property
    def address(self) -> Address:
        """Where it listens; with the port that the system chose if port 0 was asked for."""
        return self._address

    async def start(self) -> None:
        """Listen and answer. Raises CannotListen."""
        listener = await _listener(self._wanted, self._called)
        self._address = Address(self._wanted.host, listener.getsockname()[1])
        self._task = asyncio.create_task(self._server.serve([listener]), name="API server")
        begun = asyncio.create_task(self._server.begun.wait())
        await asyncio.wait((self._task, begun), return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            begun.cancel()
            await self._task

    async def stop(self) -> None:
        """Stop listening, end what is under way within STOP_SECONDS_MAX, and return when all is closed."""
        self._on_stop()
        if self._task is not None:
            self._server.should_exit = True
            await self._task
            self._task = None


async def _listener(address: Address, called: str) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        numbers = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotListen(
            f"the {called} cannot listen on {address}: the host is unknown ({error}); correct it"
        ) from error
    family, kind, protocol, _, number = numbers[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(number)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CannotListen(_why(address, error, called)) from error
    return listener


def _why(address: Address, error: OSError, called: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"port {address.port} on {address.host} is taken by another process (`ss -ltnp` shows it): end that "
                f"process, or give this node another {called} port"
            )
        case errno.EACCES:
            return (
                f"port {address.port} may not be opened by this account: choose one of 1024 or above for the {called}"
            )
        case errno.EADDRNOTAVAIL:
            return f"{address.host} is no address of this machine: correct the host of the {called}, or use 0.0.0.0"
        case _:
            return f"the {called} cannot listen on {address}: {os.strerror(error.errno or 0)}"
