"""`howdah reload`: have PostgreSQL read its settings again."""

from typing import Annotated

import typer

from howdah.cli.options import Config, Data
from howdah.cli.reach import reach
from howdah.cli.restart import message_of
from howdah.local.refused import Refused

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def reload(
    node: Annotated[str, typer.Argument(metavar="[NODE]", help="The node; all of them without it.")] = "",
    data: Data = None,
    config: Config = None,
) -> None:
    """Have PostgreSQL read its settings again, on one node or all."""
    cluster = reach(data, config)
    failed = []
    for target in (cluster.node(node),) if node else cluster.nodes:
        try:
            print(f"{target.name}: {message_of(cluster.change(target, '/reload'))}")
        except Refused as refused:
            failed.append(f"{target.name}: {refused}")
    if failed:
        raise Refused("\n".join(failed))
