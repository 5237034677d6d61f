"""Which settings are in the environment? `HOWDAH_NODE__NAME` is `node.name`."""

import re
from collections.abc import Iterable, Mapping

from howdah.configuration.faults import Fault, SettingsRefused
from howdah.configuration.keys import PREFIX, Key, Path, meant
from howdah.configuration.source import Source

NOT_SETTINGS = frozenset(("HOWDAH_CONFIG", "HOWDAH_DATA"))
"""Defaults of command-line options, not settings."""

SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
"""Kubernetes sets such variables for every Service; one that is called "howdah" must not stop an agent."""


def from_environment(environment: Mapping[str, str], keys: Iterable[Key]) -> Source:
    """All `HOWDAH_...` variables. Raises SettingsRefused for names that are no setting."""
    known = tuple(keys)
    source, faults = Source({}), []
    plain = {key.variable: key.path for key in known}
    plain |= {f"{key.variable}_FILE": (*key.path[:-1], f"{key.path[-1]}_file") for key in known if key.secret}
    for variable, value in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        path = plain.get(variable) or _in_a_map(variable, known)
        if path:
            source.set(path, value, variable)
        elif not SERVICE_LINK.fullmatch(variable):
            faults.append(Fault(variable, f"is no setting{meant(variable, plain)}", "the environment"))
    if faults:
        raise SettingsRefused(faults)
    return source


def _in_a_map(variable: str, keys: Iterable[Key]) -> Path | None:
    """`..._PARAMETERS__PGAUDIT__LOG` is the entry "pgaudit.log" of the map `...parameters`."""
    for key in keys:
        if key.free and variable.startswith(f"{key.variable}__"):
            return (*key.path, variable.removeprefix(f"{key.variable}__").lower().replace("__", "."))
    return None
