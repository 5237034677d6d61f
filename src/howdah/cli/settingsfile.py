"""With which settings does `howdah agent` or `howdah router` start?"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from howdah.configuration.faults import SettingsRefused
from howdah.local.refused import Refused

T = TypeVar("T")

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Its settings. [default: HOWDAH_CONFIG, else none]", show_default=False
    ),
]


def named_file(file: Path | None) -> Path | None:
    """The file, else that of HOWDAH_CONFIG; None: there is none."""
    return file or (Path(os.environ["HOWDAH_CONFIG"]) if os.environ.get("HOWDAH_CONFIG") else None)


def settings_of(file: Path | None, load: Callable[[Path | None, Mapping[str, str]], T]) -> T:
    """What `load` makes of the named file, else that of HOWDAH_CONFIG, and the environment. Raises Refused."""
    try:
        return load(named_file(file), os.environ)
    except SettingsRefused as refused:
        raise Refused(f"the settings cannot be used:\n{refused}") from refused
