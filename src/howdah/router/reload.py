"""What of a router's settings can be changed while it runs?"""

from typing import Any, Final

from howdah.configuration.router import RouterSettings

FIXED: Final = (
    ("cluster",),
    ("workers",),
    ("listen",),
    ("store",),
    ("agents",),
    ("health",),
    ("knowledge", "poll_interval_ms"),
    ("knowledge", "store_timeout_ms"),
    ("secrets", "router"),
    ("tls", "servers"),
    ("routing", "cache_bytes"),
)
"""What another process has to begin with: where it listens, whom it asks, and what is built once. (The certificates'
files are read again all the same; see router/tls.py.)"""


def renewed(old: RouterSettings, new: RouterSettings) -> tuple[RouterSettings, tuple[str, ...]]:
    """The new settings as far as they can be taken up, and the names of those that were changed and cannot."""
    kept: list[str] = []
    for path in FIXED:
        before, after = _at(old, path), _at(new, path)
        if before != after:
            kept += [".".join((*path, *below)) for below in _differences(before, after)]
            new = _with(new, path, before)
    return new, tuple(_told(old, name) for name in kept)


def _at(settings: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        settings = getattr(settings, name)
    return settings


def _with(settings: Any, path: tuple[str, ...], value: Any) -> Any:
    first, *rest = path
    inner = _with(getattr(settings, first), tuple(rest), value) if rest else value
    return settings.model_copy(update={first: inner})


def _differences(before: Any, after: Any) -> list[tuple[str, ...]]:
    """Which parts differ; the whole if it has no parts that can be compared."""
    if type(before) is not type(after) or not hasattr(type(before), "model_fields"):
        return [()]
    found: list[tuple[str, ...]] = []
    for name in type(before).model_fields:
        if getattr(before, name) != getattr(after, name):
            found += [(name, *below) for below in _differences(getattr(before, name), getattr(after, name))]
    return found


def _told(settings: RouterSettings, dotted: str) -> str:
    """As it is written in the file: durations have no unit in their names there."""
    names = dotted.split(".")
    section: Any = settings
    for place, name in enumerate(names):
        field = type(section).model_fields.get(name) if hasattr(type(section), "model_fields") else None
        if field is not None and field.alias:
            names[place] = field.alias
        section = getattr(section, name, None)
    return ".".join(names)


def changeable(key: str) -> bool:
    """Whether a setting, by its name in the file, is taken up by a reload."""
    fixed = ".".join
    return not any(key == fixed(path) or key.startswith(fixed(path) + ".") for path in _WRITTEN)


_WRITTEN: Final = tuple(tuple(name.removesuffix("_ms") for name in path) for path in FIXED)
"""As in the file, where durations have no unit in their names."""
