"""How does the router speak TLS with clients and with servers, and how does it take up renewed files?

A changed file makes a new context, for new connections; those that are open keep theirs. Files that cannot be used are
told, and what was in force stays.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from howdah.agent.pem import MEND, TlsUnusable, load_authority, load_chain, read_file
from howdah.configuration.router import ClientTlsSettings, ServerTlsSettings, TlsVersion
from howdah.routing.loginsteps import PeerCertificate
from howdah.wire.endpoint import server_end_point
from howdah.wire.violation import ProtocolViolation

ALPN = "postgresql"
"""What both sides name in a TLS connection that begins without an SSLRequest; else another protocol's bytes could be
passed off as ours."""


_VERSIONS: dict[TlsVersion, ssl.TLSVersion] = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

# RFC 4514's short names, by the names that Python gives to attributes of a subject.
_SHORT_NAMES = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "emailAddress": "emailAddress",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "street",
    "userId": "UID",
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClientSide:
    """What clients are served with. `binding`: the hash of our certificate for SCRAM-SHA-256-PLUS, None if it has
    none."""

    context: ssl.SSLContext
    binding: bytes | None


def client_side(settings: ClientTlsSettings) -> ClientSide | None:
    """From the settings; None if clients get no TLS. Raises TlsUnusable."""
    if settings.mode == "disable":
        return None
    if settings.cert_file is None or settings.key_file is None:
        raise TlsUnusable("tls.clients.cert_file and key_file must be set: a server needs a certificate for TLS")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.min_version]
    context.set_alpn_protocols([ALPN])
    context.options |= ssl.OP_NO_RENEGOTIATION
    load_chain(context, settings.cert_file, settings.key_file)
    if settings.client_certificates != "ignore":
        if settings.ca_file is None:
            raise TlsUnusable("tls.clients.ca_file must be set: it signs the certificates that clients show")
        load_authority(context, settings.ca_file)
        required = settings.client_certificates == "require"
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return ClientSide(context, _end_point(_first_certificate(settings.cert_file)))


def server_side(settings: ServerTlsSettings) -> ssl.SSLContext | None:
    """What the router connects to servers with; None if it asks them for no TLS. Raises TlsUnusable."""
    if settings.mode == "disable":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[settings.min_version]
    context.set_alpn_protocols([ALPN])
    context.check_hostname = settings.mode == "verify-full"
    verified = settings.mode in ("verify-ca", "verify-full")
    if not verified:
        context.verify_mode = ssl.CERT_NONE
    if settings.ca_file is not None:
        load_authority(context, settings.ca_file)
        if not context.check_hostname:
            context.verify_mode = ssl.CERT_REQUIRED  # as libpq: with an authority, `require` means verify-ca
    elif verified:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if settings.cert_file is not None and settings.key_file is not None:
        load_chain(context, settings.cert_file, settings.key_file)
    return context


def renewed_client_side(settings: ClientTlsSettings) -> "Renewed[ClientSide | None]":
    """What clients are served with, kept fresh. Raises TlsUnusable."""
    files = (settings.cert_file, settings.key_file, settings.ca_file)
    return Renewed(lambda: client_side(settings), files, "the certificate for clients")


def renewed_server_side(settings: ServerTlsSettings) -> "Renewed[ssl.SSLContext | None]":
    """What the router connects to servers with, kept fresh. Raises TlsUnusable."""
    files = (settings.cert_file, settings.key_file, settings.ca_file)
    return Renewed(lambda: server_side(settings), files, "what servers are checked with")


def peer_certificate(connection: ssl.SSLObject) -> PeerCertificate | None:
    """The client's certificate; None if it showed none, or nobody checked it."""
    told = connection.getpeercert()
    if not told:
        return None
    subject: Any = told.get("subject", ())
    names = [value for part in subject for name, value in part if name == "commonName"]
    common = names[0] if len(names) == 1 else ""
    parts = ["+".join(f"{_SHORT_NAMES.get(name, name)}={_escaped(value)}" for name, value in part) for part in subject]
    whole = ",".join(reversed(parts))
    return PeerCertificate("" if "\0" in common else common, "" if "\0" in whole else whole)


def binding_of(connection: ssl.SSLObject) -> bytes | None:
    """What binds our login at a server to this connection: the hash of the server's certificate."""
    certificate = connection.getpeercert(binary_form=True)
    return _end_point(certificate) if certificate else None


Made = TypeVar("Made")


class Renewed(Generic[Made]):
    """What is made of files, made again when they change. `make` raises TlsUnusable, here too the first time."""

    def __init__(self, make: Callable[[], Made], files: Sequence[Path | None], what: str) -> None:
        self._make = make
        self._files = tuple(file for file in files if file is not None)
        self._what = what
        self._seen = _state_of(self._files)
        self.current = make()

    def renew(self) -> bool:
        """Make it again if a file changed; True if it is new."""
        now = _state_of(self._files)
        if now == self._seen:
            return False
        try:
            self.current = self._make()
        except TlsUnusable as unusable:
            # Looked at again at the next change: a certificate and its key are not written in one moment.
            log.warning(f"{self._what} was changed and cannot be used: {unusable}")
            self._seen = now
            return False
        self._seen = now
        log.info(f"{self._what} was renewed")
        return True


def _state_of(files: Sequence[Path]) -> tuple[tuple[int, int, int], ...]:
    """What changes when a file is written or replaced, also behind the links of a Kubernetes secret."""
    found = []
    for file in files:
        try:
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_ino, status.st_size))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)


def _end_point(certificate: bytes) -> bytes | None:
    try:
        return server_end_point(certificate)
    except ProtocolViolation:
        return None  # OpenSSL took it, and we cannot read it: then there is nothing to bind to


def _escaped(value: str) -> str:
    """RFC 4514, 2.4."""
    text = "".join(f"\\{character}" if character in ',+"\\<>;' else character for character in value)
    if text[:1] in ("#", " "):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and len(text) > 1 else text


def _first_certificate(file: Path) -> bytes:
    """The certificate itself, in DER; those that signed it follow it in the file."""
    try:
        text = read_file(file).decode("latin-1")
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
        return ssl.PEM_cert_to_DER_cert(begin + text.split(begin, 1)[1].split(end, 1)[0] + end)
    except (IndexError, ValueError) as error:
        raise TlsUnusable(f"{file} holds no certificate that can be used: {MEND}") from error
