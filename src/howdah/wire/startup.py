"""What does a client say first?

Packets of the startup have a length and a code, and no type byte. A client may ask for TLS, then for GSS encryption,
or begin TLS directly; then comes its StartupMessage, or a CancelRequest and nothing else.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from howdah.wire import codes
from howdah.wire.fields import Reader, bytes_of, cstring, int32, text_of
from howdah.wire.sqlstate import FEATURE_NOT_SUPPORTED, INVALID_AUTHORIZATION, INVALID_PARAMETER_VALUE
from howdah.wire.violation import ProtocolViolation

STARTUP_MAX_BYTES: Final = 10_000
"""PostgreSQL's limit for the packet after its length (MAX_STARTUP_PACKET_LENGTH). It bounds what a stranger can make
us keep; nothing longer is collected."""
PARAMETERS_MAX: Final = 1_000
"""More parameters than any driver sends; 5,000 would fit into the packet, and each costs an object."""
NEED_MORE: Final = 0

KEY_MIN_BYTES: Final = 4
KEY_MAX_BYTES: Final = 256
"""A cancel key of protocol 3.2; that of 3.0 has exactly KEY_MIN_BYTES."""


class Opening(Enum):
    """Requests for encryption, which say nothing else."""

    SSL = codes.SSL_REQUEST
    GSS = codes.GSSENC_REQUEST


class Replication(Enum):
    """Whether the client wants a WAL sender."""

    NO = "no"
    PHYSICAL = "physical"
    LOGICAL = "database"


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Which session's statement to cancel."""

    process: int
    key: bytes


@dataclass(frozen=True, slots=True)
class StartupMessage:
    """Who wants to log in. `parameters` in the order sent, with duplicates; the names of PostgreSQL and of `_pq_.`."""

    major: int
    minor: int
    parameters: tuple[tuple[str, str], ...]

    def get(self, name: str, default: str = "") -> str:
        """A parameter's value: of several with this name the last one, as PostgreSQL takes it."""
        for key, value in reversed(self.parameters):
            if key == name:
                return value
        return default

    @property
    def user(self) -> str:
        """The user, never empty."""
        return self.get("user")

    @property
    def database(self) -> str:
        """The database, which is the user's namesake if none was named."""
        return self.get("database") or self.user

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """Those parameters that are settings of the session, without the ones that the protocol itself knows."""
        return tuple(
            (name, value)
            for name, value in self.parameters
            if name not in ("user", "database", "options", "replication") and not name.startswith("_pq_.")
        )

    @property
    def extensions(self) -> tuple[str, ...]:
        """The protocol's extensions that the client asks for, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.parameters if name.startswith("_pq_.")))

    @property
    def replication(self) -> Replication:
        """Whether it wants a WAL sender. Raises ProtocolViolation for a value that is neither."""
        word = self.get("replication", "false").lower()
        if word == "database":
            return Replication.LOGICAL
        wanted = _boolean(word)
        if wanted is None:
            raise ProtocolViolation(
                f'invalid value for parameter "replication": "{word}"',
                INVALID_PARAMETER_VALUE,
                hint='Valid values are: "false", 0, "true", 1, "database".',
            )
        return Replication.PHYSICAL if wanted else Replication.NO


Packet = Opening | CancelRequest | StartupMessage


def packet_end(data: bytes) -> int:
    """Where the packet at the beginning of `data` ends; NEED_MORE while its length has not come or it is not whole.

    Raises ProtocolViolation as soon as the length cannot be right, before anything is collected for it. TLS is no
    packet: compare the first byte with `codes.TLS_HANDSHAKE` before."""
    if len(data) < 4:
        return NEED_MORE
    length = int.from_bytes(data[:4], "big")
    if length < 8 or length - 4 > STARTUP_MAX_BYTES:
        hint = (
            "Is the client's server address that of an HTTP service?" if data[:4] in (b"GET ", b"POST", b"HEAD") else ""
        )
        raise ProtocolViolation("invalid length of startup packet", hint=hint)
    return length if len(data) >= length else NEED_MORE


def read_packet(packet: bytes) -> Packet:
    """A whole packet, as `packet_end` cut it. Raises ProtocolViolation."""
    reader = Reader(packet, 4, len(packet))
    code = reader.uint32()
    if code == codes.CANCEL_REQUEST:
        return _read_cancel(reader)
    if code in (codes.SSL_REQUEST, codes.GSSENC_REQUEST):
        reader.finish()
        return Opening(code)
    return _read_startup(code >> 16, code & 0xFFFF, reader)


def _read_cancel(reader: Reader) -> CancelRequest:
    process = reader.int32()
    key = reader.rest()
    if not KEY_MIN_BYTES <= len(key) <= KEY_MAX_BYTES:
        raise ProtocolViolation("invalid length of query cancel packet")
    return CancelRequest(process, key)


def _read_startup(major: int, minor: int, reader: Reader) -> StartupMessage:
    if major != 3:
        raise ProtocolViolation(
            f"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{codes.NEWEST_MINOR}",
            FEATURE_NOT_SUPPORTED,
        )
    parameters: list[tuple[str, str]] = []
    while name := reader.string():
        parameters.append((text_of(name), text_of(reader.string())))
        if len(parameters) > PARAMETERS_MAX:
            raise ProtocolViolation(f"more than {PARAMETERS_MAX} parameters in the startup packet")
    try:
        reader.finish()
    except ProtocolViolation as fault:
        raise ProtocolViolation("invalid startup packet layout: expected terminator as last byte") from fault
    message = StartupMessage(major, minor, tuple(parameters))
    if not message.user:
        raise ProtocolViolation("no PostgreSQL user name specified in startup packet", INVALID_AUTHORIZATION)
    return message


def _boolean(word: str) -> bool | None:
    """PostgreSQL's parse_bool: unique beginnings of the words count."""
    if word in ("1", "on") or (word and ("true".startswith(word) or "yes".startswith(word))):
        return True
    if word in ("0", "of", "off") or (word and ("false".startswith(word) or "no".startswith(word))):
        return False
    return None


def startup_message(parameters: tuple[tuple[str, str], ...], minor: int = 0) -> bytes:
    """A StartupMessage of protocol 3.`minor`. Raises ProtocolViolation if it would be over PostgreSQL's limit."""
    fields = b"".join(cstring(bytes_of(name)) + cstring(bytes_of(value)) for name, value in parameters)
    if any(not name for name, _ in parameters):
        raise ProtocolViolation("a startup parameter without a name")
    return _packet(3 << 16 | minor, fields + b"\0")


def cancel_request(process: int, key: bytes) -> bytes:
    """A CancelRequest with a key of either version."""
    return _packet(codes.CANCEL_REQUEST, int32(process) + _checked(key))


def opening(wanted: Opening) -> bytes:
    """An SSLRequest or a GSSENCRequest."""
    return _packet(wanted.value, b"")


def _packet(code: int, body: bytes) -> bytes:
    if len(body) + 4 > STARTUP_MAX_BYTES:
        raise ProtocolViolation(f"a startup packet of {len(body) + 4} bytes; servers take {STARTUP_MAX_BYTES}")
    return (len(body) + 8).to_bytes(4, "big") + code.to_bytes(4, "big") + body


def _checked(key: bytes) -> bytes:
    if not KEY_MIN_BYTES <= len(key) <= KEY_MAX_BYTES:
        raise ProtocolViolation(f"a cancel key of {len(key)} bytes, not {KEY_MIN_BYTES} to {KEY_MAX_BYTES}")
    return key
