"""Is this Kubernetes fit to hold a cluster's record, and may we do there what we have to?"""

import re
from collections.abc import Iterable

from howdah.ports.store import StoreUnavailable
from howdah.stores.http import OutcomeUnknown
from howdah.stores.kubernetes.api import Deed, KubernetesApi

OLDEST = (1, 25)
"""Rights to list and watch by name, slices of Services in their final version and tokens that are renewed are all there
by then; it has been tried with 1.34."""


def version_warning(version: str) -> str | None:
    """A sentence if this version of Kubernetes is too old; None if it is good. `version` is like "v1.34.4+k3s1"."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found is None:
        return f"Kubernetes gives its version as {version!r}, which cannot be judged"
    if (int(found[1]), int(found[2])) < OLDEST:
        return f"Kubernetes {version} is too old: {OLDEST[0]}.{OLDEST[1]} at least is needed"
    return None


def store_deeds(namespace: str, prefix: str, documents: Iterable[str], *, writes: bool) -> tuple[Deed, ...]:
    """What is done to the documents of these names; a router only reads."""
    verbs = ("get", "list", "watch", "patch") if writes else ("get", "list", "watch")
    named = [Deed(verb, "", "configmaps", namespace, prefix + name) for name in documents for verb in verbs]
    return (*([Deed("create", "", "configmaps", namespace)] if writes else []), *named)


async def examine(api: KubernetesApi, deeds: Iterable[Deed]) -> tuple[str, ...]:
    """A sentence for each thing to mend: the version, and every right that is missing. Raises StoreUnavailable."""
    version = str((await api.get("/version")).get("gitVersion", "unknown"))
    sentences = [warning] if (warning := version_warning(version)) else []
    for deed in deeds:
        if not await _allowed(api, deed):
            sentences.append(
                f"this pod's ServiceAccount may not {deed.words}: give it that right, as the chart's Role does"
            )
    return tuple(sentences)


async def _allowed(api: KubernetesApi, deed: Deed) -> bool:
    """Ask for our own rights, which everybody may. Changes nothing."""
    attributes = {
        "verb": deed.verb,
        "group": deed.group,
        "resource": deed.resource,
        "namespace": deed.namespace,
        "name": deed.name if deed.verb != "create" else "",
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    question = Deed("create", "authorization.k8s.io", "selfsubjectaccessreviews", "")
    try:
        answer = await api.write(question, "POST", review)
    except OutcomeUnknown as error:
        raise StoreUnavailable(str(error)) from error
    return bool((answer.get("status") or {}).get("allowed"))
