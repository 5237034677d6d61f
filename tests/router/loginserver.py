"""A small router that only logs in: sockets around ClientLogin and ServerLogin, for tests with real clients.

Written plainly with asyncio's streams, so that what is tested is the two of them.
"""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from howdah.router.loginpolicy import arrival_of
from howdah.router.rolequery import SqlRoleQuery
from howdah.router.tls import ClientSide, binding_of, peer_certificate
from howdah.router.verifiers import NobodyAnswers, Server, Verifiers
from howdah.routing.cancelkeys import RANDOM_BYTES as KEY_BYTES
from howdah.routing.cancelkeys import CancelKeys
from howdah.routing.credentials import Credentials
from howdah.routing.hba import parse_rules
from howdah.routing.identmap import IdentMaps
from howdah.routing.login import RANDOM_BYTES, ClientLogin
from howdah.routing.loginsteps import (
    AskLdap,
    AskRole,
    CancelAsked,
    LoggedIn,
    Policy,
    Refused,
    StartTls,
    Step,
    TlsUp,
)
from howdah.routing.serverlogin import LoginFailed, ServerLogin, ServerReady, ServerStartup
from howdah.wire.negotiation import backend_key_data
from howdah.wire.replies import READY_IDLE, parameter_status
from howdah.wire.startup import Opening, opening
from tests.postgres.sqlserver import SqlServer

GREETING = b"".join(
    parameter_status(name, value)
    for name, value in (
        ("server_version", "18.0"),
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("standard_conforming_strings", "on"),
        ("integer_datetimes", "on"),
    )
)


@dataclass(slots=True)
class LoginServer:
    """What clients may do here, and who came in."""

    verifiers: Verifiers
    rules: tuple[str, ...] = ("local all all scram-sha-256", "host all all all scram-sha-256")
    tls: ClientSide | None = None
    ldap_password: bytes = b""
    came: list[LoggedIn] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    cancelled: list[object] = field(default_factory=list)
    cancel_came: asyncio.Event = field(default_factory=asyncio.Event)
    keys: CancelKeys[str] = field(default_factory=lambda: CancelKeys(3))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it goes."""
        with suppress(ConnectionError, ssl.SSLError):
            await self._log_in(reader, writer)
            while await reader.read(1000):
                pass
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        policy = Policy(parse_rules(self.rules), IdentMaps(), "allow" if self.tls else "disable", b"mock")
        login = ClientLogin(arrival_of(writer.get_extra_info("socket")), policy, secrets.token_bytes(RANDOM_BYTES))
        while True:
            data = await reader.read(65536)
            following: Step | None = login.receive(data)
            while following is not None:
                step = following
                writer.write(step.send)
                await writer.drain()
                following = await self._answer(login, step, writer)
            if not data or isinstance(step.then, Refused | CancelAsked):
                writer.write_eof() if writer.can_write_eof() else writer.close()
                return
            if isinstance(step.then, LoggedIn):
                key = self.keys.issue(step.then.user, secrets.token_bytes(KEY_BYTES), step.then.minor)
                writer.write(GREETING + backend_key_data(key.pid, key.secret) + READY_IDLE)
                return

    async def _answer(self, login: ClientLogin, step: Step, writer: asyncio.StreamWriter) -> Step | None:
        match step.then:
            case StartTls() if self.tls is not None:
                await writer.start_tls(self.tls.context)
                connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
                return login.tls_is_up(TlsUp(self.tls.binding, peer_certificate(connection)))
            case AskRole(user=user):
                try:
                    return login.role(await self.verifiers.find(user))
                except NobodyAnswers as why:
                    return login.nobody_knows(str(why))
            case AskLdap(password=password):
                return login.ldap(password == self.ldap_password)
            case CancelAsked(process=process, key=key):
                self.cancelled.append(self.keys.find(process, key))
                self.cancel_came.set()
            case LoggedIn():
                self.came.append(step.then)
            case Refused(why=why):
                self.refusals.append(why)
            case _:
                pass
        return None


@asynccontextmanager
async def verifiers_of(server: SqlServer, password: str, cache_ms: float = 0) -> AsyncIterator[Verifiers]:
    """Asks the real server."""
    query = SqlRoleQuery(password, 10_000, {"sslmode": "disable"})
    loop = asyncio.get_running_loop()
    places = (Server(server.name, "127.0.0.1", server.port),)
    verifiers = Verifiers(lambda: places, query, cache_ms, lambda: loop.time() * 1000)
    try:
        yield verifiers
    finally:
        await verifiers.close()
        query.close()


@asynccontextmanager
async def listening(served: LoginServer, directory: Path | None = None) -> AsyncIterator[int]:
    """The port it listens on, of 127.0.0.1, or of a socket in the directory."""
    if directory is None:
        listener = await asyncio.start_server(served.serve, "127.0.0.1", 0)
        port = int(listener.sockets[0].getsockname()[1])
    else:
        port = 6432
        place = directory / f".s.PGSQL.{port}"
        listener = await asyncio.start_unix_server(served.serve, place)
        place.chmod(0o777)
    async with listener:
        yield port
        listener.close()
        await asyncio.sleep(0)


async def open_connection(
    port: int, startup: ServerStartup, credentials: Credentials, tls: ssl.SSLContext | None = None
) -> ServerReady | LoginFailed:
    """Log in to a server on this machine, and leave."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if tls is not None:
            writer.write(opening(Opening.SSL))
            assert await reader.readexactly(1) == b"S"
            await writer.start_tls(tls, server_hostname="localhost")
            connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
            startup = replace(startup, tls=True, endpoint=binding_of(connection))
        login = ServerLogin(startup, credentials, secrets.token_urlsafe(18).encode())
        writer.write(login.begin())
        while True:
            data = await reader.read(65536)
            if not data:
                return login.lost("it closed the connection")
            send, end = login.receive(data)
            writer.write(send)
            if end is not None:
                return end
    finally:
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
