"""`howdah config`: the settings of the cluster, and files of settings."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from howdah.cli.options import AsJson, Config, Data
from howdah.cli.reach import Reach, reach
from howdah.cli.restart import message_of
from howdah.configuration.change import BY_COMMAND
from howdah.configuration.cluster import ClusterSettings
from howdah.configuration.faults import SettingsRefused, checked
from howdah.configuration.keys import keys_of
from howdah.configuration.load import load_agent
from howdah.configuration.routerload import is_for_router, load_router
from howdah.configuration.source import get
from howdah.configuration.words import parameter_text
from howdah.configuration.yamlfile import read_yaml
from howdah.local.refused import Refused
from howdah.local.remote import Answer, ask
from howdah.local.sight import KnownNode
from howdah.postgres.parameters import refusal

PATH = "/config"
WAIT_POLL_S = 1

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Show, change and check settings."
)


@app.command()
def show(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show the cluster's settings in force, defaults too."""
    document = _shown(reach(data, config).answering())
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")


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
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Settings as `howdah config show` prints them.")],
    wait: Annotated[
        int, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait so long for a cluster that serves.")
    ] = 0,
    data: Data = None,
    config: Config = None,
) -> None:
    """Give the whole cluster the settings in a file; those that are not in it stay as they are."""
    try:
        wanted = assignments(read_yaml(file))
    except SettingsRefused as refused:
        raise Refused(f"{file} cannot be used:\n{refused}") from refused
    cluster, node = _serving(data, config, wait)
    there = assignments(_shown(node))
    changes = {key: value for key, value in wanted.items() if there.get(key) != value}
    for key, value in changes.items():
        print(message_of(cluster.change(node, PATH, {"key": key, "value": value}, "PATCH")))
    if not changes:
        print("the cluster has these settings already")


def _serving(data: Path | None, config: Path | None, wait_s: int) -> tuple[Reach, KnownNode]:
    """The cluster, and a node to ask: the one that serves, if there is one before the time is over."""
    end = time.monotonic() + wait_s
    while True:
        cluster = reach(data, config)
        if time.monotonic() >= end:
            return cluster, cluster.answering()
        sight = cluster.see()
        if sight.answered and sight.primary:
            return cluster, cluster.node(sight.primary)
        time.sleep(WAIT_POLL_S)


def _shown(node: KnownNode) -> Any:
    answer = ask(node.agent, PATH)
    if not isinstance(answer, Answer) or not answer.good:
        raise Refused(f"{node.name}: {answer.sentence if isinstance(answer, Answer) else answer.reason}")
    return answer.document


def assignments(document: Mapping[str, Any]) -> dict[str, str]:
    """What `howdah config set` would be told for each setting that a document has. Raises SettingsRefused."""
    checked(ClusterSettings, dict(document))
    found: dict[str, str] = {}
    for key in keys_of(ClusterSettings):
        value = get(document, key.path)
        if key.path[0] in BY_COMMAND or value is None:
            continue
        if isinstance(value, Mapping):
            found |= {f"{key.dotted}.{name}": str(parameter_text(text)) for name, text in value.items()}
        else:
            found[key.dotted] = ",".join(value) if isinstance(value, list) else str(value)
    return found


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
