"""`howdah exec`: SQL on one node or on all."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Annotated

import psycopg
import typer
from rich.markup import escape
from rich.table import Table

from howdah.cli.options import AsJson, Config, Data
from howdah.cli.reach import Reach, reach
from howdah.cli.terminal import console
from howdah.local.refused import Refused
from howdah.local.sight import KnownNode
from howdah.postgres.layout import SUPERUSER

CONNECT_LIMIT_S = 5
NULL = "NULL"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Result:
    """One node's answer: rows in PostgreSQL's text form (None for NULL) and the command's tag, or an error."""

    node: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = field(default_factory=tuple)
    command: str = ""
    error: str = ""


@app.command("exec")
def execute(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One or more statements; the last one's answer is shown.")],
    on_all: Annotated[bool, typer.Option("--all", help="On every node.")] = False,
    node: Annotated[str, typer.Option("--node", metavar="NAME", help="On this node.", show_default=False)] = "",
    primary: Annotated[bool, typer.Option("--primary", help="On the primary; so without any of these.")] = False,
    database: Annotated[str, typer.Option("--database", metavar="NAME", help="In this database.")] = "postgres",
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Run SQL on the primary, on one node or on all of them.

    Connects to each server directly, as the superuser. Ends with 1 if a node fails.
    """
    if sum((on_all, bool(node), primary)) > 1:
        raise typer.BadParameter("give one of --all, --node and --primary")
    cluster = reach(data, config)
    targets = cluster.nodes if on_all else (cluster.node(node) if node else cluster.leader(),)
    if not cluster.secrets.superuser:
        raise Refused("the superuser's password cannot be read; run this as the account of the agent, or as root.")
    with ThreadPoolExecutor(max_workers=len(targets)) as threads:
        results = tuple(threads.map(lambda target: run(cluster, target, sql, database), targets))
    if as_json:
        print(json.dumps({result.node: _document(result) for result in results}, indent=2))
    else:
        _print(results)
    if any(result.error for result in results):
        raise typer.Exit(1)


def run(cluster: Reach, node: KnownNode, sql: str, database: str) -> Result:
    """Run it on one server. A failure is a result too."""
    try:
        with psycopg.connect(
            "",
            host=node.host,
            port=node.port,
            user=SUPERUSER,
            password=cluster.secrets.superuser,
            dbname=database,
            connect_timeout=CONNECT_LIMIT_S,
            target_session_attrs="any",
            application_name="howdah exec",
            autocommit=True,
        ) as connection:
            cursor = connection.execute(sql.encode())
            while cursor.nextset():
                pass
            return _result(node.name, cursor)
    except psycopg.Error as error:
        return Result(node.name, error=" ".join(str(error).split()))


def _result(node: str, cursor: psycopg.Cursor[tuple[object, ...]]) -> Result:
    """The text that PostgreSQL sent, not what Python would make of it: `t`, not `True`."""
    result = cursor.pgresult
    command = cursor.statusmessage or ""
    if result is None or not result.nfields:
        return Result(node, command=command)
    columns = tuple((result.fname(column) or b"").decode() for column in range(result.nfields))
    rows = tuple(
        tuple(_text(result.get_value(row, column)) for column in range(result.nfields)) for row in range(result.ntuples)
    )
    return Result(node, columns, rows, command)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _document(result: Result) -> dict[str, object]:
    document = asdict(result)
    del document["node"]
    return {"error": result.error} if result.error else {key: document[key] for key in ("columns", "rows", "command")}


def _print(results: tuple[Result, ...]) -> None:
    for result in results:
        if result.error:
            print(f"{result.node}: error: {result.error}")
        elif not result.columns:
            print(f"{result.node}: {result.command}")
        elif len(result.columns) == 1 and len(result.rows) == 1:
            print(f"{result.node}: {_shown(result.rows[0][0])}")
        else:
            print(f"{result.node}: {result.command}")
            table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
            for column in result.columns:
                table.add_column(escape(column))
            for row in result.rows:
                table.add_row(*(escape(_shown(value)) for value in row))
            console().print(table)


def _shown(value: str | None) -> str:
    return NULL if value is None else value
