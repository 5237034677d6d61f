"""`howdah config`: the settings of the cluster, and files of settings."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
import yaml

from howdah.cli.options import AsJson, Config, Data
from howdah.cli.reach import reach
from howdah.cli.restart import message_of
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.load import load_agent
from howdah.configuration.routerload import is_for_router, load_router
from howdah.local.refused import Refused
from howdah.local.remote import Answer, ask
from howdah.postgres.parameters import refusal

PATH = "/config"

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Show, change and check settings."
)


@app.command()
def show(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show the cluster's settings in force, defaults too."""
    node = reach(data, config).answering()
    answer = ask(node.agent, PATH)
    if not isinstance(answer, Answer) or not answer.good:
        raise Refused(f"{node.name}: {answer.sentence if isinstance(answer, Answer) else answer.reason}")
    if as_json:
        print(json.dumps(answer.document, indent=2))
    else:
        print(yaml.safe_dump(answer.document, sort_keys=False, allow_unicode=True), end="")


@app.command("set")
def set_setting(
    assignment: Annotated[
        str, typer.Argument(metavar="KEY=VALUE", help="postgresql.parameters.work_mem=64MB, say; KEY= for the default.")
    ],
    data: Data = None,
    config: Config = None,
) -> None:  # fmt: skip
    """Change one setting of the whole cluster."""
    key, equals, value = assignment.partition("=")
    if not equals or not key.strip():
        raise typer.BadParameter(f"{assignment!r} is not KEY=VALUE", param_hint="KEY=VALUE")
    cluster = reach(data, config)
    body = {"key": key.strip(), "value": value.strip()}
    print(message_of(cluster.change(cluster.answering(), PATH, body, "PATCH")))


@app.command()
def validate(file: Annotated[Path, typer.Argument(metavar="FILE", help="An agent's or a router's settings.")]) -> None:
    """Check an agent's or a router's settings, with the environment as it is here."""
    notes: tuple[str, ...] = ()
    try:
        if is_for_router(file, os.environ):
            load_router(file, os.environ)
        else:
            notes = load_agent(file, os.environ, refusal).notes
    except SettingsRefused as refused:
        raise Refused(f"{file} cannot be used:\n{refused}") from refused
    for note in notes:
        print(f"note: {note}")
    print(f"{file} can be used")
