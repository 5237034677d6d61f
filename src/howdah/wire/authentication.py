"""Which messages does a login consist of?

https://www.postgresql.org/docs/current/protocol-message-formats.html; the calculations are in scram.py and md5.py.
"""

from dataclasses import dataclass
from typing import Final

from howdah.wire import codes
from howdah.wire.fields import Reader, bytes_of, cstring, message, text_of, uint32, value
from howdah.wire.violation import ProtocolViolation

MD5_SALT_BYTES: Final = 4
MECHANISMS_MAX: Final = 16
"""A server offers two or three; more are not believed."""

_OK, _CLEARTEXT, _MD5, _GSS, _GSS_CONTINUE, _SSPI, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 7, 8, 9, 10, 11, 12


@dataclass(frozen=True, slots=True)
class Accepted:
    """AuthenticationOk: the login is done."""


@dataclass(frozen=True, slots=True)
class WantsCleartext:
    """The password as it is."""


@dataclass(frozen=True, slots=True)
class WantsMd5:
    """The password hashed with this salt (md5.py)."""

    salt: bytes


@dataclass(frozen=True, slots=True)
class WantsSasl:
    """One of these mechanisms, the server's favourite first."""

    mechanisms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SaslContinue:
    """The server's next message of the mechanism."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SaslFinal:
    """The server's last message of the mechanism; Accepted follows."""

    data: bytes


@dataclass(frozen=True, slots=True)
class WantsOther:
    """A way of logging in that is not spoken here (GSSAPI, SSPI, Kerberos...), by its number."""

    number: int


Authentication = Accepted | WantsCleartext | WantsMd5 | WantsSasl | SaslContinue | SaslFinal | WantsOther

ACCEPTED: Final = message(codes.AUTHENTICATION, uint32(_OK))
WANTS_CLEARTEXT: Final = message(codes.AUTHENTICATION, uint32(_CLEARTEXT))


def wants_md5(salt: bytes) -> bytes:
    """Ask for the password hashed with four random bytes."""
    if len(salt) != MD5_SALT_BYTES:
        raise ProtocolViolation(f"an md5 salt of {len(salt)} bytes, not {MD5_SALT_BYTES}")
    return message(codes.AUTHENTICATION, uint32(_MD5) + salt)


def wants_sasl(mechanisms: tuple[str, ...]) -> bytes:
    """Offer SASL mechanisms, the favourite first."""
    names = b"".join(cstring(bytes_of(name)) for name in mechanisms)
    return message(codes.AUTHENTICATION, uint32(_SASL) + names + b"\0")


def sasl_continue(data: bytes) -> bytes:
    """The next message of the mechanism."""
    return message(codes.AUTHENTICATION, uint32(_SASL_CONTINUE) + data)


def sasl_final(data: bytes) -> bytes:
    """The last message of the mechanism."""
    return message(codes.AUTHENTICATION, uint32(_SASL_FINAL) + data)


def read_authentication(data: bytes, start: int, end: int) -> Authentication:
    """What the server wants or says."""
    reader = Reader(data, start + 5, end)
    number = reader.uint32()
    if number == _SASL_CONTINUE:
        return SaslContinue(reader.rest())
    if number == _SASL_FINAL:
        return SaslFinal(reader.rest())
    if number not in (_OK, _CLEARTEXT, _MD5, _SASL):
        return WantsOther(number)
    found: Authentication = Accepted()
    if number == _CLEARTEXT:
        found = WantsCleartext()
    elif number == _MD5:
        found = WantsMd5(reader.take(MD5_SALT_BYTES))
    elif number == _SASL:
        found = WantsSasl(_read_mechanisms(reader))
    reader.finish()
    return found


def _read_mechanisms(reader: Reader) -> tuple[str, ...]:
    names: list[str] = []
    while name := reader.string():
        names.append(text_of(name))
        if len(names) > MECHANISMS_MAX:
            raise ProtocolViolation(f"the server offers more than {MECHANISMS_MAX} ways to log in")
    return tuple(names)


def password(secret: bytes) -> bytes:
    """A password or its md5 hash."""
    return message(codes.PASSWORD, cstring(secret))


def read_password(data: bytes, start: int, end: int) -> bytes:
    """A password or its md5 hash, never empty."""
    reader = Reader(data, start + 5, end)
    secret = reader.string()
    try:
        reader.finish()
    except ProtocolViolation as fault:
        raise ProtocolViolation("invalid password packet size") from fault
    if not secret:
        raise ProtocolViolation("empty password returned by client", "28P01")
    return secret


def sasl_initial_response(mechanism: str, data: bytes | None) -> bytes:
    """Choose a mechanism and, unless None, send its first message."""
    return message(codes.PASSWORD, cstring(bytes_of(mechanism)) + value(data))


def read_sasl_initial_response(data: bytes, start: int, end: int) -> tuple[str, bytes | None]:
    """(mechanism, its first message or None)."""
    reader = Reader(data, start + 5, end)
    mechanism = text_of(reader.string())
    first = reader.value()
    reader.finish()
    return mechanism, first


def sasl_response(data: bytes) -> bytes:
    """A client's next message of the mechanism."""
    return message(codes.PASSWORD, data)


def read_sasl_response(data: bytes, start: int, end: int) -> bytes:
    """A client's next message of the mechanism."""
    return data[start + 5 : end]
