"""How does one connect to the cluster? (DIR/connection.env, a psql line, a URI)"""

import shlex
from urllib.parse import quote

from howdah.local.place import Place
from howdah.local.plan import HOST, Plan, write_whole
from howdah.postgres.layout import SUPERUSER

DATABASE = "postgres"
READ_WRITE = "read-write"


def hosts_and_ports(plan: Plan) -> tuple[str, str]:
    """Every server's host and port, comma separated, as libpq wants them."""
    return ",".join(HOST for _ in plan.nodes), ",".join(str(node.port) for node in plan.nodes)


def environment_of(plan: Plan, password: str) -> dict[str, str]:
    """The variables with which any program that uses libpq reaches the primary."""
    hosts, ports = hosts_and_ports(plan)
    return {
        "PGHOST": hosts,
        "PGPORT": ports,
        "PGUSER": SUPERUSER,
        "PGPASSWORD": password,
        "PGDATABASE": DATABASE,
        "PGTARGETSESSIONATTRS": READ_WRITE,
    }


def write_connection(place: Place, plan: Plan, password: str) -> None:
    """Write connection.env, for its owner only: lines that shells, systemd and containers read. Raises OSError."""
    lines = (f"{name}={shlex.quote(value)}" for name, value in environment_of(plan, password).items())
    write_whole(place.connection, "\n".join(lines) + "\n", 0o600)


def uri_of(plan: Plan, password: str) -> str:
    """A connection URI that finds the primary."""
    where = ",".join(f"{HOST}:{node.port}" for node in plan.nodes)
    return f"postgresql://{SUPERUSER}:{quote(password, safe='')}@{where}/{DATABASE}?target_session_attrs={READ_WRITE}"


def psql_line(place: Place) -> str:
    """A line for the shell; the subshell keeps the password out of the one it is typed in."""
    return f"(set -a; . {shlex.quote(str(place.connection))}; psql)"
