"""`howdah resume`: automatic role changes again."""

import typer

from howdah.cli.options import Config, Data
from howdah.cli.reach import reach

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def resume(data: Data = None, config: Config = None) -> None:
    """Allow automatic role changes again."""
    cluster = reach(data, config)
    cluster.change(cluster.answering(), "/resume")
    print("resumed: role changes are automatic again")
