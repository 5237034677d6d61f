"""Is one node of this machine in order: its ports, its data directory, its dead-man?"""

import asyncio
import socket
from collections.abc import Iterator

from howdah.agent.deadman.client import DeadmanClient
from howdah.agent.statefile import StateFile
from howdah.cli.checks.finding import Finding, fail, ok, warn
from howdah.cluster.localstate import Marker
from howdah.cluster.serverfacts import DirectoryState
from howdah.configuration.schema import AgentSettings
from howdah.ports.deadman import DeadmanGone
from howdah.ports.disk import DiskFailure
from howdah.postgres.account import Account
from howdah.postgres.facts import inspect_directory
from howdah.postgres.gone import processes_of
from howdah.postgres.installation import Installation
from howdah.postgres.layout import NodeLayout


def check_ports(settings: AgentSettings, running: bool) -> Iterator[Finding]:
    """Of a node that does not run: are its ports free?"""
    name, layout = settings.node.name, NodeLayout(settings.node.root)
    server = running or bool(processes_of(layout.data))
    for what, listener, ours in (("PostgreSQL", settings.postgresql, server), ("the agent", settings.api, running)):
        if ours:
            continue
        fault = _listen_fault(listener.listen, listener.port)
        if fault:
            yield fail(
                name,
                f"{what} should listen on {listener.listen}:{listener.port}, which is not possible: {fault}. End who "
                "has it (`ss -ltnp`), or choose another.",
            )
        else:
            yield ok(name, f"port {listener.port} is free for {what}")


def check_directory_of(
    settings: AgentSettings, installation: Installation, account: Account | None
) -> Iterator[Finding]:
    """Whose the data is, of which version, and whether it is whole."""
    name, layout = settings.node.name, NodeLayout(settings.node.root)
    try:
        state = StateFile(layout.state).load()
    except DiskFailure as failure:
        yield fail(name, str(failure))
        return
    facts = inspect_directory(installation, account, layout.data)
    if state.marker is not Marker.NONE:
        yield warn(
            name, f"{state.marker.value} was not finished; its agent goes on with it and it takes no part until then."
        )
    match facts.state:
        case DirectoryState.FOREIGN | DirectoryState.BROKEN:
            yield fail(name, facts.explanation)
        case DirectoryState.EMPTY:
            yield ok(name, f"has no data yet: {facts.explanation}")
        case DirectoryState.READY:
            if state.member_id and facts.identity != state.member_id:
                yield fail(
                    name,
                    f"the data directory's id is {facts.identity or 'missing'}, its agent remembers {state.member_id}: "
                    "it was replaced by hand. Put the right one back, or move both away and let it be cloned.",
                )
            else:
                yield ok(name, f"data of PostgreSQL {facts.major_version}, system {facts.system_identifier}")


def check_deadman(settings: AgentSettings) -> Finding:
    """Of a running agent: does its dead-man answer, and has it not fired?"""
    name = settings.node.name
    try:
        state = asyncio.run(DeadmanClient(NodeLayout(settings.node.root)).state())
    except DeadmanGone as gone:
        return fail(name, f"{gone} Its agent starts another; if this stays, look into its log.")
    if state.fired_at_ms:
        return warn(name, "its dead-man has fired: it killed the server because the agent did not renew in time.")
    return ok(name, f"its dead-man runs (process {state.pid})")


def _listen_fault(host: str, port: int) -> str:
    """Why nobody could listen there now; "" if one could."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return ""
