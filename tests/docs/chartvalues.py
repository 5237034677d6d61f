"""What is made of charts/howdah/keys.yaml? values.yaml, values.schema.json, files/notes.yaml and docs/values.md."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from howdah.postgres.parameters import PROTECTED

CHART = Path(__file__).resolve().parents[2] / "charts" / "howdah"
MADE = "# Made from keys.yaml by `make docs`; change that file.\n"

INTRODUCTION = """\
# Values of the chart

Made from charts/howdah/keys.yaml by `make docs`; change that file, not this page.

The chart reads the values file of Bitnami's `postgresql-ha`: every key of it is here. Those without a default do
nothing, for the reason given; `helm install` says so for each that you set to something else than that chart's default.
A key that is not here is refused, with its name.
"""


@dataclass(frozen=True, slots=True)
class ChartKey:
    """One key. `instead` is "" for one that is honoured; `fields`: no other keys below it."""

    section: str
    name: str
    default: Any
    use: str
    instead: str
    fields: bool
    choice: tuple[str, ...]


def chart_keys() -> tuple[ChartKey, ...]:
    """All of them, in the file's order."""
    sections: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((CHART / "keys.yaml").read_text(encoding="utf-8"))
    written = {name: facts for section in sections.values() for name, facts in section.items()}
    found = []
    for section, keys in sections.items():
        for name, own in keys.items():
            facts = {**(written[own["as"]] if "as" in own else {}), **own}
            found.append(
                ChartKey(section, name, facts["default"], facts.get("use", ""), facts.get("instead", ""),
                         facts.get("fields", False), tuple(facts.get("choice", ())))
            )  # fmt: skip
    return tuple(found)


def values() -> str:
    """The text of values.yaml: the keys that are honoured, with their defaults."""
    return MADE + "\n".join(_lines(_tree([key for key in chart_keys() if not key.instead]), "")) + "\n"


def schema() -> str:
    """The text of values.schema.json."""
    root: dict[str, Any] = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart howdah"}
    root |= _closed({})
    for key in chart_keys():
        section = root
        *above, last = key.name.split(".")
        for step in above:
            section = section["properties"].setdefault(step, _closed({}))
        section["properties"][last] = _merged(section["properties"].get(last), _schema_of(key))
    del root["properties"]["global"]["additionalProperties"]  # a chart around this one has globals of its own
    return json.dumps(root, indent=1) + "\n"


def notes() -> str:
    """The text of files/notes.yaml: for NOTES.txt, what does nothing, with Bitnami's default."""
    rows = [{"key": key.name, "default": key.default, "say": key.instead} for key in chart_keys() if key.instead]
    return MADE + str(yaml.safe_dump(rows, sort_keys=False, width=200, allow_unicode=True))


def written() -> str:
    """The page docs/values.md."""
    parts, section = [INTRODUCTION], ""
    for key in chart_keys():
        if key.section != section:
            section = key.section
            parts.append(f"\n## {section}\n\n| key | default | |\n|---|---|---|\n")
        name = f"`{key.name}`"
        if key.instead:
            parts.append(f"| {name} | | does nothing: {key.instead} |\n")
        else:
            default = json.dumps(key.default) if key.default not in ("", [], {}) else ""
            parts.append(f"| {name} | {f'`{default}`' if default else ''} | {key.use} |\n")
    return "".join(parts)


def owned() -> str:
    """The text of files/owned.yaml: what the chart leaves out of PostgreSQL's settings: agents would refuse it."""
    return MADE.replace("keys.yaml", "howdah.postgres.parameters") + "".join(
        f"- {name}\n" for name in sorted(PROTECTED)
    )


FILES = {
    CHART / "values.yaml": values,
    CHART / "values.schema.json": schema,
    CHART / "files" / "notes.yaml": notes,
    CHART / "files" / "owned.yaml": owned,
}
"""What is made beside the page."""


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _schema_of(key: ChartKey) -> dict[str, Any]:
    if key.choice:
        return {"enum": [*key.choice, None]}
    if key.fields:
        return _closed({name: _kind_of(value) for name, value in key.default.items()})
    return _kind_of(key.default)


def _merged(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    """A map and single keys below it are written apart: together they are one."""
    if before and before.get("additionalProperties") is False and "properties" in after:
        return _closed({**after["properties"], **before["properties"]})
    return after


def _kind_of(default: Any) -> dict[str, Any]:
    match default:
        case bool():
            return {"type": ["boolean", "null"]}
        case int():
            return {"type": ["integer", "null"]}
        case list():
            return {"type": ["array", "null"]}
        case dict():
            return {"type": ["object", "null"]}
        case _:
            return {"type": ["string", "number", "boolean", "null"]}


def _tree(keys: list[ChartKey]) -> dict[str | None, Any]:
    """Nested as in the file; a leaf is (default, use), and None is what a section is for."""
    tree: dict[str | None, Any] = {}
    for key in keys:
        section = tree
        *above, last = key.name.split(".")
        for step in above:
            section = section.setdefault(step, {})
        if key.fields:
            below = {name: (value, "") for name, value in key.default.items()}
            section[last] = {**below, **section.get(last, {}), None: key.use}
        else:
            section[last] = (key.default, key.use)
    return tree


def _lines(tree: dict[str | None, Any], indent: str) -> Iterator[str]:
    for name, below in tree.items():
        if name is None:
            continue
        if isinstance(below, dict):
            use = below.get(None)
            yield f"{indent}{name}:" + (f" # {use}" if use else "")
            yield from _lines(below, indent + "  ")
        else:
            default, use = below
            yield f"{indent}{name}: {json.dumps(default)}" + (f" # {use}" if use else "")
