"""What do both sides of SCRAM-SHA-256 share: keys, verifiers, and how its messages are written?

RFC 5802, 7677 and 5929. A verifier is what pg_authid keeps: with it a server can check a client, but nobody can log
in with it alone. The ClientKey, which a client's proof reveals to whoever holds the verifier, can log in: it is as
secret as the password for servers with this verifier, and worth nothing elsewhere.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Final

from howdah.wire.saslprep import saslprep
from howdah.wire.violation import ProtocolViolation

MECHANISM: Final = "SCRAM-SHA-256"
MECHANISM_PLUS: Final = "SCRAM-SHA-256-PLUS"
KEY_BYTES: Final = 32
ITERATIONS: Final = 4096
"""PostgreSQL's scram_iterations by default."""
ITERATIONS_MAX: Final = 1_000_000
"""A server that asks for more is refused: deriving keys takes half a second here, and blocks."""
SALT_BYTES: Final = 16
BINDING_NAME: Final = b"p=tls-server-end-point,,"


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What logs in instead of a password, at servers whose verifier has this salt and these iterations."""

    client_key: bytes
    server_key: bytes
    salt: bytes
    iterations: int


@dataclass(frozen=True, slots=True, repr=False)
class Verifier:
    """What a server knows of a password. With `known` False nobody can log in, and nobody can tell."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes
    known: bool = True

    def __str__(self) -> str:
        """As pg_authid has it."""
        keys = f"{_encode(self.stored_key)}:{_encode(self.server_key)}"
        return f"{MECHANISM}${self.iterations}:{_encode(self.salt)}${keys}"


def parse_verifier(text: str) -> Verifier:
    """Read `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`. Raises ProtocolViolation for anything else, without
    repeating it: it is secret."""
    name, _, rest = text.partition("$")
    parameters, _, keys = rest.partition("$")
    count, _, salt = parameters.partition(":")
    stored, _, served = keys.partition(":")
    if name != MECHANISM or not _is_count(count):
        raise ProtocolViolation("not a SCRAM-SHA-256 verifier")
    verifier = Verifier(_decode(salt), int(count), _decode(stored), _decode(served))
    if not verifier.salt or len(verifier.stored_key) != KEY_BYTES or len(verifier.server_key) != KEY_BYTES:
        raise ProtocolViolation("a SCRAM-SHA-256 verifier with keys of a wrong length")
    return verifier


def derive_keys(password: bytes, salt: bytes, iterations: int) -> Keys:
    """The keys of a password. Takes milliseconds of processor time on purpose: call it where that disturbs nobody."""
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password), salt, iterations)
    return Keys(mac(salted, b"Client Key"), mac(salted, b"Server Key"), salt, iterations)


def verifier_of(keys: Keys) -> Verifier:
    """What a server keeps of these keys."""
    return Verifier(keys.salt, keys.iterations, digest(keys.client_key), keys.server_key)


def mock_verifier(user: str, secret: bytes, iterations: int = ITERATIONS) -> Verifier:
    """A verifier for a user who does not exist or may not log in by password, so that the answers look the same.

    The salt depends on the name and on `secret` (the caller's, the same for as long as verifiers live): asking twice
    gives the same salt, as with a real user. `iterations` should be what real users have."""
    salt = hmac.digest(secret, user.encode("utf-8", "surrogateescape"), "sha256")[:SALT_BYTES]
    return Verifier(salt, iterations, bytes(KEY_BYTES), mac(secret, salt), known=False)


def mechanisms(endpoint: bytes | None) -> tuple[str, ...]:
    """What a server offers: with channel binding if the connection has TLS and a certificate to bind to."""
    return (MECHANISM,) if endpoint is None else (MECHANISM_PLUS, MECHANISM)


def mac(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac.digest(key, text, "sha256")


def digest(text: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(text).digest()


def exclusive_or(one: bytes, other: bytes) -> bytes:
    """Two keys against each other."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def attribute(part: bytes, name: bytes) -> bytes:
    """The value of one `name=value`. Raises ProtocolViolation if it is another one."""
    if part[:2] != name + b"=":
        raise ProtocolViolation(
            "malformed SCRAM message", detail=f'Expected attribute "{name.decode()}", found "{_shown(part[:1])}".'
        )
    return part[2:]


def checked_nonce(nonce: bytes) -> bytes:
    """A nonce of printable characters. Raises ProtocolViolation for any other."""
    if not nonce or not all(0x21 <= letter <= 0x7E and letter != 0x2C for letter in nonce):
        raise ProtocolViolation("non-printable characters in SCRAM nonce")
    return nonce


def to_base64(raw: bytes) -> bytes:
    """As in messages and verifiers."""
    return b64encode(raw)


def from_base64(text: bytes) -> bytes:
    """The bytes behind it. Raises ProtocolViolation."""
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as fault:
        raise ProtocolViolation("malformed SCRAM message", detail="Not base64.") from fault


def count_of(text: bytes) -> int:
    """A number of iterations. Raises ProtocolViolation for none or too many."""
    if not _is_count(text.decode("ascii", "replace")) or not 0 < int(text) <= ITERATIONS_MAX:
        raise ProtocolViolation(
            "malformed SCRAM message", detail=f"Iterations from 1 to {ITERATIONS_MAX} are accepted."
        )
    return int(text)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 11 and int(text) > 0


def _encode(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _decode(text: str) -> bytes:
    return from_base64(text.encode("utf-8", "replace"))


def _shown(raw: bytes) -> str:
    return raw.decode("ascii", "backslashreplace")
