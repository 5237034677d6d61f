"""What does a SCRAM login over TLS bind to: the tls-server-end-point of a certificate (RFC 5929)?

The hash of the server's certificate, by the hash function of its signature, or SHA-256 in place of MD5 and SHA-1. A
certificate whose signature has no hash of its own (Ed25519) has none: then channel binding cannot be offered.
Only as much of the certificate is read as names the function.
"""

import hashlib
from typing import Final

from howdah.wire.violation import ProtocolViolation

_SEQUENCE: Final = 0x30
_OBJECT: Final = 0x06
_HASH_OF_PSS: Final = 0xA0

_PSS: Final = bytes.fromhex("2a864886f70d01010a")

_SIGNATURES: Final[dict[bytes, str]] = {
    bytes.fromhex("2a864886f70d010104"): "sha256",  # md5WithRSA
    bytes.fromhex("2a864886f70d010105"): "sha256",  # sha1WithRSA
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a864886f70d01010e"): "sha224",
    bytes.fromhex("2a8648ce3d0401"): "sha256",  # ecdsa with SHA-1
    bytes.fromhex("2a8648ce3d040301"): "sha224",
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
}

_HASHES: Final[dict[bytes, str]] = {
    bytes.fromhex("2b0e03021a"): "sha256",  # SHA-1
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
    bytes.fromhex("608648016503040204"): "sha224",
}


def server_end_point(certificate: bytes) -> bytes | None:
    """The binding of a DER certificate; None if its signature's hash is unknown. Raises ProtocolViolation for bytes
    that are no certificate."""
    name = _hash_name(certificate)
    return None if name is None else hashlib.new(name, certificate).digest()


def _hash_name(certificate: bytes) -> str | None:
    """Certificate ::= SEQUENCE { to be signed, signature algorithm, signature }."""
    start, end, _ = _element(certificate, 0, len(certificate), _SEQUENCE)
    _, _, after_signed = _element(certificate, start, end, _SEQUENCE)
    start, end, _ = _element(certificate, after_signed, end, _SEQUENCE)
    at, stop, parameters = _element(certificate, start, end, _OBJECT)
    signature = certificate[at:stop]
    if signature != _PSS:
        return _SIGNATURES.get(signature)
    start, end, _ = _element(certificate, parameters, end, _SEQUENCE)
    if start == end or certificate[start] != _HASH_OF_PSS:
        return "sha256"  # the hash is left out: SHA-1
    start, end, _ = _element(certificate, start, end, _HASH_OF_PSS)
    start, end, _ = _element(certificate, start, end, _SEQUENCE)
    at, stop, _ = _element(certificate, start, end, _OBJECT)
    return _HASHES.get(certificate[at:stop])


def _element(der: bytes, at: int, end: int, tag: int) -> tuple[int, int, int]:
    """(start, end) of the contents of the element at `at`, and where the next one begins."""
    if end - at < 2 or der[at] != tag:
        raise ProtocolViolation("not a certificate")
    length = der[at + 1]
    start = at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or end - start < count:
            raise ProtocolViolation("not a certificate")
        length = int.from_bytes(der[start : start + count], "big")
        start += count
    if length > end - start:
        raise ProtocolViolation("not a certificate")
    return start, start + length, start + length
