"""How does an operator change and see the cluster's settings? (`howdah config set`, `howdah config show`.)"""

from typing import Any

import yaml

from howdah.configuration.cluster import ClusterSettings
from howdah.configuration.faults import Fault, SettingsRefused, checked
from howdah.configuration.intents import policy_texts, read_document, write_document
from howdah.configuration.keys import Key, Path, keys_of, meant, without_unknown
from howdah.configuration.relations import Refusal, cluster_faults, policy_of
from howdah.configuration.source import Source, get

BY_COMMAND = {
    "switchover": "use `howdah switchover`",
    "paused": "use `howdah pause` or `howdah resume`",
    "removed": "set nodes without the node; it is kept by itself",
}
EMPTY = ("''", '""')


def set_value(document: str, assignment: str, refusal: Refusal) -> str:
    """The document with one setting changed: "postgresql.parameters.work_mem=64MB".

    "KEY=" gives a key its default back, "KEY=''" an empty text. A node that leaves `nodes` goes into `removed`,
    one that returns comes out of it. Keys of the document that this version does not know stay. Raises SettingsRefused.
    """
    name, equals, value = assignment.partition("=")
    if not equals:
        raise SettingsRefused([Fault("", f"{assignment!r} is not KEY=VALUE")])
    name, value = name.strip(), value.strip()
    if name.split(".")[0] in BY_COMMAND:
        raise SettingsRefused([Fault(name, f"is not set by hand: {BY_COMMAND[name.split('.')[0]]}")])
    path, changed = _path_of(name), Source(read_document(document))
    before = checked(ClusterSettings, without_unknown(changed.document, ClusterSettings))
    if value:
        changed.set(path, "" if value in EMPTY else value, "")
    else:
        _unset(changed.document, path)
    after = checked(ClusterSettings, without_unknown(changed.document, ClusterSettings))
    if path == ("nodes",):
        changed.document["nodes"] = list(after.nodes)
        gone = (set(before.removed) | set(before.nodes)) - set(after.nodes)
        changed.document["removed"] = sorted(gone)
        after = after.model_copy(update={"removed": tuple(sorted(gone))})
    if faults := list(cluster_faults(after, refusal)):
        raise SettingsRefused(faults)
    return write_document(_typed(changed.document, after))


def effective(document: str) -> dict[str, Any]:
    """Every setting with the value in force, defaults too, as an operator writes them."""
    settings = checked(ClusterSettings, without_unknown(read_document(document), ClusterSettings))
    shown = settings.model_dump(mode="json", by_alias=True)
    shown["policy"] = policy_texts(policy_of(settings.policy))
    return shown


def show(document: str) -> str:
    """The same as YAML."""
    return str(yaml.safe_dump(effective(document), sort_keys=False, allow_unicode=True))


def _typed(document: dict[str, Any], settings: ClusterSettings) -> dict[str, Any]:
    """Numbers and switches as such: what was typed is text."""
    for name in ("k", "paused"):
        if name in document:
            document[name] = getattr(settings, name)
    limit = get(document, ("policy", "probe_failures_max"))
    if limit is not None:
        document["policy"]["probe_failures_max"] = settings.policy.probe_failures_max
    return document


def _path_of(name: str) -> Path:
    keys = tuple(keys_of(ClusterSettings))
    for key in keys:
        if key.dotted == name and not key.free:
            return key.path
        if key.free and name.startswith(f"{key.dotted}."):
            return (*key.path, name.removeprefix(f"{key.dotted}."))
    raise SettingsRefused([Fault(name, _unknown(name, keys))])


def _unknown(name: str, keys: tuple[Key, ...]) -> str:
    known = [key.dotted for key in keys if key.path[0] not in BY_COMMAND]
    section = [dotted for dotted in known if dotted.startswith(f"{name}.")]
    if section:
        return f"is a section; set one of its keys: {', '.join(section)}"
    if any(key.free and key.dotted == name for key in keys):
        return f"is a map; set one entry of it: {name}.NAME=VALUE"
    by_last = next((dotted for dotted in known if dotted.endswith(f".{name}")), "")
    return f"is no setting; did you mean {by_last!r}?" if by_last else f"is no setting{meant(name, known)}"


def _unset(document: dict[str, Any], path: Path) -> None:
    section = get(document, path[:-1])
    if isinstance(section, dict):
        section.pop(path[-1], None)
