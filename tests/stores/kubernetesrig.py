"""A real Kubernetes API server with an etcd of its own, for tests. No nodes, no controllers.

The program is taken from the PATH. Without one these tests are skipped, unless HOWDAH_KUBERNETES_TESTS=required says
that this must not be.
"""

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from howdah.ports.store import Store
from howdah.stores.etcd.server import LocalEtcd
from howdah.stores.http import JsonObject
from howdah.stores.kubernetes.api import Deed, KubernetesApi
from howdah.stores.kubernetes.client import KubernetesStore
from howdah.stores.settings import KubernetesSettings
from tests.certificates import Authority
from tests.ports import free_port
from tests.stores.contract import closing
from tests.stores.faults import HoldingRelay, ServerRig, run_apart

START_SECONDS = 120.0
HASTY_MS = 1_000
"""Of clients of little patience. Half of it is for a connection with its TLS handshake, whose own limit has to be well
below that on a busy machine too: httpx leaves the socket of a handshake that is cancelled to the garbage collector."""
REQUIRED = "HOWDAH_KUBERNETES_TESTS"
ADMIN = "admin-token"
RBAC = "rbac.authorization.k8s.io"


def find_program(name: str) -> Path | None:
    """On the PATH, or None."""
    found = shutil.which(name)
    return Path(found) if found else None


def api_server_program() -> Path:
    """The API server, or the test is skipped."""
    found = find_program("kube-apiserver")
    if found is None:
        sentence = "no kube-apiserver is on the PATH: Kubernetes' own releases have one"
        if os.environ.get(REQUIRED):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


class ApiServerProcess:
    """An API server and its etcd, in one directory; or another API server `beside` one, on the same etcd."""

    def __init__(self, root: Path, beside: "ApiServerProcess | None" = None) -> None:
        self._program = api_server_program()
        self.root = root
        self._owns_etcd = beside is None
        self.etcd: LocalEtcd = beside.etcd if beside else LocalEtcd(self.root / "etcd", find_program("etcd"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.authority = Authority(self.root / "certificates")
        self._server = self.authority.issue("apiserver")
        self._make_files()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it was started and not killed."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The API server's process."""
        assert self._process is not None
        return self._process.pid

    def settings(self, *, token: str = ADMIN, timeout_ms: int = 10_000) -> KubernetesSettings:
        """Of a client who shows this token."""
        return KubernetesSettings(
            api=self.address,
            namespace="default",
            cluster="test",
            prefix="test-",
            authority=self.authority.file,
            token_file=self.token_file(token),
            request_timeout_ms=timeout_ms,
        )

    def token_file(self, token: str) -> Path:
        """A file with this token."""
        file = self.root / f"token-{token[-40:]}"
        file.write_text(token + "\n")
        return file

    def start(self) -> None:
        """Start both; returns once it is ready."""
        if self._owns_etcd:
            self.etcd.start()
            run_apart(self.etcd.wait_until_healthy(START_SECONDS))
        with (self.root / "apiserver.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_ready()

    def kill(self) -> None:
        """SIGKILL both, and wait until they are gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._owns_etcd:
            self.etcd.kill()

    def _make_files(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        (self.root / "accounts.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        )
        (self.root / "accounts.pub").write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        users = [f"{ADMIN},admin,admin,system:masters"]
        users += [f"{user}-token,{user},{user}" for user in ("agent", "router", "nobody")]
        (self.root / "tokens.csv").write_text("\n".join([*users, ""]))

    def _command(self) -> list[str]:
        return [
            str(self._program),
            f"--etcd-servers={self.etcd.ports.endpoint}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.root / 'tokens.csv'}",
            f"--client-ca-file={self.authority.file}",
            f"--tls-cert-file={self._server.certificate}",
            f"--tls-private-key-file={self._server.key}",
            f"--service-account-key-file={self.root / 'accounts.pub'}",
            f"--service-account-signing-key-file={self.root / 'accounts.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--cert-dir={self.root / 'generated'}",
        ]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        headers = {"Authorization": f"Bearer {ADMIN}"}
        verify = ssl.create_default_context(cafile=self.authority.file)
        with httpx.Client(verify=verify, trust_env=False, headers=headers) as client:
            while True:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() >= deadline:
                    lines = (self.root / "apiserver.log").read_text(errors="replace").splitlines()
                    raise AssertionError("the API server did not begin: " + " | ".join(lines[-5:]))
                with contextlib.suppress(httpx.HTTPError):
                    if client.get(f"{self.address}/readyz").text == "ok":
                        return
                time.sleep(0.1)


class KubernetesRig(ServerRig):
    """`close` ends the processes and removes every file."""

    def __init__(self) -> None:
        api_server_program()
        self.root = Path(tempfile.mkdtemp(prefix="howdah-", dir="/tmp"))
        self.server = ApiServerProcess(self.root)

    @property
    def pid(self) -> int:
        return self.server.pid

    def settings(self, *, token: str = ADMIN, timeout_ms: int = 10_000) -> KubernetesSettings:
        """Of a client who shows this token."""
        return self.server.settings(token=token, timeout_ms=timeout_ms)

    def client(self) -> KubernetesStore:
        return KubernetesStore(self.settings())

    def hasty_client(self) -> KubernetesStore:
        return KubernetesStore(self.settings(timeout_ms=HASTY_MS))

    @contextlib.asynccontextmanager
    async def relayed(self) -> AsyncIterator[tuple[HoldingRelay, Store]]:
        """The client speaks plain HTTP to the relay, which speaks TLS to the server."""
        trusted = ssl.create_default_context(cafile=self.server.authority.file)

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", self.server.port, ssl=trusted)

        relay = HoldingRelay(connect)
        relay_server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{relay_server.sockets[0].getsockname()[1]}"
        far = KubernetesStore(replace(self.settings(timeout_ms=HASTY_MS), api=address))
        async with relay_server, closing(far):
            yield relay, far

    def start(self) -> None:
        if not self.server.running:
            self.server.start()

    def kill(self) -> None:
        self.server.kill()

    def wipe(self) -> None:
        shutil.rmtree(self.root / "etcd" / "data")

    def back_up(self) -> None:
        shutil.rmtree(self.root / "copy", ignore_errors=True)
        shutil.copytree(self.root / "etcd" / "data", self.root / "copy")

    def put_back(self) -> None:
        self.wipe()
        shutil.copytree(self.root / "copy", self.root / "etcd" / "data")

    def close(self) -> None:
        try:
            self.kill()
        finally:
            shutil.rmtree(self.root)


def make_user(settings: KubernetesSettings, user: str, rules: list[JsonObject]) -> str:
    """Give a user these rights in the namespace; the token. `settings` are an administrator's."""
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": user}, "rules": rules}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": user},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }

    async def make() -> None:
        api = KubernetesApi(settings)
        await api.write(Deed("create", RBAC, "roles", "default"), "POST", role)
        await api.write(Deed("create", RBAC, "rolebindings", "default"), "POST", binding)
        await api.close()

    run_apart(make())
    return f"{user}-token"
