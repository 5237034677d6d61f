"""`howdah pause`: no automatic role change."""

import typer

from howdah.cli.options import Config, Data
from howdah.cli.reach import reach

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def pause(data: Data = None, config: Config = None) -> None:
    """Stop every automatic role change until `resume`."""
    cluster = reach(data, config)
    cluster.change(cluster.answering(), "/pause")
    print("paused: no automatic role change until `howdah resume`")
