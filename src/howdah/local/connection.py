"""How does one connect to the cluster? (DIR/connection.env, a psql line, a URI)"""

import shlex
from urllib.parse import quote

from howdah.local.place import Place
from howdah.local.plan import HOST, Plan, write_whole
from howdah.postgres.layout import SUPERUSER

DATABASE = "postgres"


def environment_of(plan: Plan, password: str) -> dict[str, str]:
    """The variables with which any program that uses libpq reaches the cluster, through its router."""
    return {
        "PGHOST": HOST,
        "PGPORT": str(plan.router_port),
        "PGUSER": SUPERUSER,
        "PGPASSWORD": password,
        "PGDATABASE": DATABASE,
    }


def write_connection(place: Place, plan: Plan, password: str) -> None:
    """Write connection.env, for its owner only: lines that shells, systemd and containers read. Raises OSError."""
    lines = (f"{name}={shlex.quote(value)}" for name, value in environment_of(plan, password).items())
    write_whole(place.connection, "\n".join(lines) + "\n", 0o600)


def uri_of(plan: Plan, password: str) -> str:
    """The same as a connection URI."""
    return f"postgresql://{SUPERUSER}:{quote(password, safe='')}@{HOST}:{plan.router_port}/{DATABASE}"


def psql_line(place: Place) -> str:
    """A line for the shell; the subshell keeps the password out of the one it is typed in."""
    return f"(set -a; . {shlex.quote(str(place.connection))}; psql)"
