"""Does the store answer, is its version fit, and does its record agree with what this node remembers?"""

import asyncio
from collections.abc import Iterator

from howdah.agent.inkubernetes import needed_rights
from howdah.agent.node import store_settings
from howdah.agent.statefile import StateFile
from howdah.cli.checks.finding import Finding, fail, ok, warn
from howdah.cluster.localstate import LocalState
from howdah.cluster.record import Record, RecordUnreadable, read_record
from howdah.configuration.schema import AgentSettings
from howdah.ports.disk import DiskFailure
from howdah.ports.store import StoreUnavailable
from howdah.postgres.layout import NodeLayout
from howdah.stores.etcd.gateway import Gateway
from howdah.stores.etcd.health import examine, version_warning, warnings
from howdah.stores.kubernetes.client import KubernetesStore
from howdah.stores.kubernetes.health import examine as examine_kubernetes
from howdah.stores.open import open_store
from howdah.stores.settings import EtcdSettings

RECORD = "record"
WAYS_OUT = (
    "Put the store's newest data back; or have every server started, then the record is made again from what they "
    "know; or, when servers are gone for good, `howdah failover --accept-data-loss`."
)


def check_store(settings: AgentSettings, running: bool) -> Iterator[Finding]:
    """`running`: whether agents run, so that a silent store is a fault."""
    asked = asyncio.run(_ask(settings))
    if isinstance(asked, str):
        if running or settings.store.kind != "sqlite":
            yield fail("store", f"{asked}. Start it, or mend the way to it.")
        else:
            yield ok("store", "it does not run; `howdah up` starts it")
        return
    record, sentences = asked
    yield from sentences
    yield ok("store", f"{settings.store.kind} answers; {_told(record)}")
    try:
        state = StateFile(NodeLayout(settings.node.root).state).load()
    except DiskFailure as failure:
        yield fail(settings.node.name, str(failure))
        return
    yield from compare(settings.node.name, state, record)


def compare(node: str, state: LocalState, record: Record | None) -> Iterator[Finding]:
    """Whether the store explains what the node promised and won."""
    if record is None:
        if state.record is not None:
            yield fail(
                "store", f"it has no record, but {node} knows one of term {state.record.term}: it was wiped. {WAYS_OUT}"
            )
        return
    if state.system_identifier and record.system_identifier not in ("", state.system_identifier):
        yield fail(
            node,
            f"its data is of system {state.system_identifier}, the store's cluster is {record.system_identifier}: "
            "another cluster's. Move its data directory away, or give this cluster another name.",
        )
    known = max(state.won_term, state.record.term if state.record else 0)
    if known > record.term:
        yield fail(
            "store", f"it says term {record.term}, but {node} knows term {known}: it went back in time. {WAYS_OUT}"
        )
    elif state.promise > record.term:
        yield warn(
            node,
            f"it promised term {state.promise}, above the store's {record.term}: an election is under way or failed; "
            "the primary raises its term by itself.",
        )


async def _ask(settings: AgentSettings) -> tuple[Record | None, list[Finding]] | str:
    """The record and what is to say of the store; or why it does not answer."""
    try:
        found = store_settings(settings)
        store = open_store(found)
    except (OSError, ValueError) as error:
        return f"the store's settings cannot be used: {error}"
    findings: list[Finding] = []
    try:
        if isinstance(found, EtcdSettings):
            findings = await _examine(found)
        if isinstance(store, KubernetesStore):
            deeds = needed_rights(settings, store.namespace, store.prefix)
            findings = [fail("store", sentence) for sentence in await examine_kubernetes(store.api, deeds)]
        document = await store.read(RECORD)
        return (read_record(document.text) if document else None), findings
    except StoreUnavailable as silence:
        return ". ".join([f"the store does not answer: {silence}", *(finding.sentence for finding in findings)])
    except RecordUnreadable as unreadable:
        return f"the store's record cannot be used: {unreadable}"
    finally:
        await store.close()


async def _examine(settings: EtcdSettings) -> list[Finding]:
    gateway = Gateway(settings)
    try:
        health = await examine(gateway)
    finally:
        await gateway.close()
    bad = {
        version_warning(state.version)
        for state in health.states
        if "corrupts" in (version_warning(state.version) or "")
    }
    return [fail("store", sentence) if sentence in bad else warn("store", sentence) for sentence in warnings(health)]


def _told(record: Record | None) -> str:
    if record is None:
        return "no cluster has begun in it"
    return f"{record.holder.name} holds term {record.term} of cluster {record.cluster}"
