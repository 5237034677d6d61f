"""How does a connection to a server come about, and how do its bytes reach the link?"""

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, cast

import structlog

from howdah.configuration.router import PoolSettings
from howdah.router.clientside import SERVER, ClientWire
from howdah.router.tls import binding_of
from howdah.routing.credentials import Credentials
from howdah.routing.link import Link
from howdah.routing.pool import Pool, shut_for_good
from howdah.routing.profile import Profile
from howdah.routing.serverlogin import Failure, LoginFailed, ServerLogin, ServerReady, ServerStartup
from howdah.wire import sqlstate
from howdah.wire.startup import Opening, cancel_request, opening

log = structlog.get_logger(__name__)

NONCE_CHARACTERS = 24
FOR_GOOD = frozenset((Failure.CREDENTIALS, Failure.NO_DATABASE, Failure.OTHER))
"""Another try ends the same, so who waits is told."""
RETRY_S = 0.2
KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_TRIES = 3


class ServerWire:
    """An event loop's protocol for one server connection: first its login, then its link.

    `data_received` is the one's and then the other's own: the loop looks it up once for each protocol that it is
    given."""

    def __init__(self, login: ServerLogin, buffer_bytes: int) -> None:
        self._buffer_bytes = buffer_bytes
        self.link: Link | None = None
        self.write: Callable[[bytes], None] = _nowhere
        self.data_received: Callable[[bytes], None] = self._log_in
        self.done: asyncio.Future[ServerReady | LoginFailed] = asyncio.get_running_loop().create_future()
        self._login = login
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._held: ClientWire | None = None  # it is not read, since the server takes nothing

    # asyncio's protocol

    def connection_made(self, transport: asyncio.Transport) -> None:
        """It is open."""
        self._transport = transport
        self.write = transport.write
        transport.set_write_buffer_limits(high=self._buffer_bytes)

    def begin(self) -> None:
        """Say who wants in."""
        self.write(self._login.begin())

    def log_in_with(self, login: ServerLogin) -> None:
        """Another one, before it began."""
        self._login = login

    def carry(self, link: Link) -> None:
        """Its login is over."""
        self.link = link
        self.data_received = link.receive
        if self._transport is not None:
            self._transport.set_protocol(cast("asyncio.Protocol", self))

    def _log_in(self, data: bytes) -> None:
        send, result = self._login.receive(data)
        if send:
            self.write(send)
        if result is not None and not self.done.done():
            self.done.set_result(result)

    def eof_received(self) -> bool:
        """It ends."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It ended, by itself or because it was closed here."""
        if not self.done.done():
            self.done.set_result(self._login.lost(str(error) if error else "the server closed the connection"))
        self.resume_writing()
        if self.link is not None:
            self.link.broken = self.link.broken or "the server closed the connection"
            self.link.pool.lost(self.link)

    def pause_writing(self) -> None:
        """The server does not read: its client has to wait."""
        if self.link is not None and self.link.session is not None and self._held is None:
            client = self.link.session.client
            if isinstance(client, ClientWire):
                self._held = client
                client.hold(SERVER)

    def resume_writing(self) -> None:
        """The server reads again."""
        held, self._held = self._held, None
        if held is not None:
            held.hold(SERVER, False)

    # the link's sink

    def pause(self) -> None:
        """Read no more."""
        if self._transport is not None and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Close when all is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()


def _nowhere(data: bytes) -> None:
    """Before it is open and after it was closed nothing is sent."""


class Servers:
    """Opens connections for the pools (their `Opener`), and sends cancels."""

    def __init__(
        self,
        settings: PoolSettings,
        buffer_bytes: int,
        tls: Callable[[], ssl.SSLContext | None],
        tls_required: bool,
        plain: Profile,
        now_ms: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.buffer_bytes = buffer_bytes
        self._tls = tls
        self._tls_required = tls_required
        self._plain = plain
        self._now_ms = now_ms
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, pool: Pool) -> None:
        """Begin to open one more."""
        self._start(self._open(pool))

    def cancel(self, link: Link, done: Callable[[], None] | None = None) -> None:
        """Ask the server to cancel what this connection runs. The link is lent to nobody else before that is over, when
        `done` is called."""
        if link.key:
            link.cancels += 1
            self._start(self._cancel(link, done))
        elif done is not None:
            done()

    async def close(self) -> None:
        """Open no more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, pool: Pool) -> None:
        limit_s = self.settings.connect_timeout_ms / 1000
        result: ServerReady | LoginFailed
        wire: ServerWire | None = None
        try:
            async with asyncio.timeout(limit_s):
                wire, result = await self._log_in(pool)
        except TimeoutError:
            result = _unreachable(f"no answer within {limit_s:g} s")
        except OSError as error:
            result = _unreachable(error.strerror or str(error))
        if isinstance(result, LoginFailed) or wire is None:
            if wire is not None:
                wire.abort()
            await self._refused(pool, result)
            return
        profile = pool.place.begins or self._plain
        link = Link(pool, wire, dict(result.parameters), profile, self._now_ms())
        if result.key is not None:
            link.key = cancel_request(result.key.pid, result.key.secret)
        wire.carry(link)
        pool.opened(link)

    async def _refused(self, pool: Pool, result: ServerReady | LoginFailed) -> None:
        if not isinstance(result, LoginFailed):
            return
        log.info(result.why, part="servers", server=pool.target.name, user=pool.place.user)
        for_good = result.failure in FOR_GOOD or (
            result.failure is Failure.SHUT and shut_for_good(pool, self._now_ms())
        )
        if not for_good:
            await asyncio.sleep(RETRY_S)
        pool.refused(result.message, for_good)
        if not for_good:
            pool.grow()

    async def _log_in(self, pool: Pool) -> "tuple[ServerWire, ServerReady | LoginFailed]":
        target, place = pool.target, pool.place
        loop = asyncio.get_running_loop()
        raw = socket.socket(family_of(target.host), socket.SOCK_STREAM)
        raw.setblocking(False)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _watch(raw, self.settings)
            await loop.sock_connect(raw, (target.host, target.port))
            context = self._tls()
            if context is not None:
                await loop.sock_sendall(raw, opening(Opening.SSL))
                answer = await loop.sock_recv(raw, 1)
                if answer != b"S":
                    if self._tls_required:
                        raise OSError("the server does not offer TLS, and tls.servers.mode asks for it")
                    context = None
            return await self._greet(raw, context, pool, place.credentials)
        except BaseException:
            raw.close()
            raise

    async def _greet(
        self, raw: socket.socket, context: ssl.SSLContext | None, pool: Pool, credentials: Credentials
    ) -> "tuple[ServerWire, ServerReady | LoginFailed]":
        loop = asyncio.get_running_loop()
        place = pool.place
        settings = place.begins.settings if place.begins is not None else (("application_name", "howdah router"),)
        startup = ServerStartup(place.user, place.database, settings, place.replication)
        login = ServerLogin(startup, credentials, secrets.token_urlsafe(NONCE_CHARACTERS).encode())
        wire = ServerWire(login, self.buffer_bytes)
        transport, _ = await loop.create_connection(
            lambda: cast("asyncio.Protocol", wire),  # it has all the methods, and needs no class above it
            sock=raw,
            ssl=context,
            server_hostname=pool.target.host if context is not None else None,
        )
        if context is not None:
            endpoint = binding_of(transport.get_extra_info("ssl_object"))
            startup = replace(startup, tls=True, endpoint=endpoint)
            wire.log_in_with(ServerLogin(startup, credentials, secrets.token_urlsafe(NONCE_CHARACTERS).encode()))
        wire.begin()
        return wire, await wire.done

    async def _cancel(self, link: Link, done: Callable[[], None] | None) -> None:
        try:
            async with asyncio.timeout(self.settings.connect_timeout_ms / 1000):
                target = link.pool.target
                reader, writer = await asyncio.open_connection(target.host, target.port)
                try:
                    writer.write(link.key)
                    await reader.read()  # the server closes it once the signal is sent
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            log.info(f"a cancel did not reach {link.pool.target.name}: {error}", part="servers")
        finally:
            link.pool.cancelled(link)
            if done is not None:
                done()


def _unreachable(why: str) -> LoginFailed:
    text = f"the server could not be reached: {why}"
    message = sqlstate.error(sqlstate.FATAL, sqlstate.CANNOT_CONNECT_NOW, text)
    return LoginFailed(Failure.WAIT, sqlstate.CANNOT_CONNECT_NOW, message, text)


def _watch(raw: socket.socket, settings: PoolSettings) -> None:
    """Have the kernel find out that a server's machine is gone."""
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.user_timeout_ms)
    if settings.keepalive_ms:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, round(settings.keepalive_ms / 1000)))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_TRIES)


def family_of(host: str) -> socket.AddressFamily:
    """IPv4 or IPv6, for an address or a name."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET
