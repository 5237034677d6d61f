"""What is one router process? Its clients, its knowledge of the cluster and its connections, in one loop."""

import asyncio
import contextlib
import math
import secrets
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from howdah.agent.pem import TlsUnusable
from howdah.api.server import ApiServer, CannotListen
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.router import LimitSettings, PoolSettings, RouterSettings
from howdah.configuration.routerkeys import with_value
from howdah.router.admin import Admin, House
from howdah.router.admission import Admission
from howdah.router.catalogs import Catalogs
from howdah.router.clientside import ClientWire, visitor_of
from howdah.router.crowd import Crowd
from howdah.router.directory import Directories
from howdah.router.doors import Door, Porter
from howdah.router.health import RouterView, rest_of
from howdah.router.loginpolicy import policy_of
from howdah.router.post import Post, alone
from howdah.router.probes import libpq_tls
from howdah.router.reload import changeable, renewed
from howdah.router.rolequery import SqlRoleQuery
from howdah.router.serverside import Servers
from howdah.router.staff import Own, Staff
from howdah.router.tls import ClientSide, renewed_client_side, renewed_server_side
from howdah.router.topology import Topology, fleet_limits
from howdah.router.verifiers import Server, Verifiers
from howdah.routing import cancelkeys
from howdah.routing.admincommand import Stop
from howdah.routing.adminsession import AdminSession
from howdah.routing.fleet import Change, Fleet, Target
from howdah.routing.hub import Hub, Place
from howdah.routing.loginsteps import LoggedIn
from howdah.routing.pool import Limits
from howdah.routing.replication import replicating
from howdah.routing.route import Route
from howdah.routing.session import Session, cancel_wait
from howdah.routing.shares import Shares
from howdah.routing.texts import Texts
from howdah.routing.watch import Looks, Patience, Watch
from howdah.routing.wishes import Consistency, is_wish, objection
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import EMPTY_CATALOG
from howdah.telemetry.logs import Form, set_up_logs
from howdah.wire import sqlstate
from howdah.wire.negotiation import backend_key_data
from howdah.wire.startup import Replication

log = structlog.get_logger(__name__)

TICK_S = 0.05
WATCH_S = 0.25
"""So exact are the limits on statements, transactions and idleness."""
CATALOG_INTERVAL_S = 30.0
REST_AGAIN_S = 0.5
QUIET_MS = 500.0
"""When the router stops, a client that was idle for so long is ended at once."""
PATIENCE_MS = 5_000.0
"""The others may leave by themselves for so long; then they are ended between two transactions, and the next statement
of one that does not expect it fails without having run."""
CONNECTIONS_LEFT = 5
"""Of what a server's max_connections leaves for others than superusers, so many stay for those who do not come through
the router: its probes, monitoring, a person with psql."""


class Router:
    """One process's worth of router. `draining`: it is stopping; readiness says no."""

    def __init__(
        self,
        settings: RouterSettings,
        read: Callable[[], RouterSettings],
        stop: asyncio.Event,
        post: Post | None = None,
    ) -> None:
        """`read` reads the settings again, and raises SettingsRefused; `stop` is set by who wants the process to end;
        `post`: which of several workers it is. Raises TlsUnusable, TopologyUnusable."""
        loop = asyncio.get_running_loop()
        self._post = post = post or alone()
        self.settings = settings
        self._changes: dict[str, str] = {}  # settings that are other than in the file, until that is read again
        self.draining = False
        self._read = read
        self._stop = stop
        self._ends = Stop.WHEN_SERVERS_ARE_FREE
        self._fleet = Fleet(fleet_limits(settings.knowledge, settings.routing))
        self.hub = Hub(
            self._fleet,
            lambda: loop.time() * 1000,
            float(settings.hold.timeout_ms),
            settings.hold.clients_max,
            time.perf_counter,
        )
        self._client_tls = renewed_client_side(settings.tls.clients)
        self._server_tls = renewed_server_side(settings.tls.servers)
        self._known = asyncio.Event()
        self._topology = Topology(settings, self._fleet, self._changed)
        password = settings.secrets.router
        query = SqlRoleQuery(
            password.get_secret_value() if password else "",
            settings.knowledge.probe_timeout_ms,
            libpq_tls(settings.tls.servers),
        )
        self.verifiers = Verifiers(
            self._askable, query, float(settings.login.verifier_cache_ms), lambda: loop.time() * 1000
        )
        self.directories = Directories()
        self._servers = Servers(
            settings.pools,
            settings.limits.buffer_bytes,
            lambda: self._server_tls.current,
            settings.tls.servers.mode not in ("disable", "prefer"),
            self.hub.profiles.plain,
            self.hub.clock_ms,
        )
        self._admission = Admission(settings, post.tally)
        self._shares = Shares(post.tally, self._server_max, post.of)
        self._watch = Watch(Patience())
        self._keys: cancelkeys.CancelKeys[Session] = cancelkeys.CancelKeys(post.number)
        self._catalogs = Catalogs(self.hub, settings.routing.harmless_functions, CATALOG_INTERVAL_S)
        self._texts: dict[str, tuple[Texts, Verdicts]] = {}
        self._sessions: dict[ClientWire, tuple[Session, int]] = {}
        self.book = Crowd(self, settings.limits, self.hub.clock_ms)
        self._porter = Porter(self.book.let_in)
        self._tasks: set[asyncio.Task[None]] = set()
        self._admin: Admin
        self._rest: ApiServer | None
        self._staff: Staff
        self._rest, self._staff = self._offices()
        self._apply(settings)

    @property
    def limits(self) -> LimitSettings:
        """See the port."""
        return self.settings.limits

    async def begin(self) -> None:
        """Learn who leads. It is waited for, for a while: until then a client could not even log in."""
        for work in (self._topology.run(), self._tick(), self._look(), self._keep_certificates_fresh()):
            self.start(work)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.knowledge.limit_ms / 1000):
                await self._known.wait()
        await self._staff.begin()

    async def open(self, doors: list[Door]) -> None:
        """Let clients in. Raises howdah.api.server's CannotListen."""
        self._porter.open(doors, self.settings.listen.backlog)
        if self._rest is None:
            return
        if self._post.of > 1 or any(door.shared for door in doors):
            self.start(self._take_rest_over(self._rest))
        else:
            await self._start_rest(self._rest)

    def reload(self) -> str:
        """Read the settings again and take them up, for everybody who is here. What is wrong with them, and then
        nothing has changed; "" if nothing is."""
        try:
            kept = self._take_up(self._read())
        except (SettingsRefused, TlsUnusable) as refused:
            log.error(f"the settings were read again and cannot be used; the old ones stay: {refused}", part="router")
            return str(refused)
        self._changes.clear()
        for name in kept:
            log.warning(f"{name} was changed, which takes effect when the router is started again", part="router")
        log.info("the settings were read again", part="router")
        return ""

    def _change(self, name: str, value: str) -> str:
        """One setting, until they are read again; answers as `reload` does."""
        try:
            kept = self._take_up(with_value(self.settings, name, value))
        except (SettingsRefused, TlsUnusable) as refused:
            return str(refused)
        if kept:
            return f"{kept[0]} takes effect only when the router is started again: change it in its settings"
        self._changes[name] = value
        log.info(f"{name} is {value} until the settings are read again", part="router")
        return ""

    def _take_up(self, wanted: RouterSettings) -> tuple[str, ...]:
        """For everybody who is here. Returns what cannot be taken up. Raises TlsUnusable, and then nothing has
        changed."""
        settings, kept = renewed(self.settings, wanted)
        if settings.tls.clients != self.settings.tls.clients:
            self._client_tls = renewed_client_side(settings.tls.clients)
        self.settings = settings
        self._apply(settings)
        self.hub.changed(self._fleet.adjust(fleet_limits(settings.knowledge, settings.routing)))
        return kept

    async def drain(self) -> None:
        """For the grace clients still come; then nobody does, and those who are here may end their transactions."""
        self.draining = True
        if self.settings.stop.grace_ms:
            await asyncio.sleep(self.settings.stop.grace_ms / 1000)
        self._porter.close()
        if self._ends is Stop.NOW:
            return
        patient = self._ends is Stop.WHEN_CLIENTS_LEFT
        end = math.inf if patient else self.hub.clock_ms() + self.settings.stop.drain_ms
        hurry = min(end, self.hub.clock_ms() + PATIENCE_MS)
        looks = Looks()
        while (self._sessions or self.book.logging_in) and (now_ms := self.hub.clock_ms()) < end:
            sessions = [] if patient else [session for session, _ in self._sessions.values()]
            for session in sessions if now_ms > hurry else looks.quiet(sessions, now_ms, QUIET_MS):
                session.dismiss()
            await asyncio.sleep(TICK_S)

    async def close(self) -> None:
        """End everything."""
        self._porter.close()
        if self._rest is not None:
            await self._rest.stop()
        await self._staff.close()
        self.book.close()
        await self._catalogs.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._servers.close()
        await self.verifiers.close()
        self.directories.close()
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
        if refusal := self._admin.refusal(who.database) or self._admission.admit(client, who.user, who.database):
            client.write(refusal)
            return None
        if who.database == self.settings.login.admin_database:
            return self._admin.admit(client, who, visitor)
        for name, value in who.settings:
            if is_wish(name) and (why := objection(name, value)):
                client.write(sqlstate.error(sqlstate.FATAL, sqlstate.INVALID_PARAMETER_VALUE, why))
                return None
        session = self._session(client, who)
        session.visitor = visitor
        self.hub.ledger.logins += 1
        key = self._keys.issue(session, secrets.token_bytes(cancelkeys.RANDOM_BYTES), who.minor)
        self._sessions[client] = (session, key.pid)
        session.greet(backend_key_data(key.pid, key.secret))
        return session

    def cancel(self, process: int, key: bytes, done: Callable[[], None]) -> None:
        """See the port."""
        self._staff.cancel(process, key, done)

    def _cancel(self, process: int, key: bytes, done: Callable[[], None]) -> None:
        """Of a session here."""
        session = self._keys.find(process, key)
        if session is not None and cancel_wait(session):
            done()
            return
        link = session.link if session is not None else None
        if link is None or link.replaying:  # nothing of the client's runs
            done()
        else:
            self._servers.cancel(link, done)

    def refused(self) -> None:
        """See the port."""
        self.hub.ledger.refused += 1

    def gone(self, client: ClientWire) -> None:
        """See the port."""
        self.book.gone(client)
        self._admission.left(client)
        known = self._sessions.pop(client, None)
        if known is not None:
            session, process = known
            self._keys.withdraw(process)
            self.hub.left(session)

    # its parts

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this beside everything else."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _apply(self, settings: RouterSettings) -> None:
        """Bring the settings to those who keep a part of them."""
        limits = settings.limits
        self.policy = policy_of(settings)
        name = settings.name or socket.gethostname()
        if self._post.of > 1:
            name += f"/{self._post.number}"
        set_up_logs(Form(settings.log.format), settings.log.level, name)
        self.hub.hold_ms = float(settings.hold.timeout_ms)
        self.hub.hold_most = self._post.part(settings.hold.clients_max)
        self.hub.hold_bytes = self._post.part(settings.hold.bytes_max)
        self.hub.drain_ms = float(settings.hold.drain_ms)
        self.verifiers.cache_ms = float(settings.login.verifier_cache_ms)
        self.book.limits = limits.model_copy(update={"logins_pending": self._post.part(limits.logins_pending)})
        self._admission.settings = settings
        self._servers.settings = settings.pools
        self._servers.buffer_bytes = limits.buffer_bytes
        self._topology.probes.settings = settings.knowledge
        self._catalogs.harmless = settings.routing.harmless_functions
        self._watch.patience = Patience(
            float(limits.query_timeout_ms),
            float(limits.transaction_idle_timeout_ms),
            float(limits.client_idle_timeout_ms),
        )
        for place in self.hub.places.values():
            if place.begins is None:  # those of a replication connection are as it asked for them
                self._furnish(place)

    def _changed(self, changes: tuple[Change, ...]) -> None:
        self.hub.changed(changes)
        if self._fleet.primary is not None:
            self._known.set()

    def _furnish(self, place: Place) -> None:
        pools = self.settings.pools
        place.limits = limits_of(pools, self._post)
        place.keeps = "pools.mode is session" if pools.mode == "session" else ""
        place.spread = pools.mode != "session"
        place.binds = pools.mode != "transaction"
        place.route = Route.AUTO if self.settings.routing.reads == "standbys" else Route.PRIMARY
        place.consistency = Consistency(self.settings.routing.consistency)
        for pool in place.pools.values():
            pool.limits = place.limits

    def _session(self, client: ClientWire, who: LoggedIn) -> Session:
        if who.replication is not Replication.NO:
            return replicating(self.hub, client, who, float(self.settings.pools.wait_timeout_ms), self._servers)
        place = self._place(who.user, who.database)
        place.credentials = who.credentials
        self._catalogs.follow(place, self._texts[who.database][1])
        profile = self.hub.profiles.of_login(who.settings, client.route, self._shown(who))
        session = Session(self.hub, client, place, profile)
        self.hub.sessions.add(session)
        return session

    def _shown(self, who: LoggedIn) -> str:
        """Where a client comes from, for pg_stat_activity; "" if that is not wanted."""
        if not self.settings.pools.client_address:
            return ""
        return str(who.address) if who.address is not None else "local"

    def _place(self, user: str, database: str) -> Place:
        found = self.hub.places.get((user, database))
        if found is not None:
            return found
        known = self._texts.get(database)
        if known is None:
            here = {place.database for place in self.hub.places.values()}
            self._texts = {name: each for name, each in self._texts.items() if name in here}
            verdicts = Verdicts(self.settings.routing.cache_bytes, EMPTY_CATALOG)
            known = self._texts[database] = (Texts(verdicts), verdicts)
        place = Place(
            user,
            database,
            known[0],
            limits_of(self.settings.pools, self._post),
            self._servers,
            self.hub.ledger,
            self._shares,
        )
        place.made_ms = self.hub.clock_ms()
        place.halted = not self.hub.halted.isdisjoint(("", database))
        self._furnish(place)
        self.hub.places[user, database] = place
        return place

    def _server_max(self, target: Target) -> int:
        """How many connections may go to a server; 0: not known yet."""
        if self.settings.pools.server_connections_max:
            return self.settings.pools.server_connections_max
        return max(1, target.connections_max - CONNECTIONS_LEFT) if target.connections_max else 0

    def _offices(self) -> tuple[ApiServer | None, Staff]:
        """Who answers questions about the router: the admin database, health checks, and this worker to the others."""
        post, settings = self._post, self.settings
        self._admin = self._admin_of(post)
        name = settings.name or socket.gethostname()
        view = RouterView(settings.cluster, name, self._admin.scene, lambda: self.draining, self._gather)
        own = Own(
            table=self._admin.own_table,
            deed=self._admin.own_deed,
            cancel=self._cancel,
            facts={"metrics": view.metrics_in_words, "figures": view.figures, "standing": self._standing},
            take_up=self._take_over,
            start=self.start,
        )
        return rest_of(settings, view), Staff(post, own)

    def _admin_of(self, post: Post) -> Admin:
        return Admin(
            House(
                hub=self.hub,
                settings=lambda: self.settings,
                staff=lambda: self._staff,
                logging_in=lambda: self.book.logging_in,
                reload=self.reload,
                change=self._change,
                changeable=changeable,
                end=self._end,
                serials=post.serials,
            )
        )

    async def _gather(self, word: str) -> list[Any]:
        return await self._staff.ask(word)

    def _standing(self) -> dict[str, Any]:
        """What a worker that begins later has to know."""
        return {"halted": sorted(self.hub.halted), "closed": sorted(self.hub.closed), "changes": self._changes}

    def _take_over(self, standing: dict[str, Any]) -> None:
        self.hub.halted.update(standing["halted"])
        self.hub.closed.update(standing["closed"])
        for name, value in standing["changes"].items():
            if refusal := self._change(name, value):
                log.warning(f"another worker goes by {name} {value}: {refusal}", part="router")

    def _end(self, how: Stop) -> None:
        self._ends = how
        self._stop.set()

    def _askable(self) -> list[Server]:
        primary = self._fleet.primary
        others = [t for t in self._fleet.targets.values() if t is not primary and t.answers]
        return [Server(t.name, t.host, t.port) for t in ([primary] if primary else []) + others]

    async def _start_rest(self, rest: ApiServer) -> None:
        await rest.start()
        log.info(f"answers /health and /metrics at {rest.address}", part="router")

    async def _take_rest_over(self, rest: ApiServer) -> None:
        """The router that this one replaces has the port until it ends."""
        while True:
            try:
                await self._start_rest(rest)
                return
            except CannotListen:
                await asyncio.sleep(REST_AGAIN_S)

    async def _tick(self) -> None:
        while True:
            self.hub.tick()
            self._admin.tick()
            self.book.tick()
            self._shares.settle(pool for place in self.hub.places.values() for pool in place.pools.values())
            await asyncio.sleep(TICK_S)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for link in self._watch.look(self.hub.sessions, self.hub.clock_ms()):
                self._servers.cancel(link)

    async def _keep_certificates_fresh(self) -> None:
        while True:
            await asyncio.sleep(self.settings.tls.reload_interval_ms / 1000)
            self._client_tls.renew()
            self._server_tls.renew()


def limits_of(pools: PoolSettings, post: Post) -> Limits:
    """Of each pool; what has no limit gets one that is never reached."""
    return Limits(
        most=pools.size,
        least=pools.min_size // post.of + (post.number < pools.min_size % post.of),
        reserve=pools.reserve,
        reserve_after_ms=float(pools.reserve_after_ms),
        idle_ms=float(pools.idle_timeout_ms) or math.inf,
        life_ms=float(pools.lifetime_ms) or math.inf,
        wait_ms=float(pools.wait_timeout_ms) or math.inf,
        check_ms=float(pools.check_after_ms) or math.inf,
        at_once=post.part(pools.connect_parallel),
        prepared=pools.prepared_max,
    )
