"""`howdah psql`: PostgreSQL's own client, connected."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from howdah.cli.options import Config, Data
from howdah.cli.reach import Reach, reach
from howdah.local.refused import Refused
from howdah.local.sight import KnownNode
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.installation import find_installation
from howdah.postgres.layout import SUPERUSER

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings={"ignore_unknown_options": True})
def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="-- ARGS", help="psql's own, such as -- -c 'SELECT 1'.")
    ] = None,
    node: Annotated[str, typer.Option("--node", metavar="NAME", help="This server.", show_default=False)] = "",
    data: Data = None,
    config: Config = None,
) -> None:
    """Open a psql on the primary or on one node.

    Without --node it finds the primary by itself, also after a role change (\\c).
    """
    cluster = reach(data, config)
    program = find_psql(cluster.postgres_bin)
    targets = (cluster.node(node),) if node else cluster.nodes
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    command = [str(program), *(arguments or [])]
    os.execve(program, command, variables | connection_variables(cluster, targets, bool(node)))


def connection_variables(cluster: Reach, targets: tuple[KnownNode, ...], any_role: bool) -> dict[str, str]:
    """What psql needs to connect to one of these servers."""
    return {
        "PGHOST": ",".join(target.host for target in targets),
        "PGPORT": ",".join(str(target.port) for target in targets),
        "PGUSER": SUPERUSER,
        "PGPASSWORD": cluster.secrets.superuser,
        "PGDATABASE": "postgres",
        "PGTARGETSESSIONATTRS": "any" if any_role else "read-write",
        "PGCONNECT_TIMEOUT": "5",
    }


def find_psql(postgres_bin: Path | None) -> Path:
    """That of the installation, else of the PATH. Raises Refused."""
    try:
        own = find_installation(postgres_bin).program("psql")
        if own.is_file():
            return own
    except PostgresFailure:
        pass  # the servers may run elsewhere: any psql will do
    if found := shutil.which("psql"):
        return Path(found)
    raise Refused(
        "there is no psql: neither with PostgreSQL's programs nor on the PATH. Install PostgreSQL's client package "
        "(Debian: postgresql-client), or use `howdah exec`."
    )
