"""How is the operator's will written in the store's document `config`, and read back?

The document is JSON with the keys of `ClusterSettings`. A key that is left out has its default. Reading skips keys
it does not know (a newer agent may have written them) and writing keeps them; only `howdah config set` refuses them.
"""

import json
from functools import lru_cache
from typing import Any

from howdah.cluster.intents import Intents, SwitchoverRequest
from howdah.cluster.policy import Policy
from howdah.cluster.record import Mode
from howdah.configuration.cluster import ClusterSettings, PolicySettings
from howdah.configuration.faults import Fault, SettingsRefused, checked
from howdah.configuration.keys import without_unknown
from howdah.configuration.quantities import format_duration, format_size
from howdah.configuration.relations import Refusal, cluster_faults, nothing_refused, policy_of

WHERE = "the store's document config"


def intents_of(settings: ClusterSettings) -> Intents:
    """The settings in the cluster rules' words."""
    asked = settings.switchover
    return Intents(
        nodes=tuple(sorted(settings.nodes)),
        mode=Mode(settings.mode) if settings.mode else None,
        k_target=settings.k,
        paused=settings.paused,
        switchover=SwitchoverRequest(asked.id, asked.to, asked.at_wall_ms, asked.term) if asked else None,
        policy=policy_of(settings.policy),
        parameters=dict(settings.postgresql.parameters),
        removed=settings.removed,
    )


def read_document(text: str) -> dict[str, Any]:
    """The JSON text as a map; empty text is an empty one. Raises SettingsRefused."""
    try:
        document = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as broken:
        raise SettingsRefused([Fault("", f"not readable as JSON: {broken}", WHERE)]) from None
    if not isinstance(document, dict):
        raise SettingsRefused([Fault("", "must be a map of keys", WHERE)])
    return document


def write_document(document: dict[str, Any]) -> str:
    """The map as JSON text."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=16)
def read_intents(text: str, refusal: Refusal = nothing_refused) -> Intents:
    """What the operator wants. Raises SettingsRefused when known keys hold what cannot be used: keep the last good."""
    settings = checked(ClusterSettings, without_unknown(read_document(text), ClusterSettings), {(): WHERE})
    if faults := list(cluster_faults(settings, refusal)):
        raise SettingsRefused(faults)
    return intents_of(settings)


def write_intents(intents: Intents, over: str = "") -> str:
    """The document that `read_intents` reads back; `over` is the one it replaces, whose unknown keys stay."""
    document = read_document(over)
    known = {
        "nodes": list(intents.nodes) or None,
        "mode": intents.mode.value if intents.mode else None,
        "k": intents.k_target or None,
        "paused": intents.paused or None,
        "removed": list(intents.removed) or None,
        "switchover": _switchover(intents.switchover),
    }
    _put(document, known)
    policy = _section(document, "policy")
    _put(policy, _policy(intents.policy))
    postgresql = _section(document, "postgresql")
    _put(postgresql, {"parameters": dict(intents.parameters) or None})
    _put(document, {"policy": policy or None, "postgresql": postgresql or None})
    return write_document(document)


def _section(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return dict(found) if isinstance(found, dict) else {}


def _put(document: dict[str, Any], known: dict[str, Any]) -> None:
    """Set what differs from its default, and take out what does not."""
    for name, value in known.items():
        document.pop(name, None)
        if value is not None:
            document[name] = value


def _switchover(request: SwitchoverRequest | None) -> dict[str, Any] | None:
    if request is None:
        return None
    return {"id": request.id, "to": request.to, "at_wall_ms": request.at_wall_ms, "term": request.term}


def policy_texts(policy: Policy) -> dict[str, Any]:
    """Each time and limit under its key, as an operator writes it."""
    texts: dict[str, Any] = {}
    for name, field in PolicySettings.model_fields.items():
        value = getattr(policy, name)
        if name.endswith("_ms"):
            texts[field.alias or name] = format_duration(value)
        else:
            texts[field.alias or name] = format_size(value) if "bytes" in name else value
    return texts


def _policy(policy: Policy) -> dict[str, Any]:
    """The times and limits that differ from their defaults; None for the others."""
    defaults = policy_texts(Policy())
    return {key: text if text != defaults[key] else None for key, text in policy_texts(policy).items()}
