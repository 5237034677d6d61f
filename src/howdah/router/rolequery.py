"""How is a server asked about roles?

As the role howdah_router, through the one function that it may call, on a connection that is kept.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence

from howdah.ports.postgres import SqlFailed
from howdah.postgres.connection import KeptSql
from howdah.router.serveraddress import router_place
from howdah.router.verifiers import Server, ServerUnable
from howdah.routing.credentials import RoleFacts

_ASK = """
    SELECT role, f.verifier, f.can_login, f.superuser, f.replication, f.seconds_left, array_to_json(f.member_of)
      FROM jsonb_array_elements_text($1::jsonb) AS role CROSS JOIN LATERAL howdah.login_facts(role) AS f
"""


class SqlRoleQuery:
    """Implements `RoleQuery`. `tls`: libpq's settings for connections to servers (sslmode, sslrootcert...)."""

    def __init__(self, password: str, timeout_ms: int, tls: Mapping[str, str]) -> None:
        self._timeout_ms = timeout_ms
        self._login = {**tls, "password": password}
        self._kept: dict[Server, KeptSql] = {}

    async def ask(self, server: Server, roles: Sequence[str]) -> dict[str, RoleFacts]:
        """See the port."""
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                kept = self._kept.get(server)
                if kept is None:
                    place = await router_place(server.host, server.port, self._timeout_ms, self._login)
                    kept = self._kept[server] = KeptSql(place)
                rows = await kept.query(_ASK, json.dumps(list(roles)))
        except TimeoutError as error:
            self._drop(server)
            raise ServerUnable(f"it did not answer within {self._timeout_ms} ms") from error
        except (SqlFailed, OSError) as error:
            self._drop(server)
            raise ServerUnable(str(error)) from error
        return {str(row[0]): _facts(row) for row in rows}

    def close(self) -> None:
        """Drop the connections."""
        for server in tuple(self._kept):
            self._drop(server)

    def keep_only(self, servers: Sequence[Server]) -> None:
        """Drop the connections to others: they left the cluster, or moved."""
        for server in self._kept.keys() - set(servers):
            self._drop(server)

    def _drop(self, server: Server) -> None:
        kept = self._kept.pop(server, None)
        if kept is not None:
            kept.close()


def _facts(row: tuple[str | None, ...]) -> RoleFacts:
    _, verifier, can_login, superuser, replication, left, member_of = row
    return RoleFacts(
        verifier=verifier,
        can_login=can_login == "t",
        superuser=superuser == "t",
        replication=replication == "t",
        seconds_left=None if left is None else float(left),
        member_of=frozenset(json.loads(member_of or "[]")),
    )
