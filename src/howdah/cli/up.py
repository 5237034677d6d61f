"""`howdah up`: a whole cluster on this machine."""

import os
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from howdah.cli.options import Data
from howdah.cli.reach import reach
from howdah.cli.terminal import console
from howdah.local.connection import psql_line, uri_of
from howdah.local.down import bring_down
from howdah.local.foreground import ended_by_signals, told_to_end, watch
from howdah.local.place import Place, locked, make_place, place_of
from howdah.local.plan import read_plan
from howdah.local.processes import look_for_daemons
from howdah.local.refused import NotServing, Refused
from howdah.local.sight import Sight
from howdah.local.statustable import status_view
from howdah.local.up import (
    NODES,
    NODES_MAX,
    PORT,
    Children,
    Prepared,
    Wishes,
    prepare,
    see_plan,
    start_missing,
    wait_for_router,
    wait_until_serving,
)
from howdah.local.view import View
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import choose_account

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Sync(StrEnum):
    """Whether a commit waits for standbys."""

    QUORUM = "quorum"
    ASYNC = "async"


class StoreChoice(StrEnum):
    """Where the cluster's record is kept."""

    SQLITE = "sqlite"
    ETCD = "etcd"


@app.command()
def up(
    nodes: Annotated[
        int | None,
        typer.Option("--nodes", min=1, max=NODES_MAX, help=f"Servers; more than before adds some. [default: {NODES}]",
                     show_default=False),
    ] = None,
    data: Data = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, show_default=False,
                     help=f"The router's port; the next free one if it is taken. [default: {PORT}]"),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when the cluster serves.")] = False,
    ordered: Annotated[bool, typer.Option("--ordered", help="A new node starts when the one before is ready.")] = False,
    sync: Annotated[
        Sync | None,
        typer.Option("--sync", help="Whether a commit waits for standbys. [default: quorum from three nodes on]",
                     show_default=False),
    ] = None,
    store: Annotated[
        StoreChoice | None,
        typer.Option("--store", help="Where the cluster's record is kept. [default: sqlite]", show_default=False),
    ] = None,
    postgres_bin: Annotated[
        Path | None,
        typer.Option("--postgres-bin", metavar="DIR", help="PostgreSQL's programs. [default: they are looked for]",
                     show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """Start a whole cluster on this machine, or what is missing of it.

    In the foreground it shows the cluster, starts processes that died again, and stops everything at Ctrl-C.
    """
    place = place_of(data, os.environ)
    kind: Any = store.value if store else None
    wishes = Wishes(nodes, port, kind, sync.value if sync else None, postgres_bin)
    children = Children()
    try:
        with ended_by_signals():
            prepared = _start(place, wishes, ordered, children)
            _print_ready(prepared, _wait(prepared, children))
    except NotServing as refused:
        if detach:
            raise
        print(f"howdah: {refused}", flush=True)
    except (Refused, KeyboardInterrupt):
        _stop_what_began(place, children)
        raise
    if detach:
        return
    foot = f"connect: {psql_line(place)}\nstop: Ctrl-C here, or `howdah down`"
    with told_to_end() as ending, View(console(), foot) as view:
        ended = watch(place, children, view, ending)
    if ended is not None:
        print(ended.sentence)
        return
    print("stopping the cluster ...", flush=True)
    bring_down(place, read_plan(place.plan), _say)
    children.reap()
    print("the cluster is down; `howdah up` continues with its data")


def _start(place: Place, wishes: Wishes, ordered: bool, children: Children) -> Prepared:
    try:
        account = choose_account()
        make_place(place, account)
    except PostgresFailure as failure:
        raise Refused(str(failure)) from failure
    with locked(place, lambda: print("waiting for another `howdah up` or `howdah down` to finish", flush=True)):
        prepared = prepare(place, wishes, _say)
        runs_as = f"as the account {prepared.account.name}" if prepared.account else "as this user"
        version = prepared.installation.version
        _say(f"cluster {prepared.plan.cluster} in {place.root}: PostgreSQL {version}, running {runs_as}")
        found = look_for_daemons(place, prepared.plan.names)
        prepared = start_missing(prepared, ordered, _say, children)
    names = prepared.plan.names
    started = [name for name in names if name in children.agents]
    ran = [name for name in names if name in found.agents]
    if ran:
        _say(f"{', '.join(ran)} ran already" + (f"; started {', '.join(started)}" if started else ""))
    return prepared


def _stop_what_began(place: Place, children: Children) -> None:
    """A start that failed or was interrupted leaves nothing behind, unless parts of the cluster ran before it."""
    if not place.exists or place.stopped.exists():
        return
    plan = read_plan(place.plan)
    ours = {process.pid for process in children.agents.values()}
    if (children.store or children.router or ours) and set(look_for_daemons(place, plan.names).agents.values()) <= ours:
        bring_down(place, plan, _say)
        children.reap()


def _wait(prepared: Prepared, children: Children) -> Sight:
    if prepared.added:
        wait_until_serving(prepared, children, _say, without=prepared.added)
        _add_nodes(prepared)
    wait_until_serving(prepared, children, _say)
    wait_for_router(prepared, children)
    return see_plan(prepared.plan)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _add_nodes(prepared: Prepared) -> None:
    """Nodes that an existing cluster does not know yet become part of its settings."""
    cluster = reach(prepared.place.root, None)
    node, removed = cluster.answering(), cluster.see().removed
    names = [name for name in prepared.plan.names if name not in removed]
    cluster.change(node, "/config", {"key": "nodes", "value": ",".join(names)}, "PATCH")
    _say(f"{', '.join(prepared.added)} joined the cluster's settings")


def _print_ready(prepared: Prepared, sight: Sight) -> None:
    console().print(status_view(sight))
    print(f"\nconnect:  {psql_line(prepared.place)}")
    if not shutil.which("psql"):
        print("          (there is no psql on the PATH; `howdah psql` uses that of the installation, if it has one)")
    print(f"URI:      {uri_of(prepared.plan, prepared.secrets.superuser)}")
    print(f"settings: {prepared.place.connection}")
    where = (
        "" if prepared.place == place_of(None, {**os.environ, "HOWDAH_DATA": ""}) else f" --data {prepared.place.root}"
    )
    print(f"look:     howdah status{where}     stop: howdah down{where}", flush=True)
