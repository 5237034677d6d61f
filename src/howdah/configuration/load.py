"""Where do an agent's settings come from? The file, then the environment over it; aliases below both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from howdah.configuration.aliases import from_aliases
from howdah.configuration.environment import from_environment
from howdah.configuration.faults import Fault, SettingsRefused, checked, origin_of
from howdah.configuration.keys import keys_of
from howdah.configuration.relations import Refusal, agent_faults, nothing_refused
from howdah.configuration.schema import AgentSettings
from howdah.configuration.source import Source, merged, read_secret_files
from howdah.configuration.yamlfile import read_yaml

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that may be used; `notes` are sentences for the log (aliases that were ignored, and why)."""

    settings: AgentSettings
    notes: tuple[str, ...] = ()


def load_agent(file: Path | None, environment: Mapping[str, str], refusal: Refusal = nothing_refused) -> Loaded:
    """Read, check and relate one agent's settings.

    `HOWDAH_...` variables win over the file, the file over the `REPMGR_*`/`POSTGRESQL_*` aliases. `refusal` says why a
    PostgreSQL setting may not be set. Raises SettingsRefused with everything that is wrong.
    """
    aliases, notes = from_aliases(environment)
    settings, whole = read_settings(AgentSettings, file, environment, aliases)
    refuse(agent_faults(settings, refusal), whole)
    return Loaded(settings, notes)


def read_settings(
    model: type[M], file: Path | None, environment: Mapping[str, str], *below: Source
) -> tuple[M, Source]:
    """The settings of one process, and where each came from; sources `below` the file count least. Raises
    SettingsRefused."""
    keys = tuple(keys_of(model))
    written = Source(read_yaml(file), {(): str(file)}) if file else Source({})
    sources = (*below, written, from_environment(environment, keys))
    for source in sources:
        read_secret_files(source, keys)
    whole = merged(sources)
    return checked(model, whole.document, whole.origins), whole


def refuse(found: Iterable[Fault], whole: Source) -> None:
    """Raise SettingsRefused if anything was found; each fault is told with where its key was written."""
    faults = [
        Fault(fault.key, fault.sentence, origin_of(tuple(fault.key.split(".")), whole.origins)) for fault in found
    ]
    if faults:
        raise SettingsRefused(faults)
