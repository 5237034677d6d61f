"""What does an agent do in Kubernetes beside its database: Services, Events, and a look at its own rights?"""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from howdah.agent.addressbook import document_name
from howdah.agent.intentions import CONFIG
from howdah.agent.keeper import RECORD
from howdah.agent.node import Node
from howdah.agent.roleevents import RoleEvents
from howdah.agent.services import Services, ServiceSteering
from howdah.configuration.schema import AgentSettings
from howdah.ports.postgres import PostgresFailure
from howdah.ports.store import StoreUnavailable
from howdah.stores.kubernetes.api import Deed
from howdah.stores.kubernetes.client import KubernetesStore
from howdah.stores.kubernetes.events import Pod, event_deed
from howdah.stores.kubernetes.health import examine, store_deeds
from howdah.stores.kubernetes.slices import family_of, slice_deeds, slice_name

LOOK_AGAIN_MS = 5_000


@dataclass(frozen=True, slots=True)
class InKubernetes:
    """The tasks beside the agent's loop, and what is left to do when it ended."""

    jobs: tuple[Coroutine[Any, Any, None], ...] = ()
    steering: ServiceSteering | None = None


def in_kubernetes(node: Node) -> InKubernetes:
    """What this agent does there; nothing where the store is another one. Raises PostgresFailure."""
    store = node.store
    if not isinstance(store, KubernetesStore):
        return InKubernetes()
    steering, events = _steering(node, store), _events(node, store)
    jobs = [_look_at_rights(node, store)]
    if steering is not None:
        node.loop.onlookers.append(steering.look)
        jobs.append(steering.run())
    if events is not None:
        node.loop.roles.listeners.append(events.listen)
        jobs.append(events.run())
    return InKubernetes(tuple(jobs), steering)


def needed_rights(settings: AgentSettings, namespace: str, prefix: str) -> tuple[Deed, ...]:
    """Everything that the agent may have to do to objects of Kubernetes."""
    documents = [RECORD, CONFIG, *(document_name(name) for name in settings.initial_nodes)]
    deeds = store_deeds(namespace, prefix, documents, writes=True)
    chosen = settings.kubernetes
    if chosen.pod_ip and (steered := [name for name in (chosen.primary_service, chosen.read_service) if name]):
        family = family_of(chosen.pod_ip)
        deeds += slice_deeds(namespace, tuple(slice_name(service, family) for service in steered))
    return (*deeds, event_deed(namespace)) if chosen.events else deeds


def _events(node: Node, store: KubernetesStore) -> RoleEvents | None:
    chosen = node.settings.kubernetes
    if not chosen.events:
        return None
    pod = Pod(store.namespace, chosen.pod_name or node.settings.node.name, chosen.pod_uid)
    return RoleEvents(store.api, pod, node.tools.clock, node.tools.journal)


def _steering(node: Node, store: KubernetesStore) -> ServiceSteering | None:
    chosen = node.settings.kubernetes
    if not chosen.primary_service and not chosen.read_service:
        return None
    services = Services(
        namespace=store.namespace,
        primary=chosen.primary_service,
        read=chosen.read_service,
        port_name=chosen.port_name,
        address=chosen.pod_ip,
        port=node.settings.postgresql.port,
    )
    try:
        return ServiceSteering(store.api, services, node.tools.journal)
    except ValueError as wrong:
        raise PostgresFailure(f"kubernetes.pod_ip cannot be used: {wrong}") from wrong


async def _look_at_rights(node: Node, store: KubernetesStore) -> None:
    """Say what is missing once, early, and in the words of the mend, rather than when it is needed."""
    clock, journal = node.tools.clock, node.tools.journal
    while True:
        try:
            found = await examine(store.api, needed_rights(node.settings, store.namespace, store.prefix))
        except StoreUnavailable:
            await clock.sleep_ms(LOOK_AGAIN_MS)
            continue
        record = node.tools.keeper.record
        for sentence in found:
            journal.noted("KUBERNETES", sentence, record.term if record else 0)
        return
