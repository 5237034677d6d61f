"""How does the router log in to a server by SCRAM?

With a password, or with the keys that a client's own login revealed. Three messages of ours and the server's:
`first_message`, `First.answer`, `Final.verify`.
"""

import hmac
from dataclasses import dataclass

from howdah.wire.scram import (
    BINDING_NAME,
    MECHANISM,
    MECHANISM_PLUS,
    Keys,
    attribute,
    checked_nonce,
    count_of,
    derive_keys,
    digest,
    exclusive_or,
    from_base64,
    mac,
    to_base64,
)
from howdah.wire.sqlstate import INVALID_AUTHORIZATION, INVALID_PASSWORD
from howdah.wire.violation import ProtocolViolation


@dataclass(frozen=True, slots=True, repr=False)
class Final:
    """The login but for the server's proof. Send `message` as SASLResponse."""

    message: bytes
    signature: bytes
    keys: Keys

    def verify(self, server_final: bytes) -> None:
        """Raises ProtocolViolation unless the server has proved that it knows the verifier too."""
        if server_final[:2] == b"e=":
            reason = server_final[2:].decode("ascii", "backslashreplace")
            raise ProtocolViolation(f"the server refuses the login: {reason}", INVALID_PASSWORD)
        if not hmac.compare_digest(from_base64(attribute(server_final, b"v")), self.signature):
            raise ProtocolViolation("incorrect server signature", INVALID_AUTHORIZATION)


@dataclass(frozen=True, slots=True, repr=False)
class First:
    """A login begun. Send `message` as SASLInitialResponse for `mechanism`."""

    mechanism: str
    message: bytes
    header: bytes
    endpoint: bytes
    nonce: bytes

    def server_wants(self, server_first: bytes) -> tuple[bytes, bytes, int]:
        """(whole nonce, salt, iterations) of the server's first message. Raises ProtocolViolation."""
        parts = server_first.split(b",")
        if len(parts) != 3:
            raise ProtocolViolation("malformed SCRAM message", detail="Expected nonce, salt and iteration count.")
        nonce = checked_nonce(attribute(parts[0], b"r"))
        if not nonce.startswith(self.nonce) or nonce == self.nonce:
            raise ProtocolViolation("invalid SCRAM response", detail="Nonce does not match.")
        salt = from_base64(attribute(parts[1], b"s"))
        if not salt:
            raise ProtocolViolation("malformed SCRAM message", detail="The salt is empty.")
        return nonce, salt, count_of(attribute(parts[2], b"i"))

    def answer(self, server_first: bytes, secret: bytes | Keys) -> Final:
        """The proof, from the password or from keys. Deriving keys from a password takes milliseconds.

        Raises ProtocolViolation for a malformed message, and for keys that belong to another verifier: the password
        was changed, or the server is no copy of the one whose verifier they were captured with."""
        nonce, salt, iterations = self.server_wants(server_first)
        keys = secret if isinstance(secret, Keys) else derive_keys(secret, salt, iterations)
        if keys.salt != salt or keys.iterations != iterations:
            raise ProtocolViolation(
                "the server's SCRAM verifier is not the one that the client logged in with",
                INVALID_PASSWORD,
                hint="Was the password changed? Log in again.",
            )
        unproven = b"c=" + to_base64(self.header + self.endpoint) + b",r=" + nonce
        bare = self.message[len(self.header) :]
        exchanged = b",".join((bare, server_first, unproven))
        proof = exclusive_or(keys.client_key, mac(digest(keys.client_key), exchanged))
        return Final(unproven + b",p=" + to_base64(proof), mac(keys.server_key, exchanged), keys)


def first_message(offered: tuple[str, ...], nonce: bytes, tls: bool, endpoint: bytes | None) -> First:
    """Begin a login.

    `offered` are the server's mechanisms, `nonce` is ours: fresh, random, printable. `tls` says whether the
    connection has TLS, `endpoint` is the tls-server-end-point of the server's certificate, None if it has none
    (endpoint.py). Binds to the channel where both can; where only we can, says so, and a server that can after all
    finds out that somebody took its offer away. Raises ProtocolViolation if SCRAM-SHA-256 is not offered.
    """
    if MECHANISM_PLUS in offered and tls and endpoint is not None:
        mechanism, header, bound = MECHANISM_PLUS, BINDING_NAME, endpoint
    elif MECHANISM in offered:
        able = tls and endpoint is not None
        mechanism, header, bound = MECHANISM, b"y,," if able else b"n,,", b""
    else:
        raise ProtocolViolation(
            f"the server offers none of the ways to log in that we know: {', '.join(offered)}", INVALID_AUTHORIZATION
        )
    return First(mechanism, header + b"n=,r=" + checked_nonce(nonce), header, bound, nonce)
