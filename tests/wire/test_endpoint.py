"""Is the binding of each kind of certificate that of its signature's hash?"""

import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire.endpoint import server_end_point
from howdah.wire.violation import ProtocolViolation

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
RSA_KEY = rsa.generate_private_key(65537, 2048)
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
EDWARDS_KEY = ed25519.Ed25519PrivateKey.generate()

HASHES: list[tuple[hashes.HashAlgorithm, str]] = [
    (hashes.SHA224(), "sha224"),
    (hashes.SHA256(), "sha256"),
    (hashes.SHA384(), "sha384"),
    (hashes.SHA512(), "sha512"),
]


def builder(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key).serial_number(1)
    return made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(("algorithm", "name"), HASHES)
def test_each_signature_with_a_hash_binds_by_it(algorithm: hashes.HashAlgorithm, name: str) -> None:
    assert isinstance(algorithm, hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512)
    pss = padding.PSS(padding.MGF1(algorithm), 20)
    for raw in (
        der(builder(RSA_KEY.public_key()).sign(RSA_KEY, algorithm)),
        der(builder(CURVE_KEY.public_key()).sign(CURVE_KEY, algorithm)),
        der(builder(RSA_KEY.public_key()).sign(RSA_KEY, algorithm, rsa_padding=pss)),
    ):
        assert server_end_point(raw) == hashlib.new(name, raw).digest()


def test_a_signature_without_a_hash_binds_to_nothing() -> None:
    assert server_end_point(der(builder(EDWARDS_KEY.public_key()).sign(EDWARDS_KEY, None))) is None


def test_an_old_hash_is_replaced_by_a_good_one() -> None:
    raw = der(builder(RSA_KEY.public_key()).sign(RSA_KEY, hashes.SHA256()))
    old = raw.replace(bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105"))
    assert server_end_point(old) == hashlib.sha256(old).digest()


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_a_violation(raw: bytes) -> None:
    for data in (raw, b"\x30" + raw, b"\x30\x20\x30\x02ab\x30" + raw):
        try:
            server_end_point(data)
        except ProtocolViolation:
            continue


@given(st.integers(0, 400))
def test_a_certificate_that_is_cut_off_is_none(size: int) -> None:
    raw = der(builder(CURVE_KEY.public_key()).sign(CURVE_KEY, hashes.SHA256()))
    with pytest.raises(ProtocolViolation):
        server_end_point(raw[: min(size, len(raw) - 1)])
