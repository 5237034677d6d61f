"""`howdah restart`: restart one node's PostgreSQL."""

import time
from typing import Annotated

import typer

from howdah.cli.options import Config, Data, Yes
from howdah.cli.reach import Reach, reach
from howdah.local.refused import Refused
from howdah.local.sight import GOOD_STATES, KnownNode

LIMIT_S = 120.0
POLL_S = 0.2
BEGIN_S = 1.0
"""Within it an agent has begun what it was asked for; before that its server looks as it did."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def restart(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node.")],
    data: Data = None,
    config: Config = None,
    yes: Yes = False,
) -> None:
    """Restart one node's PostgreSQL.

    Asks before it interrupts writes: a restart of the primary does. Waits until the server is back.
    """
    cluster = reach(data, config)
    target = cluster.node(node)
    sight = cluster.see()
    if sight.primary == node and not yes:
        print(f"{node} is the primary: writes are away while it restarts. (`howdah switchover` moves the role first.)")
        if not typer.confirm(f"Restart {node}?"):
            raise Refused("nothing was restarted.")
    print(message_of(cluster.change(target, "/restart", {"node": node})))
    wait_until_back(cluster, target)
    print(f"{node} is back")


def message_of(document: object) -> str:
    """What the agent answered, as a sentence."""
    return str(document.get("message", "")) if isinstance(document, dict) else str(document)


def wait_until_back(cluster: Reach, node: KnownNode, limit_s: float = LIMIT_S) -> None:
    """Until the node streams, or serves, again. Raises Refused after the limit."""
    deadline = time.monotonic() + limit_s
    time.sleep(BEGIN_S)
    while True:
        seen = cluster.see().node(node.name)
        if seen.get("state") in GOOD_STATES:
            return
        if time.monotonic() >= deadline:
            raise Refused(f"{node.name} is {seen.get('state')} after {limit_s:g} s; `howdah explain` says why.")
        time.sleep(POLL_S)
