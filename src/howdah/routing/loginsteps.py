"""What does a login take from its caller, and what does it ask of it?

The words between ClientLogin (login.py) and whoever has the socket.
"""

from dataclasses import dataclass, field
from typing import Literal

from howdah.routing.credentials import Credentials, RoleFacts
from howdah.routing.hba import AccessRules, Ip, Method, Rule
from howdah.routing.identmap import IdentMaps
from howdah.wire.startup import Replication


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """Who the other side is by its certificate, which was checked. "" for a name it has not, or that is ambiguous."""

    common_name: str
    distinguished_name: str = ""


@dataclass(frozen=True, slots=True)
class TlsUp:
    """TLS with the client. `endpoint`: what our certificate binds to (wire/endpoint.py); `peer`: the client's."""

    endpoint: bytes | None = None
    peer: PeerCertificate | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where the client came from: `address` None is the Unix socket, and `account` whose process is at its other end.
    `tls` is there if the connection began with it."""

    address: Ip | None
    account: str = ""
    tls: TlsUp | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say. `tls`: whether it is offered. `mock_secret`: hides who exists; the same for all workers
    and as long as may be."""

    rules: AccessRules
    maps: IdentMaps
    tls: Literal["disable", "allow", "require"]
    mock_secret: bytes = field(repr=False)


# What has to happen next.


@dataclass(frozen=True, slots=True)
class More:
    """Read on."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """Begin TLS, after what is to be sent; then `tls_is_up`."""


@dataclass(frozen=True, slots=True)
class AskRole:
    """Find out about this role; then `role`, or `nobody_knows`."""

    user: str
    database: str


@dataclass(frozen=True, slots=True)
class AskLdap:
    """Have the LDAP server of this rule check the password; then `ldap`."""

    rule: Rule
    user: str
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """Cancel what this key stands for, then close without a word."""

    process: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who it is. `settings`: those of `options`, then those given by name; of two with one name the last counts.
    `rest`: what the client has sent already after its login."""

    user: str
    database: str
    minor: int
    settings: tuple[tuple[str, str], ...]
    replication: Replication
    credentials: Credentials
    method: Method
    role: RoleFacts
    address: Ip | None
    tls: bool
    rest: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Close once everything is sent. `why` is for the log: it may say what the client must not know."""

    why: str


Next = More | StartTls | AskRole | AskLdap | CancelAsked | LoggedIn | Refused


@dataclass(frozen=True, slots=True)
class Step:
    """Send this, then do that."""

    send: bytes
    then: Next
