"""`howdah exec`: SQL on one node or on all."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
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
SYNC_WAIT = "SyncRepWaitForLSN"
"""The function of PostgreSQL that waits for standbys; it warns only when the wait was cancelled."""
ONLY_LOCAL = "the commit is on this server only: the wait for its standbys was cancelled, and a failover may lose it"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Result:
    """One node's answer: rows in PostgreSQL's text form (None for NULL) and the command's tag, or an error.

    `notices` are the server's NOTICEs and WARNINGs, with their details."""

    node: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = field(default_factory=tuple)
    command: str = ""
    error: str = ""
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class Notices:
    """What the server says beside its answers, and whether a commit was not waited for by it."""

    sentences: list[str] = field(default_factory=list)
    only_local: bool = False

    def take(self, notice: psycopg.errors.Diagnostic) -> None:
        """One NOTICE or WARNING. Its text may be in any language; the function that sends it is named in none."""
        parts = (notice.message_primary, notice.message_detail, notice.message_hint)
        text = ". ".join(part.rstrip(".") for part in parts if part)
        self.sentences.append(f"{notice.severity}: {text}")
        if notice.source_function == SYNC_WAIT:
            self.only_local = True


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

    Connects to each server directly, as the superuser. What a server notes or warns of goes to standard error. Ends
    with 1 if a node fails, or if a commit was not waited for by the standbys that have to flush it.
    """
    if sum((on_all, bool(node), primary)) > 1:
        raise typer.BadParameter("give one of --all, --node and --primary")
    cluster = reach(data, config)
    targets = _every_node(cluster) if on_all else (cluster.node(node) if node else cluster.leader(),)
    if not cluster.secrets.superuser:
        raise Refused("the superuser's password cannot be read; run this as the account of the agent, or as root.")
    with ThreadPoolExecutor(max_workers=len(targets)) as threads:
        results = tuple(threads.map(lambda target: run(cluster, target, sql, database), targets))
    for result in results:
        for notice in result.notices:
            print(f"{result.node}: {notice}", file=sys.stderr)
    if as_json:
        print(json.dumps({result.node: _document(result) for result in results}, indent=2))
    else:
        _print(results)
    if any(result.error for result in results):
        raise typer.Exit(1)


def run(cluster: Reach, node: KnownNode, sql: str, database: str) -> Result:
    """Run it on one server. A failure is a result too."""
    notices = Notices()
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
            connection.add_notice_handler(notices.take)
            cursor = connection.execute(sql.encode())
            while cursor.nextset():
                pass
            result = _result(node.name, cursor)
    except psycopg.Error as error:
        result = Result(node.name, error=" ".join(str(error).split()))
    if notices.only_local:
        result = replace(result, error="; ".join(sentence for sentence in (result.error, ONLY_LOCAL) if sentence))
    return replace(result, notices=tuple(notices.sentences))


def _every_node(cluster: Reach) -> tuple[KnownNode, ...]:
    """But for those that were taken out of the cluster."""
    removed = cluster.see().removed
    return tuple(node for node in cluster.nodes if node.name not in removed)


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
