"""`howdah router`: the address that applications use."""

import os
from pathlib import Path
from typing import Annotated

import typer

from howdah.configuration.faults import SettingsRefused
from howdah.configuration.load import load_router
from howdah.local.refused import Refused
from howdah.router.process import run_router

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def router(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Its settings. [default: HOWDAH_CONFIG, else none]",
                     show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """Run a router: one address for the whole cluster."""
    file = config or (Path(os.environ["HOWDAH_CONFIG"]) if os.environ.get("HOWDAH_CONFIG") else None)
    try:
        settings = load_router(file, os.environ)
    except SettingsRefused as refused:
        raise Refused(f"the settings cannot be used:\n{refused}") from refused
    raise typer.Exit(run_router(settings))
