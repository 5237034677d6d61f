"""`howdah exporter`: PostgreSQL's statistics for Prometheus, in a process of their own."""

from typing import Annotated

import typer

from howdah.agent.node import socket_of
from howdah.api.exporter import run_exporter
from howdah.cli.reach import checks_of
from howdah.cli.settingsfile import SettingsFile, settings_of
from howdah.configuration.load import load_agent
from howdah.postgres.account import own_name
from howdah.postgres.connection import LocalSql
from howdah.postgres.layout import NodeLayout
from howdah.values.address import Address

PORT = 9187
"""postgres_exporter's."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def exporter(
    config: SettingsFile = None,
    listen: Annotated[str, typer.Option("--listen", metavar="HOST", help="Where to listen.")] = "0.0.0.0",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="And on which port.")] = PORT,
) -> None:
    """Serve PostgreSQL's statistics to Prometheus, beside an agent.

    Run it as the account of the agent.
    """
    settings = settings_of(config, load_agent).settings
    own_name()
    socket = socket_of(NodeLayout(settings.node.root), settings.postgresql.port)
    checks = checks_of(settings)
    agent = f"{'https' if checks else 'http'}://{settings.api.address}"
    raise typer.Exit(run_exporter(LocalSql(socket, settings.postgresql.port), agent, checks, Address(listen, port)))
