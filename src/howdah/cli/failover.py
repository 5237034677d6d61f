"""`howdah failover`: a new primary by hand."""

from typing import Annotated

import typer

from howdah.cli.options import Config, Data, Yes
from howdah.cli.reach import Reach, reach
from howdah.cli.restart import message_of
from howdah.cli.rolewait import outcome, wait_for_primary
from howdah.local.refused import Refused
from howdah.local.sight import Sight, nodes_of, problems
from howdah.values.lsn import parse_lsn

LIMIT_S = 60.0
ELECTION_LIMIT_S = 20.0
"""For an election that the cluster decides by itself: several leases."""
SERVICE_LIMIT_S = 5.0
"""For the barrier of a primary that has its voters."""

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
    if not accept_data_loss:
        print(_wait_for_election(cluster, sight))
        return
    target = to or best_server(sight)
    given_up = tuple(str(node.get("name")) for node in nodes_of(sight.document) if node.get("state") == "unreachable")
    _confirm(target, given_up, yes)
    term = int(sight.document.get("term") or 0)
    body = {"to": target, "accept_data_loss": True, "given_up": list(given_up)}
    print(message_of(cluster.change(cluster.node(target), "/failover", body)))
    found = wait_for_primary(cluster, "", term, LIMIT_S, serving=False)
    if found is None:
        raise Refused("\n".join([f"{target} does not lead after {LIMIT_S:g} s:", *problems(cluster.see())]))
    print(f"{found.primary} is the primary of term {found.document.get('term')}")
    print(f"{', '.join(given_up)}: if they return, data that {target} does not have is kept aside")
    print(_service(cluster, term))


def _wait_for_election(cluster: Reach, sight: Sight) -> str:
    """What the cluster does by itself, or why it does not. Raises Refused."""
    if sight.document.get("paused"):
        raise Refused("the cluster is paused; `howdah resume` lets it elect a primary.")
    found = wait_for_primary(cluster, "", int(sight.document.get("term") or 0) - 1, ELECTION_LIMIT_S)
    if found is not None:
        return outcome(cluster, found)
    wrong = "\n".join(f"  {sentence}" for sentence in problems(cluster.see()))
    raise Refused(
        f"no primary was elected within {ELECTION_LIMIT_S:g} s:\n{wrong}\n"
        "Start the servers that are missing. Those that are gone for good are given up with --accept-data-loss."
    )


def _service(cluster: Reach, term: int) -> str:
    """Whether clients are let in; in quorum mode a lone server waits for a standby."""
    found = wait_for_primary(cluster, "", term, SERVICE_LIMIT_S)
    if found is not None:
        return outcome(cluster, found)
    return (
        "it lets no clients in before a standby flushes its commits (mode quorum): start or add a server, or go on "
        "without one: `howdah config set mode=async`"
    )


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
