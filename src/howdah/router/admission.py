"""May one more client come in, now that it has proved who it is?

The last few places of all are kept for those who look after the router, so that a full one
can still be looked at.
"""

from collections.abc import Hashable

from howdah.configuration.router import RouterSettings
from howdah.routing.tally import TAKEN, Tally
from howdah.wire import sqlstate

CLIENTS = "clients"


class Admission:
    """`settings` may be changed while clients are in."""

    def __init__(self, settings: RouterSettings, tally: Tally) -> None:
        self.settings = settings
        self._tally = tally
        self._in: dict[Hashable, tuple[str, ...]] = {}

    def admit(self, client: Hashable, user: str, database: str) -> bytes:
        """Count it in, until it left; or the error that it gets instead."""
        limits, login = self.settings.limits, self.settings.login
        looks_after = user in login.admins or user in login.observers
        most = limits.clients if looks_after else limits.clients - limits.reserved
        wants = [(CLIENTS, most)]
        if not looks_after or database != login.admin_database:
            wants += [(f"user {user}", limits.clients_per_user), (f"database {database}", limits.clients_per_database)]
        full = self._tally.take(*wants)
        if full == TAKEN:
            self._in[client] = tuple(name for name, _ in wants)
            return b""
        return sqlstate.error(sqlstate.FATAL, sqlstate.TOO_MANY_CONNECTIONS, self._why(full, user, database))

    def left(self, client: Hashable) -> None:
        """It is gone; harmless for one that was not in."""
        self._tally.give(*self._in.pop(client, ()))

    def _why(self, full: int, user: str, database: str) -> str:
        """In PostgreSQL's words."""
        limits = self.settings.limits
        if full:
            what, most = (
                (f'role "{user}"', limits.clients_per_user)
                if full == 1
                else (
                    f'database "{database}"',
                    limits.clients_per_database,
                )
            )
            return f"too many connections for {what} (the router allows {most})"
        if limits.reserved:
            return (
                f"sorry, too many clients already (the router allows {limits.clients}, {limits.reserved} of them for "
                "its admins only)"
            )
        return f"sorry, too many clients already (the router allows {limits.clients})"
