"""What does a settings file say? YAML, with each key once."""

from pathlib import Path
from typing import Any

import yaml

from howdah.configuration.faults import Fault, SettingsRefused


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: plain YAML takes the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name!r} is there twice: in line {seen[name]} and again", key.start_mark
                )
            seen[name] = line
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """The document; empty text is an empty one. Raises SettingsRefused with file, line and column."""
    try:
        document = yaml.load(text, _Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        raise SettingsRefused([Fault("", f"not readable as YAML: {broken.problem}", place)]) from None
    except yaml.YAMLError as broken:
        raise SettingsRefused([Fault("", f"not readable as YAML: {broken}", where)]) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsRefused([Fault("", f"must be a map of keys, not a {type(document).__name__}", where)])
    return _without_empty(document)


def _without_empty(section: dict[str, Any]) -> dict[str, Any]:
    """A key with nothing after its colon (all lines below are comments, say) has its default."""
    return {
        name: _without_empty(value) if isinstance(value, dict) else value
        for name, value in section.items()
        if value is not None
    }


def read_yaml(file: Path) -> dict[str, Any]:
    """The same from a file. Raises SettingsRefused, also when it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as broken:
        raise SettingsRefused([Fault("", f"cannot be read: {broken.strerror}", str(file))]) from None
    except UnicodeDecodeError:
        raise SettingsRefused([Fault("", "is not UTF-8 text", str(file))]) from None
    return parse_yaml(text, str(file))
