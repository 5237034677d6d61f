"""Which options do many commands have?"""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The directory of a cluster of `howdah up`. [default: HOWDAH_DATA, else /var/lib/howdah/local as root "
        "and ~/.local/share/howdah otherwise]",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings of an agent, for a cluster that was not made by `howdah up`. [default: HOWDAH_CONFIG]",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
