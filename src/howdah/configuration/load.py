"""Where do an agent's settings come from? The file, then the environment over it; aliases below both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from howdah.configuration.aliases import from_aliases
from howdah.configuration.environment import from_environment
from howdah.configuration.faults import Fault, SettingsRefused, checked, origin_of
from howdah.configuration.keys import keys_of
from howdah.configuration.relations import Refusal, agent_faults, nothing_refused
from howdah.configuration.schema import AgentSettings
from howdah.configuration.source import Source, merged, read_secret_files
from howdah.configuration.yamlfile import read_yaml


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
    keys = tuple(keys_of(AgentSettings))
    aliases, notes = from_aliases(environment)
    written = Source(read_yaml(file), {(): str(file)}) if file else Source({})
    variables = from_environment(environment, keys)
    sources = (aliases, written, variables)
    for source in sources:
        read_secret_files(source, keys)
    whole = merged(sources)
    settings = checked(AgentSettings, whole.document, whole.origins)
    faults = [
        Fault(fault.key, fault.sentence, origin_of(tuple(fault.key.split(".")), whole.origins))
        for fault in agent_faults(settings, refusal)
    ]
    if faults:
        raise SettingsRefused(faults)
    return Loaded(settings, notes)
