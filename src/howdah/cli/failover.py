"""`howdah failover`: a new primary by hand."""

from typing import Annotated

import typer

from howdah.cli.options import Config, Data, Yes
from howdah.cli.reach import Reach, reach
from howdah.cli.rolewait import outcome, wait_for_primary
from howdah.local.refused import Refused
from howdah.local.sight import Sight, nodes_of, problems
from howdah.values.lsn import parse_lsn

LIMIT_S = 60.0

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def failover(
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="The new primary. [default: the one that has most]",
                                    show_default=False)] = "",
    accept_data_loss: Annotated[
        bool, typer.Option("--accept-data-loss", help="Give up the servers that are gone, and what only they had.")
    ] = False,
    data: Data = None,
    config: Config = None,
    yes: Yes = False,
) -> None:  # fmt: skip
    """Get a new primary by hand when there is none.

    While enough servers are there the cluster elects one by itself, and this only waits for it. When too many are gone
    for good, --accept-data-loss goes on without them; make sure that they are off or cut off first.
    """
    cluster = reach(data, config)
    cluster.answering()
    sight = cluster.see()
    if sight.serving:
        raise Refused(f"{sight.primary} is the primary and serves; use `howdah switchover` to move the role.")
    if to:
        cluster.node(to)
    target = to or best_server(sight)
    given_up = tuple(str(node.get("name")) for node in nodes_of(sight.document) if node.get("state") == "unreachable")
    if accept_data_loss:
        _confirm(target, given_up, yes)
    term = int(sight.document.get("term") or 0)
    body = {"to": to, "accept_data_loss": accept_data_loss, "given_up": list(given_up) if accept_data_loss else []}
    print(_message(cluster.change(cluster.node(target), "/failover", body)))
    found = wait_for_primary(cluster, "", term, LIMIT_S)
    if found is None:
        raise Refused("\n".join([f"nobody serves after {LIMIT_S:g} s:", *problems(cluster.see())]))
    print(outcome(cluster, found))
    _warn_of_door(cluster, given_up if accept_data_loss else ())


def best_server(sight: Sight) -> str:
    """The running server with the longest log; its agent refuses if another has more. Raises Refused."""
    running = [node for node in nodes_of(sight.document) if node.get("lsn") and node.get("state") != "unreachable"]
    if not running:
        raise Refused("no server runs that could be primary; `howdah status` shows what there is.")
    best = max(running, key=lambda node: (int(node.get("timeline") or 0), parse_lsn(str(node["lsn"]))))
    return str(best["name"])


def _confirm(target: str, given_up: tuple[str, ...], yes: bool) -> None:
    if not given_up:
        raise Refused("every server answers, so there is none to give up; leave --accept-data-loss out.")
    names = ", ".join(given_up)
    print(
        f"{target} becomes the primary. Given up: {names}. Commits that only they have are lost. They must be off or "
        "cut off from clients now: a primary among them might go on serving."
    )
    if not yes and not typer.confirm(f"Give up {names}?"):
        raise Refused("nothing was changed.")


def _message(document: object) -> str:
    return str(document.get("message", "")) if isinstance(document, dict) else str(document)


def _warn_of_door(cluster: Reach, given_up: tuple[str, ...]) -> None:
    if given_up:
        names = ", ".join(node.name for node in cluster.nodes if node.name in given_up)
        print(f"{names}: if they return, their data directories are kept aside and they are cloned anew")
