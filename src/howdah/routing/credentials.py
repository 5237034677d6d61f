"""What is known of a role that wants in, and with what can the router log in to servers in its name?"""

from dataclasses import dataclass, field
from typing import Final

from howdah.wire.md5 import is_md5_verifier
from howdah.wire.scram import Keys, Verifier, parse_verifier
from howdah.wire.violation import ProtocolViolation

NAME_BYTES_MAX: Final = 63
"""No role and no database of PostgreSQL has a longer name."""


def bytes_in(name: str) -> int:
    """How long a name is, also one that is not UTF-8 (wire/fields.py) and can be nobody's."""
    return len(name.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What the servers keep of a role. `verifier` None: it has no password. `seconds_left` until VALID UNTIL, by the
    server's clock; None: for ever. `member_of`: every role that it is in, however far."""

    verifier: str | None = field(repr=False)
    can_login: bool = True
    superuser: bool = False
    replication: bool = False
    seconds_left: float | None = None
    member_of: frozenset[str] = frozenset()

    @property
    def expired(self) -> bool:
        """Whether its password counts no more. It may still log in without one, as with PostgreSQL."""
        return self.seconds_left is not None and self.seconds_left <= 0

    @property
    def scram(self) -> Verifier | None:
        """What SCRAM checks its password with; None if it has none, or only an MD5 hash is kept of it."""
        if self.verifier is None:
            return None
        try:
            return parse_verifier(self.verifier)
        except ProtocolViolation:
            return None

    @property
    def md5(self) -> str | None:
        """The MD5 hash, where only that is kept of its password."""
        return self.verifier if self.verifier is not None and is_md5_verifier(self.verifier) else None


@dataclass(frozen=True, slots=True)
class Password:
    """The password itself."""

    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Md5Hash:
    """What the servers keep, which is all that an MD5 login needs."""

    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoSecret:
    """The client showed who it is in another way (`how`), which the servers cannot check again."""

    how: str


Credentials = Keys | Password | Md5Hash | NoSecret
"""Keys are captured from the client's SCRAM proof: a server that holds the same verifier takes them for the password.
They are good until the password is changed."""
