"""How does a server check a client by SCRAM, and what does it learn?

Two messages of the client: `challenge` answers the first, `Challenge.check` judges the second. A right proof reveals
the ClientKey, with which the router logs in to servers that have the same verifier.
"""

import hmac
from dataclasses import dataclass

from howdah.wire.scram import (
    BINDING_NAME,
    KEY_BYTES,
    MECHANISM,
    MECHANISM_PLUS,
    Keys,
    Verifier,
    attribute,
    checked_nonce,
    digest,
    exclusive_or,
    from_base64,
    mac,
    to_base64,
)
from howdah.wire.sqlstate import FEATURE_NOT_SUPPORTED, INVALID_AUTHORIZATION
from howdah.wire.violation import ProtocolViolation


@dataclass(frozen=True, slots=True, repr=False)
class Proven:
    """The client knows the password. Send `message` as AuthenticationSASLFinal."""

    message: bytes
    keys: Keys


@dataclass(frozen=True, slots=True, repr=False)
class Challenge:
    """A login half way. Send `message` as AuthenticationSASLContinue."""

    message: bytes
    verifier: Verifier
    nonce: bytes
    binding: bytes
    client_first_bare: bytes

    def check(self, final: bytes) -> Proven | None:
        """Judge the client's last message; None for a wrong password, an unknown user, or a doomed one.

        Raises ProtocolViolation for what is no such message, for another nonce, and for a channel binding that is
        not that of this connection: somebody stands in between."""
        unproven, separator, last = final.rpartition(b",p=")
        if not separator:
            raise ProtocolViolation("malformed SCRAM message", detail="There is no proof.")
        parts = unproven.split(b",")
        if len(parts) < 2:
            raise ProtocolViolation("malformed SCRAM message", detail="There is no nonce.")
        bound, nonce = attribute(parts[0], b"c"), attribute(parts[1], b"r")
        if not hmac.compare_digest(bound, to_base64(self.binding)):
            raise ProtocolViolation("SCRAM channel binding check failed", INVALID_AUTHORIZATION)
        if not hmac.compare_digest(nonce, self.nonce):
            raise ProtocolViolation("invalid SCRAM response", detail="Nonce does not match.")
        proof = from_base64(last)
        if len(proof) != KEY_BYTES:
            raise ProtocolViolation("malformed SCRAM message", detail="Malformed proof in client-final-message.")
        exchanged = b",".join((self.client_first_bare, self.message, unproven))
        client_key = exclusive_or(proof, mac(self.verifier.stored_key, exchanged))
        right = hmac.compare_digest(digest(client_key), self.verifier.stored_key)
        signature = mac(self.verifier.server_key, exchanged)
        if not (right and self.verifier.known):
            return None
        keys = Keys(client_key, self.verifier.server_key, self.verifier.salt, self.verifier.iterations)
        return Proven(b"v=" + to_base64(signature), keys)


def challenge(mechanism: str, first: bytes, verifier: Verifier, nonce: bytes, endpoint: bytes | None) -> Challenge:
    """Answer the client's first message.

    `nonce` is ours: fresh, random, printable. `endpoint` is the tls-server-end-point of our certificate if the
    connection has TLS and PLUS was offered (endpoint.py), else None. The user name in the message is ignored, as
    PostgreSQL does: the one of the startup packet counts. Raises ProtocolViolation.
    """
    header, bare = _header(mechanism, first, endpoint is not None)
    parts = bare.split(b",")
    if parts[0][:2] == b"m=":
        raise ProtocolViolation("client requires an unsupported SCRAM extension", FEATURE_NOT_SUPPORTED)
    attribute(parts[0], b"n")
    if len(parts) < 2:
        raise ProtocolViolation("malformed SCRAM message", detail="There is no nonce.")
    whole_nonce = checked_nonce(attribute(parts[1], b"r")) + checked_nonce(nonce)
    salt = to_base64(verifier.salt)
    message = b"r=" + whole_nonce + b",s=" + salt + b",i=" + str(verifier.iterations).encode("ascii")
    binding = header + (endpoint or b"") if header == BINDING_NAME else header
    return Challenge(message, verifier, whole_nonce, binding, bare)


def _header(mechanism: str, first: bytes, plus_offered: bool) -> tuple[bytes, bytes]:
    """(what it says of channel binding, the rest), if that goes with the mechanism and with what was offered."""
    if mechanism not in (MECHANISM, MECHANISM_PLUS) or (mechanism == MECHANISM_PLUS and not plus_offered):
        raise ProtocolViolation("client selected an invalid SASL authentication mechanism")
    if 0 in first:
        raise ProtocolViolation("malformed SCRAM message", detail="Zero byte within.")
    flag, comma, rest = first.partition(b",")
    identity, second, bare = rest.partition(b",")
    if not comma or not second:
        raise ProtocolViolation("malformed SCRAM message", detail="Comma expected.")
    if identity[:2] == b"a=":
        raise ProtocolViolation("client uses authorization identity, but it is not supported", FEATURE_NOT_SUPPORTED)
    if identity:
        raise ProtocolViolation("malformed SCRAM message", detail="Unexpected attribute.")
    header = flag + b",,"
    if flag[:2] == b"p=":
        if mechanism != MECHANISM_PLUS:
            raise ProtocolViolation(
                "malformed SCRAM message",
                detail="The client selected SCRAM-SHA-256 without channel binding, but its message binds to a channel.",
            )
        if header != BINDING_NAME:
            raise ProtocolViolation("unsupported SCRAM channel-binding type")
    elif mechanism == MECHANISM_PLUS:
        raise ProtocolViolation(
            "malformed SCRAM message",
            detail="The client selected SCRAM-SHA-256-PLUS, but its message does not bind to a channel.",
        )
    elif flag == b"y":
        if plus_offered:
            raise ProtocolViolation(
                "SCRAM channel binding negotiation error",
                INVALID_AUTHORIZATION,
                detail="The client supports SCRAM channel binding but thinks the server does not.",
            )
    elif flag != b"n":
        raise ProtocolViolation("malformed SCRAM message", detail="Unexpected channel-binding flag.")
    return header, bare
