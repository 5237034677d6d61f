"""`howdah router`: the address that applications use."""

import os
import sys
from functools import partial

import typer

from howdah.cli.settingsfile import SettingsFile, named_file, settings_of
from howdah.configuration.routerload import load_router, router_notes
from howdah.router.run import run_router

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def router(config: SettingsFile = None) -> None:
    """Run a router: one address for the whole cluster."""
    again = partial(load_router, named_file(config), os.environ)
    settings = settings_of(config, load_router)
    for note in router_notes(os.environ):
        print(f"howdah router: {note}", file=sys.stderr)
    raise typer.Exit(run_router(settings, again))
