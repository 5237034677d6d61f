"""Which store does a cluster use, and how is it reached?"""

import re
from dataclasses import dataclass, field
from pathlib import Path

REQUEST_TIMEOUT_MS = 2_000
"""How long one request may take in all. Below the default lease (5 s), so that a renewal which hangs leaves time for
another one."""

NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
OBJECT_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,127}")
"""With a document's name behind it, still below the 253 characters that Kubernetes allows."""


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """A store process of one machine.

    `directory` holds its file and its socket. All agents and the process run as the same operating system user.
    """

    directory: Path
    request_timeout_ms: int = REQUEST_TIMEOUT_MS


@dataclass(frozen=True, slots=True)
class EtcdTls:
    """PEM files. `authority` checks the server (None: the system's authorities do); certificate and key, together or
    not at all, show who we are."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("an etcd client certificate and its key are given together or not at all")


@dataclass(frozen=True, slots=True)
class EtcdSettings:
    """Client addresses of one etcd cluster ("http://10.0.0.1:2379"), and the name under which our keys stand.

    Every document is the key <prefix><cluster>/<name>. A user comes with a password, or with a password_file that holds
    it alone: a newline at its end is dropped, and it is read at every login.
    """

    endpoints: tuple[str, ...]
    cluster: str
    tls: EtcdTls | None = None
    user: str | None = None
    password_file: Path | None = None
    password: str | None = field(default=None, repr=False)
    prefix: str = "/howdah/"
    request_timeout_ms: int = REQUEST_TIMEOUT_MS

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise ValueError("etcd needs at least one endpoint, such as http://127.0.0.1:2379")
        for endpoint in self.endpoints:
            _check_endpoint(endpoint, tls=self.tls is not None)
        if not self.cluster or "/" in self.cluster:
            raise ValueError(f"{self.cluster!r} cannot stand in an etcd key: it is empty or has a '/'")
        if not re.fullmatch(r"/([^/\s]+/)*", self.prefix):
            raise ValueError(f"the prefix of etcd keys must begin and end with '/', and not be {self.prefix!r}")
        if [self.password, self.password_file].count(None) != (2 if self.user is None else 1):
            raise ValueError("an etcd user and its password, or password_file, are given together or not at all")


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """One namespace of the Kubernetes API ("https://10.96.0.1:443").

    Every document is the ConfigMap <prefix><name>; the cluster's name is a label of it. Who we are: the token in
    `token_file`, read at each request since Kubernetes renews it, or a client certificate and its key.
    """

    api: str
    namespace: str
    cluster: str
    prefix: str
    authority: Path | None = None
    token_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    request_timeout_ms: int = REQUEST_TIMEOUT_MS

    def __post_init__(self) -> None:
        scheme, separator, rest = self.api.partition("://")
        if not separator or scheme not in ("http", "https") or not rest:
            raise ValueError(f"the Kubernetes API's address {self.api!r} must look like https://10.96.0.1:443")
        if not NAMESPACE.fullmatch(self.namespace):
            raise ValueError(f"{self.namespace!r} cannot be a namespace of Kubernetes")
        if not OBJECT_PREFIX.fullmatch(self.prefix):
            raise ValueError(
                f"{self.prefix!r} cannot begin the names of objects in Kubernetes: lower-case letters, digits and '-', "
                "a letter first, at most 128"
            )
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a client certificate for Kubernetes and its key are given together or not at all")


def _check_endpoint(endpoint: str, *, tls: bool) -> None:
    scheme, separator, rest = endpoint.partition("://")
    if not separator or scheme not in ("http", "https") or not rest:
        raise ValueError(f"etcd endpoint {endpoint!r} must look like http://10.0.0.1:2379 or https://...")
    if tls and scheme != "https":
        raise ValueError(f"etcd endpoint {endpoint!r} is not https, but certificates are configured")


StoreSettings = SqliteSettings | EtcdSettings | KubernetesSettings
