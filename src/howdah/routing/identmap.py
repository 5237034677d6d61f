"""May an account of the operating system, or the name in a certificate, log in as this role?

Without a map it has to be the role's own name. A map is lines as in pg_ident.conf: map, system user ("/..." is a
regular expression), role (`all`, `+role` and "/..." as PostgreSQL 16 has them; \\1 is what the expression caught).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from howdah.routing.credentials import NAME_BYTES_MAX, bytes_in
from howdah.routing.hbatokens import Field, Item, RuleFault, compiled, each_line

SYSTEM_NAME_BYTES_MAX = 1024
"""A distinguished name is longer than a role's; nobody's is longer than this."""


@dataclass(frozen=True, slots=True)
class _Mapping:
    map_name: str
    system: Item
    system_pattern: re.Pattern[str] | None
    role: Item
    role_pattern: re.Pattern[str] | None


class IdentMaps:
    """All maps."""

    def __init__(self, mappings: Sequence[_Mapping] = ()) -> None:
        self._mappings = tuple(mappings)

    @property
    def names(self) -> frozenset[str]:
        """The maps that there are."""
        return frozenset(mapping.map_name for mapping in self._mappings)

    def allow(self, map_name: str, system_user: str, role: str, member_of: frozenset[str] = frozenset()) -> bool:
        """Whether `system_user` may be `role`; `map_name` "" is no map."""
        if not system_user or bytes_in(system_user) > SYSTEM_NAME_BYTES_MAX or bytes_in(role) > NAME_BYTES_MAX:
            return False
        if not map_name:
            return system_user == role
        return any(
            _allows(mapping, system_user, role, member_of) for mapping in self._mappings if mapping.map_name == map_name
        )


def parse_maps(lines: Sequence[str]) -> IdentMaps:
    """From the settings. Raises RuleFault."""
    return IdentMaps(each_line(lines, "identity map", _mapping))


def _mapping(line: str, fields: list[Field]) -> _Mapping:
    if len(fields) != 3 or any(len(items) != 1 for items in fields):
        raise RuleFault(f"{line!r} must be three words: map, system user, role")
    map_name, system, role = (items[0] for items in fields)
    system_pattern = None if system.pattern is None else compiled(system.pattern, line)
    if "\\1" in role.text and (system_pattern is None or not system_pattern.groups):
        raise RuleFault(f"{line!r}: \\1 needs an expression with a group as the system user")
    role_pattern = None if role.pattern is None or "\\1" in role.text else compiled(role.pattern, line)
    return _Mapping(map_name.text, system, system_pattern, role, role_pattern)


def _allows(mapping: _Mapping, system_user: str, role: str, member_of: frozenset[str]) -> bool:
    wanted = mapping.role.text
    if mapping.system_pattern is None:
        if mapping.system.text != system_user:
            return False
    else:
        found = mapping.system_pattern.search(system_user)
        if found is None:
            return False
        if "\\1" in wanted:
            return wanted.replace("\\1", found[1] or "", 1) == role
    if mapping.role.is_word("all"):
        return True
    if wanted.startswith("+") and not mapping.role.quoted:
        return role == wanted[1:] or wanted[1:] in member_of
    if mapping.role_pattern is not None:
        return mapping.role_pattern.search(role) is not None
    return wanted == role
