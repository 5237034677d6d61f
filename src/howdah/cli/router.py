"""`howdah router`: the address that applications use."""

import typer

from howdah.cli.settingsfile import SettingsFile, settings_of
from howdah.configuration.load import load_router
from howdah.router.process import run_router

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def router(config: SettingsFile = None) -> None:
    """Run a router: one address for the whole cluster."""
    raise typer.Exit(run_router(settings_of(config, load_router)))
