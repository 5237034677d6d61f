"""How is the parser's tree read, field by field, with types?

The tree is libpg_query's JSON: a node in a place that can hold any kind is `{"SelectStmt": {...}}`, one whose kind is
fixed by its place is just `{...}`; zeros, false and absent things are left out.
"""

from collections.abc import Iterator
from typing import TypeAlias

Node: TypeAlias = dict[str, object]
"""The fields of one node."""

NO_FIELDS: Node = {}


def child(node: Node, key: str) -> Node:
    """The node in a field; empty if there is none."""
    value = node.get(key)
    return value if isinstance(value, dict) else NO_FIELDS


def items(node: Node, key: str) -> list[object]:
    """The list in a field; empty if there is none."""
    value = node.get(key)
    return value if isinstance(value, list) else []


def text(node: Node, key: str) -> str:
    """The string in a field; empty if there is none."""
    value = node.get(key)
    return value if isinstance(value, str) else ""


def number(node: Node, key: str) -> int:
    """The integer in a field; 0 if there is none."""
    value = node.get(key)
    return value if isinstance(value, int) else 0


def flag(node: Node, key: str) -> bool:
    """The boolean in a field; False if there is none."""
    return node.get(key) is True


def tagged(value: object) -> tuple[str, Node]:
    """Kind and fields of a node that carries its kind; ("", {}) if it does not look like one."""
    if isinstance(value, dict) and len(value) == 1:
        for tag, fields in value.items():
            if isinstance(tag, str) and isinstance(fields, dict):
                return tag, fields
    return "", NO_FIELDS


def of_kind(values: list[object], kind: str) -> Iterator[Node]:
    """The fields of those nodes of a list that are of one kind."""
    for value in values:
        tag, fields = tagged(value)
        if tag == kind:
            yield fields


def strings(values: list[object]) -> list[str]:
    """The texts of a list of String nodes: a qualified name."""
    return [text(fields, "sval") for fields in of_kind(values, "String")]


def qualified(values: list[object]) -> tuple[str, str]:
    """(schema, name) of a name as a list of String nodes; a catalog in front of both is dropped."""
    parts = strings(values)
    if not parts:
        return "", ""
    return (parts[-2] if len(parts) > 1 else ""), parts[-1]


def constant(value: object) -> str | None:
    """A literal as text, looking through casts such as 'x'::text; None for NULL and whatever is no literal."""
    tag, fields = tagged(value)
    while tag == "TypeCast":
        tag, fields = tagged(fields.get("arg"))
    if tag == "String":
        return text(fields, "sval")
    if tag == "Integer":
        return str(number(fields, "ival"))
    if tag == "Float":
        return text(fields, "fval")
    if tag == "Boolean":
        return "true" if flag(fields, "boolval") else "false"
    if tag != "A_Const" or flag(fields, "isnull"):
        return None
    if "ival" in fields:
        return str(number(child(fields, "ival"), "ival"))
    if "fval" in fields:
        return text(child(fields, "fval"), "fval")
    if "boolval" in fields:
        return "true" if flag(child(fields, "boolval"), "boolval") else "false"
    if "sval" in fields:
        return text(child(fields, "sval"), "sval")
    return None


_TRUE = frozenset(("true", "on", "yes", "1", "t", "y"))
_FALSE = frozenset(("false", "off", "no", "0", "f", "n"))


def boolean(word: str | None) -> bool | None:
    """A boolean as PostgreSQL's options spell it (unique prefixes not, except one letter); None if it is none."""
    if word is None:
        return None
    word = word.lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None
