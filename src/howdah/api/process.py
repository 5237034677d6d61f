"""What is the process behind `howdah agent`? The agent's loop, its REST server and its signals, in one event loop."""

import asyncio
import contextlib
import gc
import secrets
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from howdah.agent.deadman.client import DeadmanClient
from howdah.agent.hooks import RoleHook
from howdah.agent.inkubernetes import in_kubernetes
from howdah.agent.node import Node, build_node, close_node
from howdah.agent.peering.server import peer_router
from howdah.agent.reaper import Reaper, become_subreaper
from howdah.agent.rolechange import Role, RoleNews
from howdah.agent.seat import Seat, take_seat
from howdah.api.agentview import NodeView
from howdah.api.app import build_app
from howdah.api.server import ApiServer, CannotListen
from howdah.cluster.actions import Leaving
from howdah.configuration.schema import AgentSettings
from howdah.ports.disk import DiskFailure
from howdah.ports.postgres import PostgresFailure
from howdah.ports.store import StoreUnavailable
from howdah.postgres.layout import NodeLayout
from howdah.postgres.secrets import ClusterSecrets
from howdah.telemetry.history import HistoryFile, RoleChange
from howdah.telemetry.journal import JournalFile
from howdah.telemetry.logs import Form, set_up_logs
from howdah.telemetry.metrics import Metrics
from howdah.telemetry.recorder import Recorder

log = structlog.get_logger(__name__)


def run_agent(settings: AgentSettings) -> int:
    """Run one agent until it is told to stop (SIGTERM, SIGINT, or over REST). The process's exit status."""
    status = 1
    try:
        status = asyncio.run(_run(settings))
    except* (PostgresFailure, DiskFailure, CannotListen) as failures:
        for failure in failures.exceptions:
            sys.stderr.write(f"howdah agent {settings.node.name}: {failure}\n")
    return status


async def _run(settings: AgentSettings) -> int:
    layout = NodeLayout(settings.node.root.absolute())
    try:
        layout.log.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PostgresFailure(f"cannot make {layout.log}: {error.strerror}. Choose another node.root") from error
    set_up_logs(Form(settings.log.format), settings.log.level, settings.node.name)
    seat = take_seat(layout.root, secrets.token_hex(8), settings.node.machine)
    node, view = _build(settings, layout, seat)
    peers = peer_router(node.identity, node.broadcast, node.answering)
    app = build_app(view, node.identity.token, also=(peers,))
    tls = node.tls
    server = ApiServer(app, settings.api.address, node.broadcast.close, tls.server if tls else None)
    with contextlib.suppress(StoreUnavailable):
        await node.addresses.claim()
    if node.tools.situation.twin:
        await close_node(node)
        raise PostgresFailure(node.tools.situation.twin)
    await server.start()
    node.claim.listens = True
    become_subreaper()
    # What is here now stays: a full collection need not walk through all modules each time.
    gc.collect()
    gc.freeze()
    pod = in_kubernetes(node)
    jobs = [Reaper().run(), node.intentions.follow(), node.addresses.follow(), *_hooks(settings, layout, node)]
    jobs += pod.jobs
    if tls is not None:
        jobs.append(tls.keep_fresh())
    _obey_signals(node)
    try:
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(job) for job in jobs]
            await node.loop.run()
            for task in beside:
                task.cancel()
        if pod.steering is not None:
            await pod.steering.end()
    finally:
        await server.stop()
        await close_node(node)
    await DeadmanClient(layout).quit()
    if node.tools.situation.twin:
        raise PostgresFailure(node.tools.situation.twin)
    return 0


def _build(settings: AgentSettings, layout: NodeLayout, seat: Seat) -> tuple[Node, NodeView]:
    metrics = Metrics(settings.cluster, settings.node.name)
    recorder = Recorder(settings.node.name, JournalFile(layout.log), metrics, _wall_ms)
    node = build_node(settings, secrets_of(settings), recorder, lambda line: log.info(line, part="postgresql"), seat)
    history = HistoryFile(layout.log)

    def write_history(news: RoleNews) -> None:
        if news.role is Role.PRIMARY:
            history.append(
                RoleChange(
                    term=news.term,
                    node=settings.node.name,
                    cause=news.cause,
                    at_wall_ms=_wall_ms(),
                    timeline=news.timeline,
                    switch_lsn=news.switch_lsn,
                    away_ms=news.away_ms,
                    told_by=settings.node.name,
                )
            )

    node.loop.roles.listeners.append(write_history)
    return node, NodeView(node, metrics, history.rows)


def secrets_of(settings: AgentSettings) -> ClusterSecrets:
    """The cluster's passwords. Every node needs the same, so none is made up here. Raises PostgresFailure."""
    given = settings.secrets
    missing = [name for name in ("superuser", "replication", "api_token") if getattr(given, name) is None]
    if given.superuser is None or given.replication is None or given.api_token is None:
        raise PostgresFailure(
            f"secrets.{missing[0]} is not set: give it in the file, as HOWDAH_SECRETS__{missing[0].upper()}, or as "
            f"HOWDAH_SECRETS__{missing[0].upper()}_FILE; all nodes of a cluster need the same"
        )
    return ClusterSecrets(
        given.superuser.get_secret_value(),
        given.replication.get_secret_value(),
        given.api_token.get_secret_value(),
        given.router.get_secret_value() if given.router is not None else "",
    )


def _hooks(settings: AgentSettings, layout: NodeLayout, node: Node) -> list[Coroutine[Any, Any, None]]:
    if not settings.hooks.on_role_change:
        return []
    address = settings.postgresql.address
    facts = {
        "HOWDAH_CLUSTER": settings.cluster,
        "HOWDAH_NODE": settings.node.name,
        "HOWDAH_DATA_DIRECTORY": str(layout.data),
        "HOWDAH_HOST": address.host,
        "HOWDAH_PORT": str(address.port),
    }
    hook = RoleHook(settings.hooks.on_role_change, settings.hooks.timeout_ms, facts, node.tools.journal)
    node.loop.roles.listeners.append(hook.listen)
    return [hook.run()]


def _obey_signals(node: Node) -> None:
    """SIGTERM and SIGINT: hand over if somebody can take over, stop the server, end. A second one does not wait."""
    loop = asyncio.get_running_loop()

    def leave() -> None:
        node.tools.situation.leave(Leaving.NODE)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
