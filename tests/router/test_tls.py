"""Certificates: what is refused when they are loaded, and what is taken up when they change."""

import shutil
import ssl
from pathlib import Path
from typing import Any

import pytest

from howdah.agent.pem import TlsUnusable
from howdah.configuration.router import ClientTlsSettings, ServerTlsSettings
from howdah.router.tls import (
    client_side,
    peer_certificate,
    renewed_client_side,
    renewed_server_side,
    server_side,
)
from howdah.routing.loginsteps import PeerCertificate
from howdah.wire.endpoint import server_end_point
from tests.certificates import Authority, Pair


def settings(pair: Pair, **more: Any) -> ClientTlsSettings:
    return ClientTlsSettings(mode="allow", cert_file=pair.certificate, key_file=pair.key, **more)


def shaken(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost"
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after the handshake, in memory. Raises ssl.SSLError if one refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (theirs, ours):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
    return ours, theirs


def checking(authority: Authority, **more: Any) -> ssl.SSLContext:
    made = server_side(ServerTlsSettings(mode="verify-full", ca_file=authority.file, **more))
    assert made is not None
    return made


def test_no_tls_needs_no_files() -> None:
    assert client_side(ClientTlsSettings(mode="disable")) is None
    assert server_side(ServerTlsSettings(mode="disable")) is None


def test_our_certificate_binds_by_its_own_hash(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("router")
    side = client_side(settings(pair))
    assert side is not None and side.binding is not None
    ours, theirs = shaken(side.context, checking(authority))
    certificate = theirs.getpeercert(binary_form=True)
    assert certificate is not None and server_end_point(certificate) == side.binding
    assert (ours.selected_alpn_protocol(), theirs.selected_alpn_protocol()) == ("postgresql", "postgresql")


def test_a_chain_binds_by_its_first_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("router")
    alone = client_side(settings(pair))
    with pair.certificate.open("ab") as file:
        file.write(authority.file.read_bytes())
    chain = client_side(settings(pair))
    assert alone is not None and chain is not None and alone.binding == chain.binding


@pytest.mark.parametrize(
    ("mode", "refuses"), [("require", False), ("prefer", False), ("verify-ca", True), ("verify-full", True)]
)
def test_a_server_s_certificate_is_checked_as_libpq_does(tmp_path: Path, mode: Any, refuses: bool) -> None:
    side = client_side(settings(Authority(tmp_path / "one").issue("server")))
    other = Authority(tmp_path / "other").file if refuses else None
    checks = server_side(ServerTlsSettings(mode=mode, ca_file=other))
    assert side is not None and checks is not None
    if refuses:
        with pytest.raises(ssl.SSLError):
            shaken(side.context, checks)
    else:
        shaken(side.context, checks)


def test_verify_full_wants_the_host_s_name_and_verify_ca_does_not(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    side = client_side(settings(authority.issue("elsewhere", host="db.example")))
    checks = server_side(ServerTlsSettings(mode="verify-ca", ca_file=authority.file))
    assert side is not None and checks is not None
    shaken(side.context, checks)
    with pytest.raises(ssl.SSLError):
        shaken(side.context, checking(authority))


@pytest.mark.parametrize("policy", ["ignore", "allow", "require"])
def test_a_client_s_certificate_is_asked_for_as_set(tmp_path: Path, policy: Any) -> None:
    authority = Authority(tmp_path)
    side = client_side(settings(authority.issue("router"), client_certificates=policy, ca_file=authority.file))
    assert side is not None
    anna = authority.issue("anna")
    ours, _ = shaken(side.context, checking(authority, cert_file=anna.certificate, key_file=anna.key))
    named = PeerCertificate("anna", "CN=anna")
    assert peer_certificate(ours) == (None if policy == "ignore" else named)
    if policy != "require":
        ours, _ = shaken(side.context, checking(authority))
        assert peer_certificate(ours) is None


def test_a_client_s_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    side = client_side(settings(authority.issue("router"), client_certificates="allow", ca_file=authority.file))
    anna = other.issue("anna")
    assert side is not None
    with pytest.raises(ssl.SSLError):
        shaken(side.context, checking(authority, cert_file=anna.certificate, key_file=anna.key))


def test_renewed_files_are_taken_up_and_unusable_ones_are_not(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, second = authority.issue("router"), authority.issue("renewed")
    renewed = renewed_client_side(settings(first))
    before = renewed.current
    assert before is not None and not renewed.renew()
    shutil.copy(second.certificate, first.certificate)  # its key is still the old one
    assert not renewed.renew() and renewed.current is before
    shutil.copy(second.key, first.key)
    assert renewed.renew()
    assert renewed.current is not None and renewed.current.binding != before.binding
    _, theirs = shaken(renewed.current.context, checking(authority))
    assert ("commonName", "renewed") in [pair for part in (theirs.getpeercert() or {})["subject"] for pair in part]
    first.key.unlink()
    assert not renewed.renew()


def test_an_authority_that_is_replaced_is_taken_up(tmp_path: Path) -> None:
    one, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    file = tmp_path / "ca.pem"
    shutil.copy(one.file, file)
    renewed = renewed_server_side(ServerTlsSettings(mode="verify-ca", ca_file=file))
    side = client_side(settings(other.issue("server")))
    assert side is not None and renewed.current is not None
    with pytest.raises(ssl.SSLError):
        shaken(side.context, renewed.current)
    file.unlink()
    shutil.copy(other.file, file)
    assert renewed.renew()
    shaken(side.context, renewed.current)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair, other = authority.issue("router"), authority.issue("other")
    missing, broken = tmp_path / "missing.pem", tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    for wrong, says in (
        (Pair(missing, pair.key), "missing.pem cannot be read"),
        (Pair(pair.certificate, other.key), "do not work together"),
        (Pair(broken, pair.key), "do not work together"),
    ):
        with pytest.raises(TlsUnusable, match=says):
            client_side(settings(wrong))
    with pytest.raises(TlsUnusable, match="broken\\.pem holds no certificate"):
        server_side(ServerTlsSettings(mode="verify-ca", ca_file=broken))
    with pytest.raises(TlsUnusable, match="must be set"):
        client_side(ClientTlsSettings(mode="allow"))
    with pytest.raises(TlsUnusable, match="ca_file must be set"):
        client_side(settings(pair, client_certificates="require"))
