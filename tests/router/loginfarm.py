"""Which real server do the tests of logins share?"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from howdah.postgres.connection import LocalSql
from howdah.postgres.routeraccess import RouterAccess
from tests.certificates import Authority
from tests.postgres.sqlserver import SqlServer, installation_with_tls, run, speaks_tls, template

ROUTER_PASSWORD = "password of the router"
RULES = (
    "local all howdah trust",
    "local all postgres trust",
    "host postgres howdah_router all scram-sha-256",
    "host all trusted all trust",
    "host all old all md5",
    "host all shut all reject",
    "host all all all scram-sha-256",
)
TLS_RULES = ("hostssl all clear all password", "hostnossl all bound all reject")
ROLES = """
    CREATE ROLE anna LOGIN PASSWORD 'secret';
    CREATE ROLE bound LOGIN PASSWORD 'secret';
    CREATE ROLE trusted LOGIN;
    CREATE ROLE shut LOGIN PASSWORD 'secret';
    CREATE ROLE clear LOGIN PASSWORD 'secret';
    CREATE ROLE gone LOGIN PASSWORD 'secret' VALID UNTIL '2001-01-01';
    CREATE ROLE nobody NOLOGIN PASSWORD 'secret';
    CREATE ROLE "Odd ä-name" LOGIN PASSWORD 'Ⅸ pä''ss word';
    SET password_encryption = 'md5';
    CREATE ROLE old LOGIN PASSWORD 'secret';
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServer]:
    """A primary that lets routers in, with the roles above; with TLS if it was built with it."""
    with _running(None, tmp_path_factory.mktemp("certificates")) as made:
        yield made


@pytest.fixture(scope="session")
def tls_server(server: SqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServer]:
    """The same with TLS, from whichever PostgreSQL knows it."""
    with ExitStack() as stack:
        if speaks_tls(server):
            yield server
        else:
            place = tmp_path_factory.mktemp("tls-certificates")
            yield stack.enter_context(_running(installation_with_tls(), place))


@contextmanager
def _running(installation: Path | None, certificates: Path) -> Iterator[SqlServer]:
    with template(installation) as make, closing(make()) as farm:
        primary = farm.primary()
        rules: tuple[str, ...] = RULES
        if speaks_tls(primary):
            pair = Authority(certificates).issue("server")
            for source, name in ((pair.certificate, "server.pem"), (pair.key, "server.key")):
                _give(primary, name, source.read_text())
            primary.configure(ssl="on", ssl_cert_file="server.pem", ssl_key_file="server.key")
            rules = (*TLS_RULES, *RULES)
        (primary.data / "pg_hba.conf").write_text("\n".join(rules) + "\n")
        primary.stop()
        primary.start()
        primary.sql("CREATE SCHEMA howdah AUTHORIZATION howdah")
        primary.sql("CREATE TABLE howdah.term (singleton boolean PRIMARY KEY, term bigint)")
        with primary.connect() as session:
            session.execute(ROLES.encode())
        asyncio.run(RouterAccess(LocalSql(str(farm.root), primary.port, 10_000), ROUTER_PASSWORD).keep())
        yield primary


def _give(server: SqlServer, name: str, text: str) -> None:
    """Write a file that only the server's account may read."""
    run(["sh", "-c", f"umask 077; cat > '{server.data / name}' <<'END'\n{text}END"])


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the router's and the clients' certificates."""
    return Authority(tmp_path_factory.mktemp("router-certificates"))


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    """Where a Unix socket may lie."""
    return tmp_path
