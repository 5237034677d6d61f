"""How are the certificates and keys that settings name read, and what is said of a file that cannot be used?

The same for agents and routers.
"""

import ssl
from pathlib import Path

MEND = "correct the path, or let this process's account read it; all are PEM files, keys without a password"


class TlsUnusable(Exception):
    """A file cannot be read, or is not what it should be; the sentence names it and the mend."""


def read_file(file: Path) -> bytes:
    """Its bytes. Raises TlsUnusable with the file's name, which OpenSSL's errors have not."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise TlsUnusable(f"{file} cannot be read ({error.strerror}): {MEND}") from error


def load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """What the context proves itself with. Raises TlsUnusable."""
    for file in (certificate, key):
        read_file(file)
    try:
        context.load_cert_chain(certificate, key, password="")  # else OpenSSL asks for one at the terminal
    except (OSError, ValueError) as error:
        raise TlsUnusable(f"certificate {certificate} and key {key} do not work together ({error}): {MEND}") from error


def load_authority(context: ssl.SSLContext, file: Path) -> None:
    """Whose certificates the context takes, beside those that it takes already. Raises TlsUnusable."""
    read_file(file)
    try:
        context.load_verify_locations(file)
    except (OSError, ValueError) as error:
        raise TlsUnusable(f"{file} holds no certificate that can be used ({error}): {MEND}") from error
