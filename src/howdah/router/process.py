"""What is the process behind `howdah router`? Its sockets, its knowledge of the cluster and its sessions, in one
loop."""

import asyncio
import gc
import math
import secrets
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from typing import Any, cast

import structlog
import uvloop

from howdah.agent.pem import TlsUnusable
from howdah.api.server import CannotListen as RestCannotListen
from howdah.configuration.router import RouterSettings
from howdah.router.admin import Admin, House
from howdah.router.catalogs import Catalogs
from howdah.router.clientside import ClientWire, visitor_of
from howdah.router.health import rest_of
from howdah.router.loginpolicy import policy_of
from howdah.router.probes import libpq_tls
from howdah.router.rolequery import SqlRoleQuery
from howdah.router.serverside import Servers
from howdah.router.tls import ClientSide, renewed_client_side, renewed_server_side
from howdah.router.topology import Topology, TopologyUnusable, fleet_limits
from howdah.router.verifiers import Server, Verifiers
from howdah.routing import cancelkeys
from howdah.routing.admincommand import Stop
from howdah.routing.adminsession import AdminSession
from howdah.routing.fleet import Fleet
from howdah.routing.hub import Hub, Place
from howdah.routing.loginsteps import LoggedIn
from howdah.routing.pool import Limits
from howdah.routing.replication import replicating
from howdah.routing.route import Route
from howdah.routing.session import Session
from howdah.routing.texts import Texts
from howdah.routing.wishes import Consistency, is_wish, objection
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import EMPTY_CATALOG
from howdah.telemetry.logs import Form, set_up_logs
from howdah.wire import sqlstate
from howdah.wire.negotiation import backend_key_data
from howdah.wire.startup import Replication

log = structlog.get_logger(__name__)

TICK_S = 0.05
VERDICTS_BYTES = 32 << 20
CATALOG_INTERVAL_S = 30.0


class CannotListen(Exception):
    """The sentence names the address and the mend."""


def run_router(settings: RouterSettings) -> int:
    """Run one router until it is told to stop (SIGTERM, SIGINT). The process's exit status."""
    try:
        return uvloop.run(_run(settings))
    except (CannotListen, RestCannotListen, TopologyUnusable, TlsUnusable) as refused:
        sys.stderr.write(f"howdah router: {refused}\n")
        return 1


async def _run(settings: RouterSettings) -> int:
    set_up_logs(Form(settings.log.format), settings.log.level, settings.name or socket.gethostname())
    stop = asyncio.Event()
    router = Router(settings, stop)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await router.open()
        gc.collect()
        gc.freeze()  # modules and classes, which no later collection has to look through
        await stop.wait()
        await router.drain()
    finally:
        await router.close()
    return 0


class Router:
    """One process's worth of router."""

    def __init__(self, settings: RouterSettings, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        self._settings = settings
        self._stop = stop
        self._fleet = Fleet(fleet_limits(settings.knowledge, settings.routing))
        self.hub = Hub(
            self._fleet,
            lambda: loop.time() * 1000,
            float(settings.hold.timeout_ms),
            settings.hold.clients_max,
            time.perf_counter,
        )
        self.hub.hold_bytes = settings.hold.bytes_max
        self.hub.drain_ms = float(settings.hold.drain_ms)
        self._client_tls = renewed_client_side(settings.tls.clients)
        self._server_tls = renewed_server_side(settings.tls.servers)
        self._topology = Topology(settings, self._fleet, self.hub.changed)
        password = settings.secrets.router
        query = SqlRoleQuery(
            password.get_secret_value() if password else "",
            settings.knowledge.probe_timeout_ms,
            libpq_tls(settings.tls.servers),
        )
        self.verifiers = Verifiers(
            self._askable, query, float(settings.login.verifier_cache_ms), lambda: loop.time() * 1000
        )
        self.policy = policy_of(settings)
        self._servers = Servers(
            settings.pools,
            lambda: self._server_tls.current,
            settings.tls.servers.mode not in ("disable", "prefer"),
            self.hub.profiles.plain,
            self.hub.clock_ms,
        )
        self._keys: cancelkeys.CancelKeys[Session] = cancelkeys.CancelKeys(0)
        self._catalogs = Catalogs(self.hub, settings.routing.harmless_functions, CATALOG_INTERVAL_S)
        self._texts: dict[str, tuple[Texts, Verdicts]] = {}
        self._clients: set[ClientWire] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: list[asyncio.Server] = []
        self._draining = False
        self._ends = Stop.WHEN_SERVERS_ARE_FREE
        self._admin = Admin(
            House(
                hub=self.hub,
                settings=lambda: self._settings,
                logging_in=lambda: sum(client.in_login for client in self._clients),
                reload=lambda: "settings are read at the start only: restart the router",
                change=lambda name, value: (
                    f"{name} can be set to {value} in the settings only: restart the router then"
                ),
                changeable=lambda key: not key,
                end=self._end,
            )
        )
        self._rest = rest_of(settings, self._admin.scene, lambda: self._draining)

    async def open(self) -> None:
        """Listen, and learn who leads. Raises CannotListen."""
        loop = asyncio.get_running_loop()
        listen = self._settings.listen
        self.start(self._topology.run())
        self.start(self._tick())
        try:
            self._listening.append(
                await loop.create_server(
                    lambda: cast("asyncio.Protocol", self._arrived()),
                    listen.listen,
                    listen.port,
                    backlog=listen.backlog,
                    reuse_port=self._settings.workers > 1,
                )
            )
        except OSError as error:
            raise CannotListen(
                f"cannot listen on {listen.listen}:{listen.port} ({error.strerror or error}): give another "
                "listen.port, or end what listens there"
            ) from error
        log.info(f"listens on {listen.listen}:{listen.port}", part="router")
        if self._rest is not None:
            await self._rest.start()
            log.info(f"answers /health and /metrics at {self._rest.address}", part="router")

    async def drain(self) -> None:
        """No new clients; those that are there may end their transactions."""
        self._draining = True
        for server in self._listening:
            server.close()
        end = self.hub.clock_ms() + self._settings.stop.drain_ms
        if self._ends is Stop.NOW:
            return
        patient = self._ends is Stop.WHEN_CLIENTS_LEFT
        while self.hub.sessions and (patient or self.hub.clock_ms() < end):
            for session in () if patient else tuple(self.hub.sessions):
                session.dismiss()
            await asyncio.sleep(TICK_S)

    async def close(self) -> None:
        """End everything."""
        for server in self._listening:
            server.close()
        if self._rest is not None:
            await self._rest.stop()
        for client in tuple(self._clients):
            client.abort()
        await self._catalogs.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._servers.close()
        await self.verifiers.close()
        for place in self.hub.places.values():
            for pool in place.pools.values():
                pool.cut("the router stops")

    # what clients need (`House`)

    def tls(self) -> ClientSide | None:
        """See the port."""
        return self._client_tls.current

    def admit(self, client: ClientWire, who: LoggedIn) -> Session | AdminSession | None:
        """See the port."""
        visitor = visitor_of(client, who, self._admin.serial(), self.hub.clock_ms())
        if who.database == self._settings.login.admin_database:
            return self._admin.admit(client, who, visitor)
        if refusal := self._admin.refusal(who.database):
            client.write(refusal)
            return None
        limits = self._settings.limits
        if len(self.hub.sessions) >= limits.clients - limits.reserved:
            client.write(
                sqlstate.error(
                    sqlstate.FATAL,
                    sqlstate.TOO_MANY_CONNECTIONS,
                    f"the router has {limits.clients} clients already",
                )
            )
            return None
        for name, value in who.settings:
            if is_wish(name) and (why := objection(name, value)):
                client.write(sqlstate.error(sqlstate.FATAL, sqlstate.INVALID_PARAMETER_VALUE, why))
                return None
        session = self._session(client, who)
        session.visitor = visitor
        self.hub.ledger.logins += 1
        key = self._keys.issue(session, secrets.token_bytes(cancelkeys.RANDOM_BYTES), who.minor)
        session.greet(backend_key_data(key.pid, key.secret))
        return session

    def cancel(self, process: int, key: bytes) -> None:
        """See the port."""
        session = self._keys.find(process, key)
        if session is not None and session.link is not None:
            self._servers.cancel(session.link)

    def refused(self) -> None:
        """See the port."""
        self.hub.ledger.refused += 1

    def gone(self, client: ClientWire) -> None:
        """See the port."""
        self._clients.discard(client)

    # its parts

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this beside everything else."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _session(self, client: ClientWire, who: LoggedIn) -> Session:
        if who.replication is not Replication.NO:
            return replicating(self.hub, client, who, float(self._settings.pools.wait_timeout_ms), self._servers)
        place = self._place(who.user, who.database)
        place.credentials = who.credentials
        self._catalogs.follow(place, self._texts[who.database][1])
        session = Session(self.hub, client, place, self.hub.profiles.of_login(who.settings, address=self._shown(who)))
        self.hub.sessions.add(session)
        return session

    def _shown(self, who: LoggedIn) -> str:
        """Where a client comes from, for pg_stat_activity; "" if that is not wanted."""
        if not self._settings.pools.client_address:
            return ""
        return str(who.address) if who.address is not None else "local"

    def _arrived(self) -> ClientWire:
        client = ClientWire(self)
        self._clients.add(client)
        return client

    def _place(self, user: str, database: str) -> Place:
        found = self.hub.places.get((user, database))
        if found is not None:
            return found
        pools = self._settings.pools
        limits = Limits(
            most=pools.size,
            least=pools.min_size,
            reserve=pools.reserve,
            reserve_after_ms=float(pools.reserve_after_ms),
            idle_ms=float(pools.idle_timeout_ms),
            life_ms=float(pools.lifetime_ms),
            wait_ms=float(pools.wait_timeout_ms),
            check_ms=float(pools.check_after_ms) or math.inf,
            at_once=pools.connect_parallel,
        )
        known = self._texts.get(database)
        if known is None:
            verdicts = Verdicts(VERDICTS_BYTES, EMPTY_CATALOG)
            known = self._texts[database] = (Texts(verdicts), verdicts)
        place = Place(user, database, known[0], limits, self._servers, self.hub.ledger)
        place.halted = not self.hub.halted.isdisjoint(("", database))
        place.keeps = "pools.mode is session" if pools.mode == "session" else ""
        place.spread = pools.mode != "session"
        place.binds = pools.mode != "transaction"
        place.route = Route.AUTO if self._settings.routing.reads == "standbys" else Route.PRIMARY
        place.consistency = Consistency(self._settings.routing.consistency)
        self.hub.places[user, database] = place
        return place

    def _end(self, how: Stop) -> None:
        self._ends = how
        self._stop.set()

    def _askable(self) -> list[Server]:
        primary = self._fleet.primary
        others = [t for t in self._fleet.targets.values() if t is not primary and t.answers]
        return [Server(t.name, t.host, t.port) for t in ([primary] if primary else []) + others]

    async def _tick(self) -> None:
        while True:
            self.hub.tick()
            self._admin.tick()
            await asyncio.sleep(TICK_S)
