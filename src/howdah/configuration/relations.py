"""Do settings that are each allowed also fit each other?"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator

from howdah.cluster.policy import Policy, faults_of
from howdah.configuration.cluster import ClusterSettings, PolicySettings
from howdah.configuration.faults import Fault
from howdah.configuration.schema import AgentSettings, AnyStore, EtcdStore, KubernetesStore
from howdah.configuration.words import WILDCARDS

Refusal = Callable[[str, str], str]
"""Why PostgreSQL's setting (name, value) may not be set by the operator; "" if it may."""


def nothing_refused(name: str, value: str) -> str:
    """For callers that do not know which PostgreSQL settings the protocol owns."""
    del name, value
    return ""


def policy_of(settings: PolicySettings) -> Policy:
    """The policy with these times and limits."""
    return Policy(**settings.model_dump())


def cluster_faults(settings: ClusterSettings, refusal: Refusal, above: str = "") -> Iterator[Fault]:
    """What does not fit in the cluster's settings; `above` is put before each key."""
    nodes = settings.nodes
    for name in _twice(nodes):
        yield Fault(f"{above}nodes", f"names {name!r} twice; each node needs a name of its own")
    for name in sorted(set(nodes) & set(settings.removed)):
        yield Fault(f"{above}removed", f"names {name!r}, which is among the nodes too; take it out of one of them")
    if settings.mode == "async" and settings.k:
        yield Fault(
            f"{above}k", f"is {settings.k}, but mode async waits for nobody; leave k out, or choose mode quorum"
        )
    if settings.mode == "quorum" and len(nodes) == 1:
        yield Fault(f"{above}mode", "is 'quorum' with one node: no standby could ever confirm a commit; add nodes")
    if nodes and settings.k >= len(nodes) and settings.mode != "async":
        yield Fault(
            f"{above}k", f"is {settings.k} with {len(nodes)} nodes; it must be at most {len(nodes) - 1}, the standbys"
        )
    if settings.switchover and settings.switchover.to and nodes and settings.switchover.to not in nodes:
        yield Fault(f"{above}switchover.to", f"is {settings.switchover.to!r}, which is none of {', '.join(nodes)}")
    for sentence in faults_of(policy_of(settings.policy)):
        # The policy speaks in its own names; operators know the keys. Numbers stay milliseconds.
        named = re.sub(r"\b([a-z_]+)_ms\b", rf"{above}policy.\1", sentence)
        yield Fault("", f"{named} (times in milliseconds)")
    for name, value in sorted(settings.postgresql.parameters.items()):
        if why := refusal(name, value):
            yield Fault(f"{above}postgresql.parameters.{name}", f"is {value!r}: {why}")


def agent_faults(settings: AgentSettings, refusal: Refusal) -> Iterator[Fault]:
    """What does not fit in one agent's settings."""
    yield from cluster_faults(settings.initial.config, refusal, "initial.config.")
    for section, listener in (("postgresql", settings.postgresql), ("api", settings.api)):
        if listener.address.host in WILDCARDS:
            yield Fault(
                f"{section}.advertised",
                f"must be set: nobody can connect to {listener.address.host!r}; give the address that others use",
            )
    if settings.postgresql.port == settings.api.port and _overlap(settings.postgresql.listen, settings.api.listen):
        yield Fault("api.port", f"is {settings.api.port}, which is postgresql.port too; give it another")
    if settings.node.tags.replicate_from == settings.node.name:
        yield Fault("node.tags.replicate_from", f"is {settings.node.name!r}, this node itself; name another")
    if not settings.node.root.is_absolute():
        yield Fault("node.root", f"is {str(settings.node.root)!r}; it must be an absolute path")
    if (settings.api.cert_file is None) != (settings.api.key_file is None):
        yield Fault("api.cert_file", "and api.key_file go together; one of them is missing")
    if settings.api.ca_file and not settings.api.cert_file:
        yield Fault("api.ca_file", "is set, but api.cert_file is not: without a certificate of its own no node has TLS")
    yield from _initial_faults(settings)
    yield from store_faults(settings.store)
    yield from _kubernetes_faults(settings)


def _initial_faults(settings: AgentSettings) -> Iterator[Fault]:
    nodes = settings.initial.config.nodes
    initial = settings.initial
    if nodes and initial.node and initial.node not in nodes:
        yield Fault("initial.node", f"is {initial.node!r}, which is none of initial.config.nodes ({', '.join(nodes)})")
    if initial.adopt and not settings.may_initialise:
        yield Fault(
            "initial.adopt",
            f"is set on {settings.node.name}, but {settings.initial_node} initialises the cluster: set it there, "
            f"or set initial.node to {settings.node.name} on every node",
        )
    if initial.adopt and not initial.adopt.is_absolute():
        yield Fault("initial.adopt", f"is {str(initial.adopt)!r}; it must be an absolute path")


def store_faults(store: AnyStore | None) -> Iterator[Fault]:
    """What does not fit in the store's address."""
    match store:
        case EtcdStore():
            yield from _etcd_faults(store)
        case KubernetesStore():
            yield from _api_faults(store)


def _api_faults(store: KubernetesStore) -> Iterator[Fault]:
    if store.api and not re.fullmatch(r"https?://[^/\s]+", store.api):
        yield Fault("store.api", f"is {store.api!r}; it must be https://HOST:PORT")
    if (store.cert_file is None) != (store.key_file is None):
        yield Fault("store.cert_file", "and store.key_file go together; one of them is missing")
    if store.cert_file and store.token_file:
        yield Fault("store.token_file", "and store.cert_file are both set; one of them is enough to be known by")
    if store.prefix and not re.fullmatch(r"[a-z][a-z0-9-]{0,127}", store.prefix):
        yield Fault(
            "store.prefix", f"is {store.prefix!r}; names of objects begin with a letter: a-z, 0-9 and '-', 128 at most"
        )


def _kubernetes_faults(settings: AgentSettings) -> Iterator[Fault]:
    chosen = settings.kubernetes
    steered = [f"kubernetes.{name}_service" for name in ("primary", "read") if getattr(chosen, f"{name}_service")]
    if not steered:
        return
    if settings.store.kind != "kubernetes":
        yield Fault(steered[0], f"is set, but store.kind is {settings.store.kind}: only with kubernetes is it steered")
    try:
        ipaddress.ip_address(chosen.pod_ip)
    except ValueError:
        yield Fault(
            "kubernetes.pod_ip",
            f"is {chosen.pod_ip!r}; {steered[0]} needs the pod's address, from the downward API (status.podIP)",
        )
    if chosen.primary_service == chosen.read_service:
        yield Fault("kubernetes.read_service", "is kubernetes.primary_service too; each needs a Service of its own")


def _etcd_faults(store: EtcdStore) -> Iterator[Fault]:
    """What does not fit in the address of an etcd cluster."""
    for endpoint in store.endpoints:
        if not re.fullmatch(r"https?://[^/\s]+", endpoint):
            yield Fault("store.endpoints", f"has {endpoint!r}; each must be http://HOST:PORT or https://HOST:PORT")
    for name in _twice(store.endpoints):
        yield Fault("store.endpoints", f"names {name!r} twice")
    if (store.cert_file is None) != (store.key_file is None):
        yield Fault("store.cert_file", "and store.key_file go together; one of them is missing")
    if bool(store.username) != (store.password is not None):
        yield Fault("store.username", "and store.password go together; one of them is missing")
    if (store.ca_file or store.cert_file) and any(endpoint.startswith("http:") for endpoint in store.endpoints):
        name = "ca_file" if store.ca_file else "cert_file"
        yield Fault("store.endpoints", f"has an http:// address although store.{name} is set; use https:// for all")


def _overlap(one: str, other: str) -> bool:
    return one == other or one in WILDCARDS or other in WILDCARDS


def _twice(names: tuple[str, ...]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
