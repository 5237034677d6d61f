"""Which real server do the tests of the protocol share?"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.postgres.sqlserver import SqlServer, account, eventually, installation_with_tls, speaks_tls, template

HBA = """
local all all trust
hostssl all tls 127.0.0.1/32 scram-sha-256
host all scram 127.0.0.1/32 scram-sha-256
host all clear 127.0.0.1/32 password
host all md5 127.0.0.1/32 md5
host replication all 127.0.0.1/32 trust
host all all 127.0.0.1/32 trust
"""
PASSWORD = "pässword \u00a0with,=commas"

ROLES = f"""
SET password_encryption = 'scram-sha-256';
CREATE ROLE scram LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE clear LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE tls LOGIN PASSWORD '{PASSWORD}';
SET password_encryption = 'md5';
CREATE ROLE md5 LOGIN PASSWORD '{PASSWORD}';
CREATE TABLE copied (n int);
CREATE TABLE guarded (n int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no$$; END';
CREATE TRIGGER first BEFORE INSERT ON guarded FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TABLE deferred (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
INSERT INTO deferred VALUES (1);
"""


LOADED = "SELECT pg_conf_load_time()"


@pytest.fixture(scope="session")
def server() -> Iterator[SqlServer]:
    """A primary with a role for each way of logging in."""
    with _running(None) as made:
        yield made


@pytest.fixture(scope="session")
def tls_server(server: SqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServer]:
    """The same with TLS, from whichever PostgreSQL knows it."""
    with ExitStack() as stack:
        made = server
        if not speaks_tls(server):
            made = stack.enter_context(_running(installation_with_tls()))
        pair = Authority(tmp_path_factory.mktemp("authority")).issue("server")
        for source, name in ((pair.certificate, "server.pem"), (pair.key, "server.key")):
            _place(source, made.data / name)
        made.reload(ssl="on", ssl_cert_file="server.pem", ssl_key_file="server.key")
        eventually(lambda: made.sql("SHOW ssl") == "on", f"TLS is on:\n{made.log}")
        yield made


@contextmanager
def _running(installation: Path | None) -> Iterator[SqlServer]:
    with template(installation) as make, closing(make()) as farm:
        made = farm.primary(settings={"wal_level": "replica", "log_min_messages": "fatal"})
        made.sql(ROLES)
        (made.data / "pg_hba.conf").write_text(HBA)
        before = made.sql(LOADED)
        made.reload()
        eventually(lambda: made.sql(LOADED) != before, "the rules of login are in force")
        yield made


def _place(source: Path, target: Path) -> None:
    """A copy that belongs to the server's account, as servers demand of keys."""
    target.touch(mode=0o600)
    target.write_bytes(source.read_bytes())
    if (name := account()) is not None:
        shutil.chown(target, name)
