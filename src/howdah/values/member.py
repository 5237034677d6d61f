"""Who is a server: its name, and the identity of the data directory behind the name."""

import re
from dataclasses import dataclass

NAME_BYTES_MAX = 40
"""A name becomes `name.t<term>` in synchronous_standby_names and `howdah_<name>` as a slot. PostgreSQL cuts
application names at 63 bytes without a word, and the term would be lost: 40 leaves room for both."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A name and a data directory's id. A new disk under an old name is another member (IDENTITY)."""

    name: str
    id: str

    def __str__(self) -> str:
        return self.name


def check_name(name: str) -> str:
    """Return the name, or raise ValueError that says what a node may be called."""
    if not _NAME.fullmatch(name) or len(name) > NAME_BYTES_MAX:
        raise ValueError(
            f"{name!r} cannot name a node: a lower-case letter, then lower-case letters, digits or '-', "
            f"at most {NAME_BYTES_MAX} in all"
        )
    return name


def slot_name(name: str) -> str:
    """The physical replication slot of the node with this name (slots know no '-')."""
    return "howdah_" + name.replace("-", "_")
