"""How do a client's bytes reach its session: the login first, with TLS if it is asked for, then the conversation?"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

import structlog

from howdah.configuration.router import LimitSettings
from howdah.router.directory import Directories
from howdah.router.loginpolicy import arrival_of
from howdah.router.tls import ClientSide, peer_certificate
from howdah.router.verifiers import NobodyAnswers, Verifiers
from howdah.routing.adminsession import AdminSession
from howdah.routing.ldaprule import ldap_rule
from howdah.routing.login import RANDOM_BYTES, ClientLogin
from howdah.routing.loginsteps import (
    AskLdap,
    AskRole,
    CancelAsked,
    LoggedIn,
    More,
    Policy,
    Refused,
    StartTls,
    Step,
    TlsUp,
)
from howdah.routing.route import Route
from howdah.routing.session import Session, go_on, stall
from howdah.routing.visitor import Visitor

log = structlog.get_logger(__name__)


SESSION, CLIENT, SERVER, TLS, LATE = 1, 2, 4, 8, 16
"""Why nothing is read from a client: its session has enough, it takes no answers, its server takes nothing, TLS begins,
it was shown out before it was let in."""


class Book(Protocol):
    """Who is told how a client does (`Crowd`)."""

    def spoke(self, client: "ClientWire") -> None:
        """It said who it is."""

    def came(self, client: "ClientWire") -> None:
        """Its login is over."""

    def stalls(self, client: "ClientWire", unsent_bytes: Callable[[], int]) -> None:
        """It does not take what is sent; how much that is now."""

    def flows(self, client: "ClientWire") -> None:
        """It takes it again."""

    def leaves(self, client: "ClientWire") -> None:
        """It was shown out."""


class House(Protocol):
    """What a client that arrives needs of the process."""

    policy: Policy
    verifiers: Verifiers
    directories: Directories

    @property
    def limits(self) -> LimitSettings:
        """What clients may use."""

    @property
    def book(self) -> Book:
        """Who is told how it does."""

    def tls(self) -> ClientSide | None:
        """What clients are served with."""

    def admit(self, client: "ClientWire", who: LoggedIn) -> Session | AdminSession | None:
        """Make its session; None: it was refused, with an error."""

    def cancel(self, process: int, key: bytes, done: Callable[[], None]) -> None:
        """Somebody wants a statement cancelled. `done` is called when that is over: who asked waits for the end of the
        connection, since another statement before that would be cancelled in its place."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this beside everything else."""

    def refused(self) -> None:
        """Somebody was not let in."""

    def gone(self, client: "ClientWire") -> None:
        """A client left."""


class ClientWire:
    """An event loop's protocol for one client, and the sink of its session.

    `data_received` is the login's first and then the session's own, so that nothing stands between it and the loop,
    which looks it up once for each protocol that it is given."""

    __slots__ = (
        "__weakref__",
        "_held",
        "_house",
        "_login",
        "_session",
        "_transport",
        "data_received",
        "route",
        "write",
    )

    def __init__(self, house: House, route: Route = Route.AUTO) -> None:
        self.route = route
        self._house = house
        self._login: ClientLogin | None = None
        self._session: Session | AdminSession | None = None
        self._transport: Any = None
        self._held = 0
        self.write: Callable[[bytes], None] = _nowhere
        self.data_received: Callable[[bytes], None] = self._log_in

    # asyncio's protocol

    def connection_made(self, transport: asyncio.Transport) -> None:
        """It is open; with TLS, that is up."""
        first = self._transport is None
        self._transport = transport
        if self._held & LATE:
            transport.abort()
            return
        self.write = transport.write
        transport.set_write_buffer_limits(high=self._house.limits.buffer_bytes)
        if first:
            arrival = arrival_of(transport.get_extra_info("socket"))
            self._login = ClientLogin(arrival, self._house.policy, secrets.token_bytes(RANDOM_BYTES))

    def eof_received(self) -> bool:
        """It says no more; PostgreSQL takes that for the end too."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        del error
        self._login = None
        self.data_received = _nowhere
        session, self._session = self._session, None
        if session is not None:
            session.leave()
        self._house.gone(self)

    def pause_writing(self) -> None:
        """The client does not read. Its server has to wait, and nothing more is asked for it, as PostgreSQL does."""
        self.hold(CLIENT)
        self._house.book.stalls(self, self._transport.get_write_buffer_size)
        if isinstance(self._session, Session):
            stall(self._session)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._house.book.flows(self)
        if isinstance(self._session, Session):
            go_on(self._session)
        self.hold(CLIENT, False)

    # the session's sink

    def pause(self) -> None:
        """Read no more."""
        self.hold(SESSION)

    def resume(self) -> None:
        """Read again."""
        self.hold(SESSION, False)

    def hold(self, why: int, held: bool = True) -> None:
        """Read no more, as long as there is a reason not to; or that is no reason any more."""
        before, self._held = self._held, self._held | why if held else self._held & ~why
        if bool(before) is bool(self._held) or self._transport.is_closing():
            return
        if held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close when all is sent."""
        self._house.book.leaves(self)
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()

    def too_late(self) -> None:
        """It has not logged in in time."""
        if self._login is not None:
            self._follow(self._login.too_late())
        elif self._transport is None:
            self._held |= LATE

    # the login

    def _log_in(self, data: bytes) -> None:
        if self._login is not None:
            self._follow(self._login.receive(data))

    def _follow(self, step: Step) -> None:
        if isinstance(step.then, StartTls):
            self.hold(TLS)  # what comes next is for TLS, which is not there yet
        if step.send:
            self.write(step.send)
        match step.then:
            case More():
                pass
            case StartTls():
                self._house.start(self._start_tls())
            case AskRole(user=user):
                self._house.book.spoke(self)
                self._house.start(self._ask(user))
            case AskLdap():
                self._house.start(self._ask_ldap(step.then))
            case CancelAsked(process=process, key=key):
                self._login = None
                self.data_received = _nowhere
                self._house.cancel(process, key, self.close)
            case LoggedIn():
                self._begin(step.then)
            case Refused(why=why):
                log.info(f"a client was refused: {why}", part="clients")
                self._house.refused()
                self._login = None
                self.close()

    async def _start_tls(self) -> None:
        side = self._house.tls()
        login, transport = self._login, self._transport
        if side is None or login is None:
            self.abort()
            return
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport,
                cast("asyncio.Protocol", self),
                side.context,
                server_side=True,
                ssl_handshake_timeout=self._house.limits.login_timeout_ms / 1000,
            )
        except OSError as error:
            log.info(f"TLS with a client did not come about: {error}", part="clients")
            transport.abort()
            return
        if secured is None:
            return
        self._held = 0
        self._transport = secured
        self.write = secured.write
        secured.set_write_buffer_limits(high=self._house.limits.buffer_bytes)
        if self._login is not login:
            secured.abort()  # it took too long
            return
        endpoint = side.binding
        self._follow(login.tls_is_up(TlsUp(endpoint, peer_certificate(secured.get_extra_info("ssl_object")))))

    async def _ask(self, user: str) -> None:
        try:
            facts = await self._house.verifiers.find(user)
        except NobodyAnswers as nobody:
            if self._login is not None:
                self._follow(self._login.nobody_knows(str(nobody)))
            return
        if self._login is not None:
            self._follow(self._login.role(facts))

    async def _ask_ldap(self, asked: AskLdap) -> None:
        rule = ldap_rule(asked.rule.options, asked.rule.line)
        why = await self._house.directories.check(rule, asked.user, asked.password)
        if self._login is not None:
            self._follow(self._login.ldap(not why, why))

    def _begin(self, who: LoggedIn) -> None:
        self._login = None
        session = self._house.admit(self, who)
        if session is None:
            self._house.refused()
            self.close()
            return
        self._house.book.came(self)
        self._session = session
        self.data_received = session.receive
        self._transport.set_protocol(self)
        if who.rest:
            session.receive(who.rest)


def visitor_of(client: ClientWire, who: LoggedIn, serial: int, now_ms: float) -> Visitor:
    """Who that is."""
    transport = client._transport
    there, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    secured = transport.get_extra_info("ssl_object")
    by_address = isinstance(there, tuple)
    return Visitor(
        serial,
        str(there[0]) if by_address else "unix",
        int(there[1]) if by_address else 0,
        str(here[0]) if by_address else "unix",
        int(here[1]) if by_address else 0,
        now_ms,
        (secured.version() or "") if secured is not None else "",
        dict(who.settings).get("application_name", ""),
    )


def _nowhere(data: bytes) -> None:
    """Before it is open nothing is sent, and once it is gone nothing is heard."""
