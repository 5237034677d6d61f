"""`howdah agent`: the process beside each PostgreSQL server."""

import sys
from functools import partial

import typer

from howdah.api.process import run_agent
from howdah.cli.settingsfile import SettingsFile, settings_of
from howdah.configuration.load import load_agent
from howdah.postgres.parameters import refusal

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def agent(config: SettingsFile = None) -> None:
    """Run the agent of one node; `up` and service managers do."""
    loaded = settings_of(config, partial(load_agent, refusal=refusal))
    for note in loaded.notes:
        print(f"howdah agent: {note}", file=sys.stderr)
    raise typer.Exit(run_agent(loaded.settings))
