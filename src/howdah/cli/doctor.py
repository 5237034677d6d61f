"""`howdah doctor`: is everything fit, before the start and after?"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console

from howdah.cli.checks.cluster import check_agents, check_logins
from howdah.cli.checks.finding import Finding, Level, fail, ok
from howdah.cli.checks.machine import check_account, check_directory, check_python
from howdah.cli.checks.node import check_deadman, check_directory_of, check_ports
from howdah.cli.checks.programs import check_programs, find_programs
from howdah.cli.checks.router import check_router
from howdah.cli.checks.store import check_store
from howdah.cli.options import AsJson, Config, Data
from howdah.cli.reach import checks_of, load_settings, reach
from howdah.configuration.schema import AgentSettings
from howdah.local.freeports import choose_ports
from howdah.local.place import place_of
from howdah.local.plan import read_plan
from howdah.local.processes import look
from howdah.local.refused import Refused
from howdah.local.remote import Agent, Answer, ask
from howdah.local.up import API_PORT, NODES, PORT

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Check machine, settings, PostgreSQL, store and nodes.

    Before the first start: whether one would work. Afterwards: whether anything endangers the cluster. Changes nothing.
    Ends with 1 if something FAILs.
    """
    if data is None and config is None and os.environ.get("HOWDAH_CONFIG"):
        config = Path(os.environ["HOWDAH_CONFIG"])
    findings: list[Finding] = []
    console = Console(soft_wrap=True)
    for finding in examine(data, config):
        findings.append(finding)
        if not as_json:
            console.print(f"{finding.level.value:<5}", style=STYLES[finding.level], end="")
            console.print(f"{finding.subject}: {finding.sentence}", markup=False, highlight=False)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


def examine(data: Path | None, config: Path | None) -> Iterator[Finding]:
    """Every check that can be made, the machine's first."""
    yield check_python()
    if config is None and not place_of(data, os.environ).exists:
        yield from _before_the_first_start(data)
        return
    try:
        nodes = tuple(_settings_of_nodes(data, config))
    except Refused as refused:
        yield fail("settings", str(refused))
        return
    yield ok("settings", f"those of {', '.join(settings.node.name for settings in nodes)} can be used")
    running = {settings.node.name for settings in nodes if _runs(settings)}
    yield from _once_each(
        finding for settings in nodes for finding in _of_node(settings, settings.node.name in running)
    )
    yield from _once_each(finding for settings in nodes for finding in check_store(settings, bool(running)))
    if config is None:
        place = place_of(data, os.environ)
        yield from check_router(place.router.file, look(place, [each.node.name for each in nodes]).router is not None)
    if running:
        cluster = reach(data, config)
        yield from check_agents(cluster)
        yield from check_logins(cluster)
    else:
        yield ok("cluster", "no agent of it runs on this machine")


def _before_the_first_start(data: Path | None) -> Iterator[Finding]:
    place = place_of(data, os.environ)
    account, finding = check_account()
    yield finding
    yield from check_programs(None, account)
    yield from check_directory("directory", place.root, account)
    router, *ports = choose_ports(PORT, NODES + 1, ())
    api_ports = choose_ports(API_PORT, NODES, (router, *ports))
    what = f"{router} for the router, {', '.join(map(str, ports))} for PostgreSQL"
    yield ok("ports", f"{what} and {', '.join(map(str, api_ports))} for agents")
    yield ok("cluster", f"there is none in {place.root} yet; `howdah up` makes one")


def _settings_of_nodes(data: Path | None, config: Path | None) -> Iterator[AgentSettings]:
    """Those of the nodes on this machine. Raises Refused."""
    if config is not None:
        yield load_settings(config, os.environ)
        return
    place = place_of(data, os.environ)
    for node in read_plan(place.plan).nodes:
        yield load_settings(place.agent_file(node.name), {})


def _of_node(settings: AgentSettings, running: bool) -> Iterator[Finding]:
    account, finding = check_account(settings.postgresql.account)
    yield finding
    yield from check_programs(settings.postgresql.bin, account)
    yield from check_directory(settings.node.name, settings.node.root, account)
    yield from check_ports(settings, running)
    installation, _ = find_programs(settings.postgresql.bin)
    if installation is not None:
        yield from check_directory_of(settings, installation, account)
    if running:
        yield check_deadman(settings)


def _runs(settings: AgentSettings) -> bool:
    """Whether this node's own agent answers."""
    address = settings.api.address
    answer = ask(Agent(settings.node.name, address.host, address.port, checks_of(settings)), "/status")
    return (
        isinstance(answer, Answer) and isinstance(answer.document, dict) and answer.document.get("name") == answer.node
    )


def _once_each(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Nodes of one machine share much."""
    yield from dict.fromkeys(findings)
