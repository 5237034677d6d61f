"""Who stands between clients and servers, and how is each started for a fair comparison?

All get at most 20 server connections for a database, where they pool at all, check SCRAM passwords, and write no line
for each connection.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.processortime import family
from howdah.postgres.account import choose_account
from howdah.postgres.layout import SUPERUSER
from tests.certificates import Pair
from tests.ports import free_port
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import PASSWORD
from tests.realcluster.processes import eventually

POOL_SIZE = 20
CLIENTS_MOST = 5000
PGPOOL_CHILDREN = 220
"""A process for each client that it serves at a time."""
DATABASE = "postgres"
SESSION_DATABASE = "postgres_session"
"""At PgBouncer: the same one, with a server connection for each client."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """`pid` 0: nobody, clients connect directly. `pools`: it serves more clients than it has server connections.
    `prepared_database`: under which name prepared statements work."""

    name: str
    version: str
    port: int
    pid: int
    pools: bool
    tls: bool
    prepared_database: str = DATABASE

    def processes(self) -> list[int]:
        """All of it."""
        return family(self.pid) if self.pid else []


DEBIAN = {"pgbouncer": "pgbouncer", "pgpool": "pgpool2", "haproxy": "haproxy"}
UNKNOWN = ("pgcat", "pgdog")


def missing() -> list[str]:
    """A sentence for each that is not here."""
    sentences = [
        f"{program} is not installed (Debian: apt-get install {package})"
        for program, package in DEBIAN.items()
        if _program(program) is None
    ]
    return sentences + [
        f"{program} is {'here, but' if _program(program) else 'not installed, and'} this benchmark has no set-up for it"
        for program in UNKNOWN
    ]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def _running(
    name: str, command: list[str], directory: Path, port: int, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, under an account that is not root; it ends with the block."""
    account = choose_account()
    if account is not None:
        for path in (directory, *directory.iterdir()):
            os.chown(path, account.uid, account.gid)
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            stdout=output,
            stderr=output,
            env={**os.environ, **more},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    try:
        eventually(lambda: _answers(process, port), f"{name} answers: {log}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "it ended"
    try:
        with psycopg.connect(
            host="127.0.0.1", port=port, user=SUPERUSER, password=PASSWORD, dbname=DATABASE, connect_timeout=5
        ) as client:
            client.execute("SELECT 1")
    except psycopg.Error:
        time.sleep(0.1)
        return False
    return True


def _version(program: str, option: str = "--version") -> str:
    said = subprocess.run([program, option], capture_output=True, text=True, check=False)
    words = (said.stdout + said.stderr).split("\n")[0].split()
    return next((word for word in words if word[:1].isdigit()), "?")


def _below(cluster: RealCluster, name: str) -> Path:
    directory = cluster.root / f"bench-{name}"
    directory.mkdir(mode=0o755)
    return directory


@contextlib.contextmanager
def pgbouncer(cluster: RealCluster, pair: Pair) -> Iterator[Proxy | None]:
    """Transaction pooling; a second name for the same database with session pooling, since the older versions know
    prepared statements in no other way."""
    program = _program("pgbouncer")
    if program is None:
        yield None
        return
    directory, port, server = _below(cluster, "pgbouncer"), free_port(), cluster.primary()
    certificate, key = (shutil.copy(path, directory) for path in (pair.certificate, pair.key))
    version = _version(program)
    old = tuple(int(part) for part in version.split(".")[:2]) < (1, 21)
    (directory / "users").write_text(f'"{SUPERUSER}" "{PASSWORD}"\n')
    where = f"host={server.host} port={server.port} dbname={DATABASE}"
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n{DATABASE} = {where}\n{SESSION_DATABASE} = {where} pool_mode=session\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n"
        f"auth_file = {directory}/users\npool_mode = transaction\ndefault_pool_size = {POOL_SIZE}\n"
        f"max_client_conn = {CLIENTS_MOST}\nlog_connections = 0\nlog_disconnections = 0\nlog_stats = 0\n"
        f"ignore_startup_parameters = extra_float_digits,options\nclient_tls_sslmode = allow\n"
        f"client_tls_cert_file = {certificate}\nclient_tls_key_file = {key}\n"
        + ("" if old else "max_prepared_statements = 200\n")
    )
    with _running("pgbouncer", [program, "pgbouncer.ini"], directory, port) as process:
        yield Proxy("PgBouncer", version, port, process.pid, True, True, SESSION_DATABASE if old else DATABASE)


@contextlib.contextmanager
def pgpool(cluster: RealCluster, pair: Pair) -> Iterator[Proxy | None]:
    """Read/write splitting over all three servers, reads to the standbys."""
    program = _program("pgpool")
    if program is None:
        yield None
        return
    directory, port = _below(cluster, "pgpool"), free_port()
    certificate, key = (shutil.copy(path, directory) for path in (pair.certificate, pair.key))
    primary = cluster.primary()
    nodes = [primary, *(node for node in cluster.nodes.values() if node is not primary)]
    backends = "".join(
        f"backend_hostname{number} = '{node.host}'\nbackend_port{number} = {node.port}\n"
        f"backend_weight{number} = {0 if node is primary else 1}\nbackend_flag{number} = 'DISALLOW_TO_FAILOVER'\n"
        for number, node in enumerate(nodes)
    )
    (directory / "pool_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    (directory / "passwords").write_text(f"{SUPERUSER}:TEXT{PASSWORD}\n")
    (directory / "pcp.conf").write_text("")
    (directory / "pgpool.conf").write_text(
        f"backend_clustering_mode = 'streaming_replication'\nlisten_addresses = '127.0.0.1'\nport = {port}\n"
        f"{backends}unix_socket_directories = '{directory}'\npcp_socket_dir = '{directory}'\npcp_port = {free_port()}\n"
        f"pid_file_name = '{directory}/pgpool.pid'\nlogdir = '{directory}'\nwork_dir = '{directory}'\n"
        f"num_init_children = {PGPOOL_CHILDREN}\nmax_pool = 1\nenable_pool_hba = on\npool_passwd = 'passwords'\n"
        f"load_balance_mode = on\nstatement_level_load_balance = on\nconnection_cache = on\nlog_client_messages = off\n"
        f"sr_check_user = '{SUPERUSER}'\nsr_check_password = '{PASSWORD}'\nsr_check_database = '{DATABASE}'\n"
        f"health_check_period = 0\nssl = on\nssl_cert = '{certificate}'\nssl_key = '{key}'\n"
    )
    (directory / "pgpoolkey").touch(0o600)
    command = [
        program, "-n", "-f", f"{directory}/pgpool.conf", "-a", f"{directory}/pool_hba.conf", "-F",
        f"{directory}/pcp.conf", "-k", f"{directory}/pgpoolkey",
    ]  # fmt: skip
    with _running("pgpool", command, directory, port) as process:
        yield Proxy("Pgpool-II", _version(program), port, process.pid, False, True)


@contextlib.contextmanager
def haproxy(cluster: RealCluster, pair: Pair) -> Iterator[Proxy | None]:
    """Bytes to the primary: it knows nothing of the protocol. TLS would be the server's own affair, and the embedded
    one has none."""
    del pair
    program = _program("haproxy")
    if program is None:
        yield None
        return
    directory, port, server = _below(cluster, "haproxy"), free_port(), cluster.primary()
    (directory / "haproxy.cfg").write_text(
        f"global\n  maxconn {CLIENTS_MOST}\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n"
        f"  timeout server 1h\nfrontend clients\n  bind 127.0.0.1:{port}\n  default_backend primary\n"
        f"backend primary\n  server primary {server.host}:{server.port}\n"
    )
    with _running("haproxy", [program, "-db", "-f", f"{directory}/haproxy.cfg"], directory, port) as process:
        yield Proxy("HAProxy", _version(program, "-v"), port, process.pid, False, False)
