"""Where do a router's settings come from? The file, and the environment over it.

Apart from what agents load: a router's settings bring its rooms along, and an agent has no use for 2 MB of them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from howdah.configuration.keys import fields_of, keys_of
from howdah.configuration.load import read_settings, refuse
from howdah.configuration.pgpoolaliases import from_pgpool
from howdah.configuration.router import RouterSettings
from howdah.configuration.routerrelations import router_faults
from howdah.configuration.schema import AgentSettings
from howdah.configuration.yamlfile import read_yaml


def load_router(file: Path | None, environment: Mapping[str, str]) -> RouterSettings:
    """Read, check and relate one router's settings; `HOWDAH_...` variables win over the file, that over the `PGPOOL_*`
    aliases. Raises SettingsRefused."""
    settings, whole = read_settings(RouterSettings, file, environment, from_pgpool(environment)[0])
    refuse(router_faults(settings), whole)
    return settings


def router_notes(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Sentences for the log: which `PGPOOL_*` variables are ignored, and why."""
    return from_pgpool(environment)[1]


def is_for_router(file: Path, environment: Mapping[str, str]) -> bool:
    """Whether a file is a router's: it has keys, and neither it nor the environment has one that only agents have.
    Raises SettingsRefused if it cannot be read."""
    written = set(read_yaml(file)) | {path[0] for path in _named_in(environment)}
    return bool(written) and not written & (set(fields_of(AgentSettings)) - set(fields_of(RouterSettings)))


def _named_in(environment: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for key in keys_of(AgentSettings):
        if key.variable in environment:
            yield key.path
