"""Which version do both sides speak, and what is said after the login?

A client that asks for a newer minor version, or for extensions nobody knows, is told once what it can have; it may
then go on with that. libpq also asks for 3.9999 on purpose, to find whoever agrees to everything.
"""

from dataclasses import dataclass

from howdah.wire import codes
from howdah.wire.fields import Reader, bytes_of, cstring, int32, message, text_of, uint32
from howdah.wire.startup import KEY_MAX_BYTES, KEY_MIN_BYTES, StartupMessage
from howdah.wire.violation import ProtocolViolation


@dataclass(frozen=True, slots=True)
class Negotiation:
    """NegotiateProtocolVersion: the newest version we speak with this client, and the extensions we do not know."""

    minor: int
    unknown: tuple[str, ...]


def negotiate(startup: StartupMessage) -> tuple[int, Negotiation | None]:
    """The minor version to speak with this client, and what it has to be told (once), if anything."""
    minor = min(startup.minor, codes.NEWEST_MINOR)
    unknown = startup.extensions
    return minor, Negotiation(minor, unknown) if unknown or minor < startup.minor else None


def cancel_key_bytes(minor: int) -> int:
    """How long a cancel key may be at most with a client of this version."""
    return KEY_MAX_BYTES if minor >= 2 else KEY_MIN_BYTES


def negotiate_protocol_version(negotiation: Negotiation) -> bytes:
    """The message that tells a client."""
    names = b"".join(cstring(bytes_of(name)) for name in negotiation.unknown)
    return message(codes.NEGOTIATE, uint32(3 << 16 | negotiation.minor) + int32(len(negotiation.unknown)) + names)


def read_negotiation(data: bytes, start: int, end: int) -> Negotiation:
    """What a server tells us. Raises ProtocolViolation, also for a version that is no minor version of 3."""
    reader = Reader(data, start + 5, end)
    version = reader.uint32()
    count = reader.int32()
    if version >> 16 != 3:
        raise ProtocolViolation(f"the server offers protocol {version >> 16}.{version & 0xFFFF}")
    if not 0 <= count <= end - start:
        raise ProtocolViolation(f"the server refuses {count} protocol extensions")
    unknown = tuple(text_of(reader.string()) for _ in range(count))
    reader.finish()
    return Negotiation(version & 0xFFFF, unknown)


def backend_key_data(process: int, key: bytes) -> bytes:
    """BackendKeyData: what the client needs for a CancelRequest; four bytes of key unless it speaks 3.2."""
    if not KEY_MIN_BYTES <= len(key) <= KEY_MAX_BYTES:
        raise ProtocolViolation(f"a cancel key of {len(key)} bytes, not {KEY_MIN_BYTES} to {KEY_MAX_BYTES}")
    return message(codes.BACKEND_KEY_DATA, int32(process) + key)


def read_backend_key_data(data: bytes, start: int, end: int) -> tuple[int, bytes]:
    """(process, key). Raises ProtocolViolation."""
    reader = Reader(data, start + 5, end)
    process = reader.int32()
    key = reader.rest()
    if not KEY_MIN_BYTES <= len(key) <= KEY_MAX_BYTES:
        raise ProtocolViolation(f"the server's cancel key has {len(key)} bytes")
    return process, key
