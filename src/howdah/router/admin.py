"""What stands behind the admin database: who may talk to it, what it looks at, and what it can have done?"""

import resource
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import structlog

from howdah.configuration.router import RouterSettings
from howdah.configuration.routerkeys import shown
from howdah.router.staff import Staff
from howdah.routing.admincommand import Deed, Reload, SetSetting, Show, ShowRoute, Shutdown, Stop, Subject
from howdah.routing.admindeeds import Deeds
from howdah.routing.adminscene import Guest, Scene, Setting, Sizes
from howdah.routing.adminsession import AdminSession
from howdah.routing.admintable import Table
from howdah.routing.admintables import TABLES, table_of
from howdah.routing.adminviews import ROUTE, VIEWS, route, view_of
from howdah.routing.cancelkeys import SERIALS
from howdah.routing.hub import Hub
from howdah.routing.link import Sink
from howdah.routing.loginsteps import LoggedIn
from howdah.routing.visitor import Visitor
from howdah.telemetry.release import release
from howdah.wire import sqlstate
from howdah.wire.negotiation import backend_key_data
from howdah.wire.rows import Column

log = structlog.get_logger(__name__)

SPOKEN = "PgBouncer 1.24.1"
"""Whose tables these are: collectors look for that name, and for a version that they know."""
KEY_BYTES = 4


@dataclass(frozen=True, slots=True)
class House:
    """What it needs of the process. `settings`: those in force. `staff`: all workers, who answer together.
    `logging_in`: so many clients have not proved yet who they are. `reload` reads the settings again, `change` takes
    (name, value) of one: "", or why that was not done. `changeable`: whether a key can be changed while the router
    runs. `serials`: clients are numbered from above it."""

    hub: Hub
    settings: Callable[[], RouterSettings]
    staff: Callable[[], Staff]
    logging_in: Callable[[], int]
    reload: Callable[[], str]
    change: Callable[[str, str], str]
    changeable: Callable[[str], bool]
    end: Callable[[Stop], None]
    serials: int = 0


class Admin:
    """The admin database of one process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._deeds = Deeds(house.hub)
        self._guests: dict[AdminSession, Visitor] = {}
        self._serials = count(house.serials + 1)

    def serial(self) -> int:
        """The number of one more client."""
        return next(self._serials)

    def refusal(self, database: str) -> bytes:
        """Why nobody comes into a database now; b"" if that is not so."""
        if database not in self._house.hub.closed:
            return b""
        return sqlstate.error(
            sqlstate.FATAL,
            sqlstate.CANNOT_CONNECT_NOW,
            f'database "{database}" is disabled on this router',
            hint=f"An admin can ENABLE {database} in the database {self._house.settings().login.admin_database}.",
        )

    def admit(self, client: Sink, who: LoggedIn, visitor: Visitor) -> AdminSession | None:
        """A session of the admin database; None: the client was told that it may not."""
        login = self._house.settings().login
        may_change = who.user in login.admins
        if not may_change and who.user not in login.observers:
            client.write(
                sqlstate.error(
                    sqlstate.FATAL,
                    sqlstate.INSUFFICIENT_PRIVILEGE,
                    f'user "{who.user}" may not use the router\'s own database "{who.database}"',
                    hint="The router's settings login.admins and login.observers name who may.",
                )
            )
            return None
        session = AdminSession(client, self, who.user, may_change)
        self._guests[session] = visitor
        told = {
            "server_version": f"18.0 (Howdah {release()} admin)",
            "server_encoding": "UTF8",
            "client_encoding": "UTF8",
            "DateStyle": "ISO, MDY",
            "TimeZone": "UTC",
            "integer_datetimes": "on",
            "standard_conforming_strings": "on",
            "application_name": visitor.application_name,
        }
        # A cancel with this key finds nobody: nothing here runs for long.
        session.greet(told, backend_key_data(visitor.serial % SERIALS, secrets.token_bytes(KEY_BYTES)))
        return session

    def tick(self) -> None:
        """Several times a second."""
        self._deeds.tick()
        for session in [each for each in self._guests if each.closed]:
            del self._guests[session]

    # what its sessions need (`Desk`)

    def columns(self, command: Show | ShowRoute) -> tuple[Column, ...]:
        """See the port."""
        if isinstance(command, ShowRoute):
            return ROUTE
        return (TABLES.get(command.subject) or VIEWS[command.subject])[0]

    def table(self, command: Show | ShowRoute, told: Callable[[Table], None]) -> None:
        """See the port."""
        if isinstance(command, ShowRoute):
            told(route(command, self.scene()))
        else:
            self._house.staff().table(command.subject, told)

    def do(self, deed: Deed, ended: Callable[[str], None]) -> None:
        """See the port."""
        log.info(f"asked for {deed}", part="admin")
        self._house.staff().do(deed, ended)

    # what this worker says and does for itself

    def own_table(self, subject: Subject) -> Table:
        """Of what this worker has."""
        return (table_of if subject in TABLES else view_of)(subject, self.scene())

    def own_deed(self, deed: Deed, ended: Callable[[str], None]) -> None:
        """In this worker."""
        match deed:
            case Reload():
                ended(self._house.reload())
            case SetSetting(key, value):
                ended(self._house.change(key, value))
            case Shutdown(how):
                self._house.end(how)
                ended("")
            case _:
                self._deeds.do(deed, ended)

    def scene(self) -> Scene:
        """The router as it is now."""
        house = self._house
        settings, hub = house.settings(), house.hub
        now_ms = hub.clock_ms()
        pools, limits = settings.pools, settings.limits
        return Scene(
            hub=hub,
            now_ms=now_ms,
            stamp=_Stamps(now_ms),
            version=f"{SPOKEN} (as answered by Howdah {release()})",
            port=settings.listen.port,
            admin_database=settings.login.admin_database,
            sizes=Sizes(
                mode=pools.mode,
                pool=pools.size,
                least=pools.min_size,
                reserve=pools.reserve,
                life_s=pools.lifetime_ms // 1000,
                per_user=limits.clients_per_user,
                per_database=limits.clients_per_database,
            ),
            settings=tuple(self._config()),
            guests=tuple(Guest(session.user, visitor) for session, visitor in self._guests.items()),
            pending=house.logging_in(),
            memory=tuple(_memory(hub)),
            serials=house.serials,
        )

    def _config(self) -> Iterator[Setting]:
        for name, value, default, key in shown(self._house.settings()):
            yield Setting(name, value, default, bool(key) and self._house.changeable(key))


class _Stamps:
    """Says when a moment of the router's clock was, as PgBouncer does."""

    def __init__(self, now_ms: float) -> None:
        self._epoch_s = time.time() - now_ms / 1000

    def __call__(self, moment_ms: float) -> str:
        when = datetime.fromtimestamp(self._epoch_s + moment_ms / 1000, UTC)
        return when.strftime("%Y-%m-%d %H:%M:%S UTC")


def _memory(hub: Hub) -> Iterator[tuple[str, int, int]]:
    """(what, bytes of one or 0 where that is not known, how many)."""
    yield "process (most so far)", 1, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    yield "sessions", 0, len(hub.sessions)
    yield "server connections", 0, sum(len(p.links) for place in hub.places.values() for p in place.pools.values())
    yield "statements", 0, len(hub.statements)
    yield "statement texts", 0, sum(len(texts.shapes) for texts in {place.texts for place in hub.places.values()})
