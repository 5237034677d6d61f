"""What do the tables of the admin database look at?"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from howdah.routing.hub import Hub, Place
from howdah.routing.link import Link
from howdah.routing.pool import Pool
from howdah.routing.session import Session
from howdah.routing.visitor import Visitor
from howdah.wire import codes
from howdah.wire.startup import Replication


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of SHOW CONFIG."""

    key: str
    value: str
    default: str
    changeable: bool


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the settings allow, as PgBouncer's columns want it."""

    mode: str = "auto"
    pool: int = 20
    least: int = 0
    reserve: int = 0
    life_s: int = 3600
    per_user: int = 0
    per_database: int = 0


@dataclass(frozen=True, slots=True)
class Guest:
    """A client of the admin database itself."""

    user: str
    visitor: Visitor


@dataclass(frozen=True, slots=True)
class Scene:
    """The router at this moment. `stamp` says when a moment of the router's clock (milliseconds) was. `free_bytes`:
    of memory, by name. `pending`: clients that are logging in. `serials`: connections are numbered from above it."""

    hub: Hub
    now_ms: float
    stamp: Callable[[float], str]
    version: str
    port: int
    admin_database: str
    sizes: Sizes
    settings: tuple[Setting, ...] = ()
    guests: tuple[Guest, ...] = ()
    pending: int = 0
    memory: tuple[tuple[str, int, int], ...] = ()
    serials: int = 0

    def pools(self, place: Place | None = None) -> Iterator[Pool]:
        """Of one user in a database, or all."""
        for each in (place,) if place is not None else tuple(self.hub.places.values()):
            yield from each.pools.values()

    def links(self) -> Iterator[Link]:
        """Every server connection."""
        for pool in self.pools():
            yield from pool.links

    def clients(self) -> list[Session]:
        """Those that are somebody's, in the order of arrival."""
        found = [session for session in self.hub.sessions if session.visitor.serial]
        return sorted(found, key=lambda session: session.visitor.serial)

    def databases(self) -> list[str]:
        """Those that anybody has asked for."""
        named = {place.database for place in self.hub.places.values()}
        return sorted(named | {name for name in (*self.hub.halted, *self.hub.closed) if name})

    def places(self, databases: Iterable[str] = (), users: Iterable[str] = ()) -> list[Place]:
        """Of these databases or users, sorted; without those that hold one WAL sender each."""
        wanted, by = set(databases), set(users)
        found = [
            place
            for place in self.hub.places.values()
            if place.replication is Replication.NO
            and (not wanted or place.database in wanted)
            and (not by or place.user in by)
        ]
        return sorted(found, key=lambda place: (place.database, place.user))


def waits(session: Session) -> bool:
    """Whether it has asked for something that it has no server connection for."""
    return session.link is None and session.asked_ms > 0


def name_of(session: Session) -> str:
    """Its application_name at the moment."""
    return session.state.profile.get("application_name") or session.visitor.application_name


def in_transaction(link: Link) -> bool:
    """Whether it is in one, or runs something."""
    return not link.expect.done or link.expect.status != codes.IDLE


def replication_of(place: Place) -> str:
    """ "none", "physical" or "logical"."""
    return "none" if place.replication is Replication.NO else place.replication.name.lower()


def pid_of(link: Link) -> int:
    """Of the server's process, as it said at the login; 0: it did not."""
    return int.from_bytes(link.key[8:12], "big") if len(link.key) >= 12 else 0
