"""Do real clients (libpq, by psycopg) log in to what this room makes of a server?"""

import ssl
from pathlib import Path
from typing import Any

import psycopg
import pytest

from howdah.wire.md5 import md5_verifier
from howdah.wire.scram import MECHANISM, MECHANISM_PLUS, derive_keys, mock_verifier, verifier_of
from howdah.wire.startup import Opening
from tests.certificates import Authority, Pair
from tests.wire.loginserver import LoginServer
from tests.wire.wireclient import binding

PASSWORD = "pässword ﬁ\u00a0with,=commas"
KEYS = derive_keys(PASSWORD.encode(), b"some salt of some", 4096)
VERIFIER = verifier_of(KEYS)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate for loopback."""
    return Authority(tmp_path_factory.mktemp("authority")).issue("server")


def tls_context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_alpn_protocols(["postgresql"])
    return context


def der_of(certificate: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


def log_in(port: int, password: str = PASSWORD, **options: str) -> int:
    """Log in and out by libpq; returns the version of the protocol."""
    arguments: dict[str, Any] = {"user": "somebody", "dbname": "db", "sslmode": "disable", **options}
    with psycopg.connect(
        host="127.0.0.1", port=port, password=password, connect_timeout=20, autocommit=True, **arguments
    ) as connection:
        return connection.pgconn.protocol_version


def test_libpq_logs_in_and_its_key_is_captured() -> None:
    with LoginServer(VERIFIER) as server:
        log_in(server.port)
    (login,) = server.logins
    assert login.startup is not None
    assert (login.startup.user, login.startup.database) == ("somebody", "db")
    assert (login.mechanism, login.keys) == (MECHANISM, KEYS)


def test_libpq_with_a_wrong_password_is_refused() -> None:
    with LoginServer(VERIFIER) as server, pytest.raises(psycopg.OperationalError, match="authentication failed"):
        log_in(server.port, "wrong")
    assert server.logins[0].keys is None


def test_a_user_who_does_not_exist_is_refused_in_the_same_words() -> None:
    unknown = mock_verifier("somebody", b"secret")
    with LoginServer(unknown) as server, pytest.raises(psycopg.OperationalError, match="authentication failed"):
        log_in(server.port)


def test_libpq_demands_a_binding_to_the_channel_and_gets_it(pair: Pair) -> None:
    endpoint = binding(der_of(pair.certificate))
    with LoginServer(VERIFIER, tls_context(pair), endpoint) as server:
        log_in(server.port, sslmode="require", channel_binding="require")
    (login,) = server.logins
    assert login.asked == [Opening.SSL]
    assert (login.mechanism, login.keys) == (MECHANISM_PLUS, KEYS)


def test_libpq_without_a_binding_logs_in_over_tls(pair: Pair) -> None:
    endpoint = binding(der_of(pair.certificate))
    with LoginServer(VERIFIER, tls_context(pair), endpoint) as server:
        log_in(server.port, sslmode="require", channel_binding="disable")
    assert server.logins[0].mechanism == MECHANISM


def test_libpq_that_demands_a_binding_does_not_log_in_without_one(pair: Pair) -> None:
    with LoginServer(VERIFIER, tls_context(pair)) as server, pytest.raises(psycopg.OperationalError):
        log_in(server.port, sslmode="require", channel_binding="require")


def test_a_binding_to_a_certificate_that_is_not_shown_is_refused(pair: Pair) -> None:
    refused = pytest.raises(psycopg.OperationalError, match="channel binding check failed")
    with LoginServer(VERIFIER, tls_context(pair), b"x" * 32) as server, refused:
        log_in(server.port, sslmode="require", channel_binding="require")


def test_libpq_logs_in_by_md5() -> None:
    with LoginServer(md5_verifier(PASSWORD.encode(), "somebody")) as server:
        log_in(server.port)
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            log_in(server.port, "wrong")


def test_libpq_goes_on_in_the_clear_where_there_is_no_tls() -> None:
    with LoginServer(VERIFIER) as server:
        log_in(server.port, sslmode="prefer")
    assert server.logins[0].asked == [Opening.SSL]
    assert server.logins[0].keys == KEYS


def test_libpq_speaks_the_newest_version_it_knows_and_takes_a_long_cancel_key() -> None:
    newest = {"max_protocol_version": "3.2"} if psycopg.pq.version() >= 180_000 else {}
    with LoginServer(VERIFIER) as server:
        assert log_in(server.port, **newest) == 3
    startup = server.logins[0].startup
    assert startup is not None
    assert startup.minor == (2 if newest else 0)
