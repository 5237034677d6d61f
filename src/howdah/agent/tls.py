"""How does an agent show who it is, and check whom it talks to, when its API speaks TLS?

One certificate serves the REST interface and the other agents. Who asks shows the cluster's token, not a certificate:
load balancers and people with a browser have none.
"""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import structlog

from howdah.agent.pem import MEND, TlsUnusable, load_chain, read_file
from howdah.configuration.schema import ApiSettings

RENEW_SECONDS = 60.0
"""How often it is looked whether the files were renewed."""


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tls:
    """What the agent serves with, and what it checks others with."""

    certificate: Path
    key: Path
    server: ssl.SSLContext
    client: ssl.SSLContext

    async def keep_fresh(self) -> None:
        """Take up renewed files for new connections, for ever. A file that cannot be used is told, and the old
        certificate stays."""
        seen = self._written()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            seen = self.renew(seen)

    def renew(self, seen: tuple[int, ...]) -> tuple[int, ...]:
        """Load the files again if they were written since `seen`; when they were written now."""
        now = self._written()
        if now != seen:
            try:
                load_chain(self.server, self.certificate, self.key)
                log.info("the API's certificate was renewed")
            except TlsUnusable as unusable:
                log.warning(f"the API's certificate was changed and cannot be used: {unusable}")
        return now

    def _written(self) -> tuple[int, ...]:
        try:
            return tuple(file.stat().st_mtime_ns for file in (self.certificate, self.key))
        except OSError:
            return ()


def load_tls(api: ApiSettings) -> Tls | None:
    """From the settings; None if the API speaks plain HTTP. Raises TlsUnusable."""
    client = client_context(api)
    if client is None or api.cert_file is None or api.key_file is None:
        return None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(server, api.cert_file, api.key_file)
    return Tls(api.cert_file, api.key_file, server, client)


def client_context(api: ApiSettings) -> ssl.SSLContext | None:
    """What checks an agent of this cluster; None if they speak plain HTTP. Raises TlsUnusable."""
    if api.cert_file is None:
        return None
    if api.ca_file is None:
        return ssl.create_default_context()
    read_file(api.ca_file)
    try:
        return ssl.create_default_context(cafile=api.ca_file)
    except OSError as error:
        raise TlsUnusable(
            f"api.ca_file {api.ca_file} holds no certificate that can be used ({error}): {MEND}"
        ) from error
