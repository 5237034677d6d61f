"""`howdah agent`: the process beside each PostgreSQL server."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from howdah.api.process import run_agent
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.load import load_agent
from howdah.local.refused import Refused
from howdah.postgres.parameters import refusal

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def agent(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Its settings. [default: HOWDAH_CONFIG, else none]",
                     show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """Run the agent of one node; `up` and service managers do."""
    file = config or (Path(os.environ["HOWDAH_CONFIG"]) if os.environ.get("HOWDAH_CONFIG") else None)
    try:
        loaded = load_agent(file, os.environ, refusal)
    except SettingsRefused as refused:
        raise Refused(f"the settings cannot be used:\n{refused}") from refused
    for note in loaded.notes:
        print(f"howdah agent: {note}", file=sys.stderr)
    raise typer.Exit(run_agent(loaded.settings))
