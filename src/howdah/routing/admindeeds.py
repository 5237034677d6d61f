"""What do PAUSE, RESUME, RECONNECT, KILL and their like do to the router's sessions and pools?

PgBouncer's meaning: a paused database lends no server connection; what runs comes to its end, and who asks waits.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import assert_never

from howdah.routing.admincommand import (
    Disable,
    Enable,
    Kill,
    KillClient,
    Pause,
    Reconnect,
    Resume,
    WaitClose,
)
from howdah.routing.hub import Hub, Place
from howdah.routing.pool import Pool, halt, retire
from howdah.wire import sqlstate

Ended = Callable[[str], None]
"""Is told "", or why it was not done."""
OfSessions = Pause | Resume | Reconnect | WaitClose | Kill | KillClient | Disable | Enable
KILLED = sqlstate.error(sqlstate.FATAL, sqlstate.ADMIN_SHUTDOWN, "terminating connection due to administrator command")


class Deeds:
    """Does them. What has to wait for something is looked at again at each `tick`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: list[tuple[Callable[[], bool], Ended]] = []

    def do(self, deed: OfSessions, ended: Ended) -> None:
        """Do it, and say so when it is done."""
        match deed:
            case Pause(database):
                if refusal := self._halt(database):
                    ended(refusal)
                else:
                    self._wait(partial(self._free, database), ended)
            case Resume(database):
                ended(self._resume(database))
            case Reconnect(database):
                for pool in self._pools(database):
                    retire(pool, "RECONNECT was asked for")
                    pool.grow()
                ended("")
            case WaitClose(database):
                self._wait(partial(self._closed, database), ended)
            case Kill(database):
                self._kill(database)
                ended("")
            case KillClient(serial):
                ended(self._kill_client(serial))
            case Disable(database):
                self._hub.closed.add(database)
                ended("")
            case Enable(database):
                self._hub.closed.discard(database)
                ended("")
            case _:
                assert_never(deed)

    def tick(self) -> None:
        """What was waited for may have come."""
        still: list[tuple[Callable[[], bool], Ended]] = []
        waiting, self._waiting = self._waiting, []
        for over, ended in waiting:
            if over():
                ended("")
            else:
                still.append((over, ended))
        self._waiting += still

    def _wait(self, over: Callable[[], bool], ended: Ended) -> None:
        if over():
            ended("")
        else:
            self._waiting.append((over, ended))

    def _places(self, database: str) -> list[Place]:
        return [place for place in self._hub.places.values() if database in ("", place.database)]

    def _pools(self, database: str) -> Iterator[Pool]:
        for place in self._places(database):
            yield from tuple(place.pools.values())

    def _halt(self, database: str) -> str:
        hub = self._hub
        if database in hub.halted:
            return f'database "{database}" is paused already' if database else "everything is paused already"
        hub.halted.add(database)
        self._settle(database)
        return ""

    def _resume(self, database: str) -> str:
        hub = self._hub
        if not database:
            if not hub.halted:
                return "nothing is paused"
            hub.halted.clear()
        elif "" in hub.halted:
            return "everything is paused: write RESUME without a database"
        elif database not in hub.halted:
            return f'database "{database}" is not paused'
        hub.halted.discard(database)
        self._settle(database)
        return ""

    def _settle(self, database: str) -> None:
        """Bring the places in line with what is paused."""
        halted = self._hub.halted
        for place in self._places(database):
            place.halted = "" in halted or place.database in halted
            for pool in tuple(place.pools.values()):
                halt(pool, place.halted)

    def _free(self, database: str) -> bool:
        return not any(pool.links or pool.opening for pool in self._pools(database))

    def _closed(self, database: str) -> bool:
        return not any(link.broken for pool in self._pools(database) for link in pool.links)

    def _kill(self, database: str) -> None:
        """Clients first, so that nobody is told of a lost server."""
        self._hub.halted.add(database)
        for session in tuple(self._hub.sessions):
            if database in ("", session.place.database):
                session.refuse(KILLED)
        self._settle(database)
        for pool in self._pools(database):
            pool.cut("KILL was asked for")

    def _kill_client(self, serial: int) -> str:
        for session in self._hub.sessions:
            if serial and session.visitor.serial == serial:
                session.refuse(KILLED)
                return ""
        return f"there is no client with the id {serial}; SHOW CLIENTS tells which there are"
