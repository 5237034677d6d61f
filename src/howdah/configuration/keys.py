"""Which keys has a section, how are they called in YAML and in the environment, and which key was meant?"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

PREFIX = "HOWDAH_"
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `free` marks a map whose own keys are not known beforehand (PostgreSQL's settings)."""

    path: Path
    field: FieldInfo
    required: bool
    secret: bool
    free: bool
    variant: str = ""  # of which kind of a closed union ("etcd")

    @property
    def dotted(self) -> str:
        """As errors and `howdah config set` call it: "node.tags.priority"."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """As the environment calls it: "HOWDAH_NODE__TAGS__PRIORITY"."""
        return PREFIX + "__".join(self.path).upper()


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A section's fields by their names in YAML."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def sections_in(field: FieldInfo) -> tuple[type[BaseModel], ...]:
    """The sections that a field holds: one, several for a closed union, none for a plain value."""
    candidates = (field.annotation, *get_args(field.annotation))
    return tuple(part for part in candidates if isinstance(part, type) and issubclass(part, BaseModel))


def is_secret(field: FieldInfo) -> bool:
    """Whether the value must never be shown."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def kind_of(field: FieldInfo) -> str:
    """What may be written there, in a few words: "duration", "`text` or `json`", "path"."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "kind" in extra:
        return str(extra["kind"])
    choices = [field.annotation, *get_args(field.annotation)]
    literal = next((choice for choice in choices if get_origin(choice) is Literal), None)
    if literal is not None:
        return " or ".join(f"`{value}`" for value in get_args(literal))
    if is_secret(field):
        return "secret"
    names = {bool: "`true` or `false`", int: "whole number", float: "number", FilePath: "path"}
    return next((text for kind, text in names.items() if kind in choices), "text")


def tag_of(section: type[BaseModel]) -> str:
    """The `kind` of a member of a closed union; "" if it is none."""
    kind = section.model_fields.get("kind")
    return str(get_args(kind.annotation)[0]) if kind and get_origin(kind.annotation) is Literal else ""


def keys_of(model: type[BaseModel], above: Path = (), variant: str = "") -> Iterator[Key]:
    """Every key that holds a value, in the order of the schema."""
    for name, field in fields_of(model).items():
        sections = sections_in(field)
        for section in sections:
            yield from keys_of(section, (*above, name), tag_of(section))
        if not sections:
            free = get_origin(field.annotation) is dict
            yield Key((*above, name), field, field.is_required(), is_secret(field), free, variant)


def elsewhere(word: str, model: type[BaseModel], path: Path) -> str:
    """The key or section of this name in another place: "node.tags.priority", "store.prefix of kind etcd"; or ""."""
    for key in keys_of(model):
        for length in range(1, len(key.path) + 1):
            found = key.path[:length]
            if found[-1] == word and (found != path or (key.variant and length == len(key.path))):
                return ".".join(found) + (f" of kind {key.variant}" if key.variant and found == path else "")
    return ""


def section_at(model: type[BaseModel], location: Iterable[int | str]) -> tuple[Path, type[BaseModel] | None]:
    """Translate a pydantic location: the path without union tags, and the section it ends in (None: a value)."""
    path: list[str] = []
    section: type[BaseModel] | None = model
    choices: tuple[type[BaseModel], ...] = ()
    for step in location:
        tagged = next((choice for choice in choices if tag_of(choice) == step), None)
        if tagged:
            section, choices = tagged, ()
            continue
        path.append(str(step))
        field = fields_of(section).get(str(step)) if section else None
        found = sections_in(field) if field else ()
        section = found[0] if len(found) == 1 else None
        choices = found if len(found) > 1 else ()
    return tuple(path), section


def meant(word: str, known: Iterable[str]) -> str:
    """ " (did you mean X?)" if a known word is near, else ""."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def without_unknown(document: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """The document without the keys that this version does not know; deeper sections too, unions excepted."""
    known: dict[str, Any] = {}
    for name, field in fields_of(model).items():
        if name in document:
            value = document[name]
            sections = sections_in(field)
            deeper = len(sections) == 1 and isinstance(value, Mapping)
            known[name] = without_unknown(value, sections[0]) if deeper else value
    return known
