"""What does the generated part of docs/rest.md say? The paths of the OpenAPI document, and what changes take."""

from collections.abc import Iterator, Mapping
from typing import Any

from howdah.api.app import build_app
from tests.api.rig import FakeView, primary

Json = Mapping[str, Any]


def written() -> str:
    """The tables."""
    document = build_app(FakeView(primary()), "token").openapi()
    lines = ["| method | path | token | |", "|---|---|---|---|"]
    operations = tuple(_operations(document))
    for method, path, operation in operations:
        lines.append(f"| {method} | `{path}` | {_token(operation)} | {operation.get('summary', '')} |")
    lines += ["", "What changes take (JSON; keys that are left out have their defaults):", ""]
    lines += ["| | key | type | default | |", "|---|---|---|---|---|"]
    for method, path, operation in operations:
        lines += [f"| {method} `{path}` | {row} |" for row in _body(document, operation)]
    return "\n".join([*lines, ""])


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _token(operation: Json) -> str:
    return "yes" if operation.get("security") else ""


def _body(document: Json, operation: Json) -> Iterator[str]:
    """One row for each key of the request's body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for name in _references(content):
        schema = document["components"]["schemas"][name]
        required = schema.get("required", ())
        for key, field in schema.get("properties", {}).items():
            default = "required" if key in required else _default(field)
            yield f"`{key}` | {_type(document, field)} | {default} | {field.get('description', '')}"


def _references(schema: Json) -> Iterator[str]:
    if "$ref" in schema:
        yield str(schema["$ref"]).rpartition("/")[2]
    for part in schema.get("anyOf", ()):
        yield from _references(part)


def _default(field: Json) -> str:
    value = field.get("default")
    return "" if value in (None, "", []) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(document: Json, field: Json) -> str:
    if "anyOf" in field:
        return " or ".join(_type(document, part) for part in field["anyOf"])
    for name in _references(field):
        return " or ".join(f"`{word}`" for word in document["components"]["schemas"][name].get("enum", (name,)))
    if field.get("type") == "array":
        return f"list of {_type(document, field['items'])}"
    return str(field.get("format", field.get("type", "")))
