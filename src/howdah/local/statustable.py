"""How is the cluster's state shown to people?"""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from howdah.local.sight import GOOD_STATES, Document, Sight, nodes_of, problems

NOTHING = "-"
COLUMNS = ("name", "role", "state", "timeline", "LSN", "lag", "sync", "term", "address")


def status_view(sight: Sight) -> RenderableType:
    """The headline, the table, a switchover that is planned, and what is wrong."""
    document = sight.document
    return Group(headline(document), status_table(document), *routers(document), *planned(sight), trouble(sight))


def routers(document: Mapping[str, Any]) -> tuple[Text, ...]:
    """The addresses of applications."""
    return tuple(Text(_router(each)) for each in document.get("routers") or ())


def _router(router: Mapping[str, Any]) -> str:
    words = f"router {router.get('address')} {router.get('state', '')}".rstrip()
    return f"{words}, health checks and metrics at http://{router['health']}" if router.get("health") else words


def planned(sight: Sight) -> tuple[Text, ...]:
    """The switchover that is planned or under way, if there is one."""
    return (Text(sight.switchover),) if sight.switchover else ()


def headline(document: Mapping[str, Any]) -> Text:
    """One line on the whole cluster."""
    sync = document.get("sync") or {}
    words = [f"cluster {document.get('cluster')}", f"term {document.get('term') or NOTHING}"]
    words.append(f"primary {document.get('primary') or 'none'}")
    words.append("serving" if document.get("serving") else "not serving")
    if sync.get("mode"):
        voters = ", ".join(sync.get("voters") or ())
        waits = f"a commit waits for {sync.get('num_sync')} of {voters}" if voters else "there is no voter yet"
        words.append(f"{sync['mode']}: {waits}" if sync["mode"] == "quorum" else "async: a commit waits for nobody")
    if document.get("paused"):
        words.append("PAUSED")
    return Text(", ".join(words), style="bold")


def status_table(document: Mapping[str, Any]) -> Table:
    """One row a node."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in COLUMNS:
        table.add_column(column, no_wrap=True, justify="right" if column in ("timeline", "lag", "term") else "left")
    for node in nodes_of(document):
        good = node.get("state") in GOOD_STATES
        table.add_row(*map(escape, _row(node, document)), style="" if good else "yellow")
    return table


def trouble(sight: Sight) -> Text:
    """What is wrong, or that nothing is."""
    found = problems(sight)
    if not found:
        return Text("nothing is wrong", style="green")
    return Text("\n".join(f"! {sentence}" for sentence in found), style="yellow")


def bytes_text(count: int) -> str:
    """A number of bytes as people read it."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def _row(node: Document, document: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(node.get("name")),
        str(node.get("role")),
        str(node.get("state")),
        str(node.get("timeline") or NOTHING),
        str(node.get("lsn") or NOTHING),
        _lag(node),
        "voter" if node.get("sync") else NOTHING,
        str(document.get("term") or NOTHING) if node.get("state") != "unreachable" else NOTHING,
        f"{node.get('host')}:{node.get('port')}",
    )


def _lag(node: Document) -> str:
    if node.get("role") != "standby":
        return NOTHING
    count, seconds = node.get("lag_bytes"), node.get("lag_seconds")
    if count is None:
        return NOTHING
    return bytes_text(count) + (f" {seconds:.1f} s" if isinstance(seconds, int | float) and seconds >= 0.1 else "")
