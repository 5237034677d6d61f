"""What stands behind a Service without a selector, and how is it changed?

One EndpointSlice a Service, written whole and by compare-and-swap, with the term of its author in it.
"""

import ipaddress
from dataclasses import dataclass

from howdah.cluster.services import Author, may_replace
from howdah.ports.store import StoreUnavailable
from howdah.stores.http import JsonObject, OutcomeUnknown
from howdah.stores.kubernetes.api import Deed, Differs, KubernetesApi, NotThere

GROUP = "discovery.k8s.io"
TERM = "howdah/term"
SYSTEM = "howdah/system-identifier"
MANAGER = "howdah"
"""Kubernetes' own controllers leave slices alone that are managed by somebody else."""

TRIES = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """The endpoints of one Service; `port_name` is that of the Service's port. Addresses are numbers of one family."""

    service: str
    family: str  # IPv4 or IPv6
    addresses: tuple[str, ...]
    port: int
    port_name: str
    author: Author

    @property
    def name(self) -> str:
        """Of the object: the family of a slice can never be changed."""
        return slice_name(self.service, self.family)


def slice_name(service: str, family: str) -> str:
    """The object that holds a Service's endpoints of one family."""
    return f"{service}-{family.lower()}"


def family_of(address: str) -> str:
    """IPv4 or IPv6. Raises ValueError for what is no number."""
    return f"IPv{ipaddress.ip_address(address).version}"


def slice_deeds(namespace: str, names: tuple[str, ...]) -> tuple[Deed, ...]:
    """The rights that writing these slices needs."""
    named = [Deed(verb, GROUP, "endpointslices", namespace, name) for name in names for verb in ("get", "update")]
    return (Deed("create", GROUP, "endpointslices", namespace), *named)


async def put_slice(api: KubernetesApi, namespace: str, wanted: Slice) -> bool:
    """Write it, unless a higher term has: False then. Raises StoreUnavailable if it is not known to be written."""
    for _ in range(TRIES):
        found: JsonObject | None
        try:
            found = await api.read(_deed("get", namespace, wanted))
        except NotThere:
            found = None
        if found is not None and not may_replace(_author(found), wanted.author):
            return False
        if found is not None and _says(found, wanted):
            return True
        try:
            if found is None:
                await api.write(_deed("create", namespace, wanted), "POST", _body(namespace, wanted, ""))
            else:
                version = str(found["metadata"]["resourceVersion"])
                await api.write(_deed("update", namespace, wanted), "PUT", _body(namespace, wanted, version))
        except (Differs, NotThere):
            continue
        except OutcomeUnknown as error:
            raise StoreUnavailable(str(error)) from error
        return True
    raise StoreUnavailable(f"the EndpointSlice {wanted.name} is changed by somebody else all the time")


def _deed(verb: str, namespace: str, wanted: Slice) -> Deed:
    return Deed(verb, GROUP, "endpointslices", namespace, wanted.name)


def _body(namespace: str, wanted: Slice, version: str) -> JsonObject:
    metadata: JsonObject = {
        "name": wanted.name,
        "namespace": namespace,
        "labels": {
            "kubernetes.io/service-name": wanted.service,
            "endpointslice.kubernetes.io/managed-by": MANAGER,
            "app.kubernetes.io/managed-by": MANAGER,
        },
        "annotations": {TERM: str(wanted.author.term), SYSTEM: wanted.author.system_identifier},
    }
    if version:
        metadata["resourceVersion"] = version
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": wanted.family,
        "endpoints": _endpoints(wanted),
        "ports": [{"name": wanted.port_name, "port": wanted.port, "protocol": "TCP"}],
    }


def _endpoints(wanted: Slice) -> list[JsonObject]:
    conditions = {"ready": True, "serving": True, "terminating": False}
    return [{"addresses": [address], "conditions": conditions} for address in wanted.addresses]


def _author(found: JsonObject) -> Author | None:
    annotations = found["metadata"].get("annotations") or {}
    try:
        return Author(str(annotations[SYSTEM]), int(annotations[TERM]))
    except (LookupError, ValueError):
        return None  # written by hand, or by another program


def _says(found: JsonObject, wanted: Slice) -> bool:
    """Whether nothing has to be changed."""
    body = _body("", wanted, "")
    labels = found["metadata"].get("labels") or {}
    return (
        _author(found) == wanted.author
        and (found.get("endpoints") or []) == body["endpoints"]
        and (found.get("ports") or []) == body["ports"]
        and all(labels.get(name) == value for name, value in body["metadata"]["labels"].items())
    )
