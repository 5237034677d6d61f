"""`howdah reinit`: clone one node's server anew."""

from typing import Annotated

import typer

from howdah.cli.options import Config, Data, Yes
from howdah.cli.reach import reach
from howdah.cli.restart import message_of, wait_until_back
from howdah.local.refused import Refused
from howdah.local.sight import GOOD_STATES, Sight, nodes_of

LIMIT_S = 600.0

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def reinit(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node; never the primary.")],
    data: Data = None,
    config: Config = None,
    yes: Yes = False,
) -> None:
    """Clone one node's server anew from the primary.

    The old data directory goes only when the clone is complete. Asks first, and says what it would interrupt.
    """
    cluster = reach(data, config)
    target = cluster.node(node)
    sight = cluster.see()
    if sight.primary == node:
        raise Refused(f"{node} is the primary: it is what others clone from. Use `howdah switchover` first.")
    if not sight.serving:
        raise Refused(f"no primary serves, so the data of {node} may be the last copy; nothing was changed.")
    for sentence in warnings_of(sight, node):
        print(f"warning: {sentence}")
    if not yes and not typer.confirm(f"Replace the data of {node} by a new clone of {sight.primary}?"):
        raise Refused("nothing was changed.")
    print(message_of(cluster.change(target, "/reinit")))
    wait_until_back(cluster, target, LIMIT_S)
    print(f"{node} streams from {sight.primary}")


def warnings_of(sight: Sight, node: str) -> list[str]:
    """What is missing while this node is cloned."""
    sync = sight.document.get("sync") or {}
    others = [
        other
        for other in nodes_of(sight.document)
        if other.get("name") not in (node, sight.primary) and other.get("state") in GOOD_STATES
    ]
    found = []
    voters = [other for other in others if other.get("name") in (sync.get("voters") or ())]
    if sync.get("mode") == "quorum" and len(voters) < int(sync.get("num_sync") or 0):
        found.append(
            f"writes wait until the clone streams: a commit needs {sync.get('num_sync')} voters, and without {node} "
            f"there are {len(voters)}"
        )
    if not others:
        found.append(f"{sight.primary} holds the only copy until the clone is complete")
    return found
