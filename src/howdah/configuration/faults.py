"""What is wrong with settings, said so that the key, the value and the mend are named?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from howdah.configuration.keys import Path, elsewhere, fields_of, keys_of, kind_of, meant, section_at

VALUE_LETTERS_MAX = 60
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `key` is dotted ("" for the whole file), `where` the file or variable it came from."""

    key: str
    sentence: str
    where: str = ""

    def __str__(self) -> str:
        place = f" (from {self.where})" if self.where else ""
        return f"{self.key} {self.sentence}{place}" if self.key else f"{self.sentence}{place}"


class SettingsRefused(ValueError):
    """Settings that cannot be used; nothing was changed. `faults` has everything that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def checked(model: type[M], document: Mapping[str, Any], origins: Mapping[Path, str] | None = None) -> M:
    """The document as settings. Raises SettingsRefused with every fault; `origins` says where values came from."""
    try:
        return model.model_validate(document)
    except ValidationError as broken:
        raise SettingsRefused(_faults_in(broken, model, origins or {})) from None


def origin_of(path: Path, origins: Mapping[Path, str]) -> str:
    """Where a key's value came from; for a key without a value, where its section did."""
    for length in range(len(path), -1, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return ""


def _faults_in(broken: ValidationError, model: type[BaseModel], origins: Mapping[Path, str]) -> Iterable[Fault]:
    secrets = {key.path for key in keys_of(model) if key.secret}
    for error in broken.errors(include_url=False):
        path, _ = section_at(model, error["loc"])
        shown = "(hidden)" if path in secrets else _shown(error["input"])
        sentence = _sentence(error, model, shown)
        yield Fault(".".join(path), sentence, origin_of(path, origins))


def _shown(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return ""
    text = repr(value)
    return text if len(text) <= VALUE_LETTERS_MAX else text[:VALUE_LETTERS_MAX] + "..."


def _sentence(error: ErrorDetails, model: type[BaseModel], shown: str) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return _unknown(error["loc"], model)
        case "missing":
            return f"is required{_described(error['loc'], model)}"
        case "union_tag_not_found":
            return f"needs {str(context['discriminator']).strip(chr(39))}: one of {_tags(error['loc'], model)}"
        case "union_tag_invalid":
            return f"has kind {context['tag']!r}; it must be one of {context['expected_tags']}"
        case "literal_error" | "enum":
            return f"is {shown}; it must be {context['expected']}"
        case "value_error":
            return f"is {shown}: {context['error']}" if shown else f"is refused: {context['error']}"
        case "string_type" if isinstance(error["input"], bool | int | float):
            return (
                f"is {shown}; it must be text; YAML reads bare yes, no, on, off and numbers as something else: quote it"
            )
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"is {shown or 'a list'}; it must be a section with keys of its own"
        case "invalid_key":
            return "is no key: keys are text"
        case "too_short" | "string_too_short":
            return "must not be empty"
        case "greater_than_equal":
            return f"is {shown}; it must be at least {context['ge']}"
        case "less_than_equal":
            return f"is {shown}; it must be at most {context['le']}"
        case _:
            return f"is {shown or 'a list or a section'}; it must be {_kind(error['loc'], model)}"


def _kind(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """What may stand there; inside of a list or map: text."""
    _, section = section_at(model, location[:-1])
    field = fields_of(section).get(str(location[-1])) if section else None
    kind = kind_of(field) if field else "text"
    return kind if kind.startswith("`") else f"a {kind}"


def _unknown(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Names what was probably meant: a neighbour, or a key of this name elsewhere."""
    path, _ = section_at(model, location)
    _, section = section_at(model, location[:-1])
    parent = section or model
    word = str(location[-1])
    allowed = list(fields_of(parent))
    hint = meant(word, allowed)
    if not hint:
        there = elsewhere(word, model, path)
        hint = f"; did you mean {there!r}?" if there else ""
    return f"is no setting{hint} (allowed here: {', '.join(allowed)})"


def _described(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    _, section = section_at(model, location[:-1])
    field = fields_of(section).get(str(location[-1])) if section else None
    return f": {field.description}" if field and field.description else ""


def _tags(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    kinds = [key.variant for key in keys_of(model) if key.path[:-1] == section_at(model, location)[0]]
    return ", ".join(dict.fromkeys(kinds))
