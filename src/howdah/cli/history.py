"""`howdah history`: which role changes were there?"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from howdah.cli.options import AsJson, Config, Data
from howdah.cli.reach import reach
from howdah.cli.terminal import console
from howdah.local.refused import Refused
from howdah.local.remote import Answer, ask_each

PATH = "/history"
COLUMNS = ("at", "term", "node", "timeline", "switch LSN", "writes away", "cause")
UNKNOWN = "?"

Row = Mapping[str, Any]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def history(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the role changes, and how long writes were away.

    Each agent wrote down what it made or saw; they are told as one list, oldest first.
    """
    cluster = reach(data, config)
    answers = ask_each([node.agent for node in cluster.nodes], PATH)
    good = [a for a in answers if isinstance(a, Answer) and a.good and isinstance(a.document, list)]
    if not good:
        reasons = (a.sentence if isinstance(a, Answer) else a.reason for a in answers)
        raise Refused("no agent tells its history: " + "; ".join(reasons))
    rows = merged((answer.node, row) for answer in good for row in answer.document)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in COLUMNS:
        table.add_column(column, no_wrap=column != "cause")
    for row in rows:
        table.add_row(*map(escape, _cells(row)))
    console().print(table)
    for answer in answers:
        if answer not in good:
            print(f"{answer.node} did not tell its history")


def merged(told: Iterable[tuple[str, Row]]) -> list[dict[str, Any]]:
    """One row for each term and node; the account of who won counts, and others fill in what it does not know."""
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for teller, row in sorted(told, key=lambda pair: pair[0] != pair[1].get("node")):
        found = rows.setdefault((int(row["term"]), str(row["node"])), dict(row))
        del teller
        for key, value in row.items():
            if found.get(key) in (None, "", 0, "0/0"):
                found[key] = value
    return [rows[key] for key in sorted(rows)]


def _cells(row: Row) -> tuple[str, ...]:
    away = row.get("away_ms")
    return (
        str(row.get("at")),
        str(row.get("term")),
        str(row.get("node")),
        str(row.get("timeline") or UNKNOWN),
        "-" if row.get("switch_lsn") in (None, "0/0") else str(row["switch_lsn"]),
        UNKNOWN if away is None else f"{away / 1000:.2f} s",
        str(row.get("cause")),
    )
