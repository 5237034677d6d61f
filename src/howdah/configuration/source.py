"""What does one source (the file, the environment, the aliases) set, and how do sources add up?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from howdah.configuration.faults import Fault, SettingsRefused
from howdah.configuration.keys import Key, Path


@dataclass(slots=True)
class Source:
    """A document, and where each of its values came from (the path () stands for all of it)."""

    document: dict[str, Any]
    origins: dict[Path, str] = field(default_factory=dict)

    def set(self, path: Path, value: Any, origin: str) -> None:
        """Put one value in, making the sections above it."""
        section = self.document
        for step in path[:-1]:
            section = section.setdefault(step, {})
        section[path[-1]] = value
        self.origins[path] = origin


def get(document: Mapping[str, Any], path: Path) -> Any:
    """The value at a path; None if there is none."""
    value: Any = document
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def merged(sources: Iterable[Source]) -> Source:
    """All sources in one; later ones win."""
    whole = Source({})
    for source in sources:
        for path in [path for path in whole.origins if path and get(source.document, path) is not None]:
            del whole.origins[path]
        whole.document = _over(whole.document, source.document)
        whole.origins |= source.origins
    return whole


def _over(lower: dict[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    kinds = (lower.get("kind"), upper.get("kind"))
    if None not in kinds and kinds[0] != kinds[1]:  # another member of a closed union: nothing of the old one fits
        return dict(upper)
    result = dict(lower)
    for name, value in upper.items():
        below = result.get(name)
        result[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return result


def read_secret_files(source: Source, keys: Iterable[Key]) -> None:
    """Replace each secret's `..._file` by the file's text without its last newline. Raises SettingsRefused."""
    faults = []
    for key in keys:
        file_path = (*key.path[:-1], f"{key.path[-1]}_file")
        section, name = get(source.document, key.path[:-1]), file_path[-1]
        if not key.secret or not isinstance(section, dict) or section.get(name) is None:
            continue
        origin = source.origins.get(file_path) or source.origins.get((), "")
        file = section.pop(name)
        if key.path[-1] in section:
            faults.append(Fault(key.dotted, f"is given twice: as {key.path[-1]} and as {name}; keep one", origin))
            continue
        try:
            text = FilePath(str(file)).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as broken:
            why = broken.strerror if isinstance(broken, OSError) else "it is not UTF-8 text"
            faults.append(Fault(".".join(file_path), f"is {str(file)!r}, which cannot be read: {why}", origin))
            continue
        if not text:
            faults.append(Fault(".".join(file_path), f"is {str(file)!r}, which is empty", origin))
            continue
        source.set(key.path, text, origin)
    if faults:
        raise SettingsRefused(faults)
