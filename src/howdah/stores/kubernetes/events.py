"""How does something that happened to a pod become an Event of Kubernetes?"""

import datetime
from dataclasses import dataclass

from howdah.ports.store import StoreUnavailable
from howdah.stores.http import OutcomeUnknown
from howdah.stores.kubernetes.api import Deed, KubernetesApi

MESSAGE_BYTES_MAX = 1_000
"""Kubernetes takes 1024."""


@dataclass(frozen=True, slots=True)
class Pod:
    """Whom it is about. `uid` is "" where it is not known: `kubectl describe pod` does not find the Event then."""

    namespace: str
    name: str
    uid: str = ""


def event_deed(namespace: str) -> Deed:
    """The right that it needs."""
    return Deed("create", "", "events", namespace)


async def write_event(
    api: KubernetesApi, pod: Pod, reason: str, message: str, at: datetime.datetime, *, warning: bool = False
) -> None:
    """Write one Event. Raises StoreUnavailable if it is not known to be written; Forbidden, which is one, if the right
    is missing."""
    involved = {"apiVersion": "v1", "kind": "Pod", "namespace": pod.namespace, "name": pod.name}
    when = at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{pod.name}.", "namespace": pod.namespace},
        "involvedObject": {**involved, **({"uid": pod.uid} if pod.uid else {})},
        "reason": reason,
        "message": message.encode()[:MESSAGE_BYTES_MAX].decode(errors="ignore"),
        "type": "Warning" if warning else "Normal",
        "source": {"component": "howdah"},
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": 1,
    }
    try:
        await api.write(event_deed(pod.namespace), "POST", body)
    except OutcomeUnknown as error:
        raise StoreUnavailable(str(error)) from error
