"""`howdah status`: how is the cluster?"""

import json
import time
from typing import Annotated

import typer
from rich.live import Live

from howdah.cli.options import AsJson, Config, Data
from howdah.cli.reach import Reach, reach
from howdah.cli.terminal import console
from howdah.local.statustable import status_view

WATCH_S = 1.0

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Renew it each second until Ctrl-C.")] = False,
) -> None:
    """Show every node's role, state and lag, and what is wrong.

    Ends with 1 if no agent answers.
    """
    cluster = reach(data, config)
    if watch:
        _watch(cluster, as_json)
        return
    sight = cluster.see()
    if as_json:
        print(json.dumps(sight.document, indent=2))
    else:
        console().print(status_view(sight))
    if not sight.answered:
        raise typer.Exit(1)


def _watch(cluster: Reach, as_json: bool) -> None:
    """On a terminal in place; JSON as one line a second."""
    try:
        if as_json:
            while True:
                print(json.dumps(cluster.see().document), flush=True)
                time.sleep(WATCH_S)
        with Live(status_view(cluster.see()), console=console(), auto_refresh=False) as live:
            while True:
                time.sleep(WATCH_S)
                live.update(status_view(cluster.see()), refresh=True)
    except KeyboardInterrupt:
        return
