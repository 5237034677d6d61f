"""Do real servers let us in: by password, by captured key, by md5, over TLS with channel binding?"""

import os
import ssl
from base64 import b64encode

import pytest

from howdah.wire.md5 import is_md5_verifier, md5_verifier
from howdah.wire.saslprep import saslprep
from howdah.wire.scram import MECHANISM, MECHANISM_PLUS, derive_keys, mechanisms, parse_verifier, verifier_of
from howdah.wire.scramclient import first_message
from howdah.wire.scramserver import challenge
from tests.postgres.sqlserver import SqlServer
from tests.wire.conftest import PASSWORD
from tests.wire.wireclient import Refused, WireClient, binding, connected, connected_by_tls

SECRET = PASSWORD.encode()


def login(user: str) -> tuple[tuple[str, str], ...]:
    return (("user", user), ("database", "postgres"))


def whoami(client: WireClient) -> bytes | None:
    return client.query("SELECT current_user")[0][0]


def verifier_text(server: SqlServer, user: str) -> str:
    return str(server.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{user}'"))


def test_a_password_logs_in(server: SqlServer) -> None:
    with connected(server.port) as client:
        client.log_in(login("scram"), SECRET)
        assert client.mechanism == MECHANISM
        assert whoami(client) == b"scram"


def test_a_wrong_password_does_not(server: SqlServer) -> None:
    with connected(server.port) as client:
        with pytest.raises(Refused) as caught:
            client.log_in(login("scram"), b"wrong")
        assert caught.value.report.sqlstate == "28P01"
        assert caught.value.report.fatal


def test_our_verifier_of_the_password_is_the_servers(server: SqlServer) -> None:
    theirs = parse_verifier(verifier_text(server, "scram"))
    assert verifier_of(derive_keys(SECRET, theirs.salt, theirs.iterations)) == theirs
    assert str(theirs) == verifier_text(server, "scram")


def test_a_key_captured_from_a_client_logs_in_to_the_server(server: SqlServer) -> None:
    verifier = parse_verifier(verifier_text(server, "scram"))
    nonces = [b64encode(os.urandom(18)) for _ in range(2)]
    first = first_message(mechanisms(None), nonces[0], False, None)
    asked = challenge(first.mechanism, first.message, verifier, nonces[1], None)
    proven = asked.check(first.answer(asked.message, SECRET).message)
    assert proven is not None
    with connected(server.port) as client:
        client.log_in(login("scram"), proven.keys)
        assert whoami(client) == b"scram"


def test_a_captured_key_logs_in_again_and_again(server: SqlServer) -> None:
    with connected(server.port) as client:
        client.log_in(login("scram"), SECRET)
        keys = client.keys
    assert keys is not None
    for _ in range(2):
        with connected(server.port) as client:
            client.log_in(login("scram"), keys)
            assert whoami(client) == b"scram"


def test_a_login_over_tls_binds_to_the_channel(tls_server: SqlServer) -> None:
    with connected_by_tls(tls_server.port) as (client, certificate):
        client.log_in(login("tls"), SECRET, bind_to=binding(certificate))
        assert client.mechanism == MECHANISM_PLUS
        assert whoami(client) == b"tls"


def test_a_binding_to_another_certificate_is_refused_by_the_server(tls_server: SqlServer) -> None:
    with connected_by_tls(tls_server.port) as (client, _), pytest.raises(Refused, match="channel binding check failed"):
        client.log_in(login("tls"), SECRET, bind_to=b"x" * 32)


def test_a_login_over_tls_without_binding_is_taken(tls_server: SqlServer) -> None:
    with connected_by_tls(tls_server.port) as (client, _):
        client.log_in(login("tls"), SECRET)
        assert client.mechanism == MECHANISM


def test_tls_can_begin_at_once(tls_server: SqlServer) -> None:
    if int(str(tls_server.sql("SHOW server_version_num"))) < 170_000:
        pytest.skip("direct TLS came with PostgreSQL 17: install Debian's package of a newer one")
    with connected_by_tls(tls_server.port, direct=True) as (client, certificate):
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.selected_alpn_protocol() == "postgresql"
        client.log_in(login("tls"), SECRET, bind_to=binding(certificate))


def test_a_password_in_the_clear_logs_in(server: SqlServer) -> None:
    with connected(server.port) as client:
        client.log_in(login("clear"), SECRET)
        assert whoami(client) == b"clear"


def test_md5_logs_in(server: SqlServer) -> None:
    verifier = verifier_text(server, "md5")
    assert is_md5_verifier(verifier)
    assert verifier == md5_verifier(SECRET, "md5")
    with connected(server.port) as client:
        client.log_in(login("md5"), SECRET)
        assert whoami(client) == b"md5"


ODD = (
    "I\u00adX \u00aa \u2168 a\u00a0b \u0007 \u0627\u0031 \u0627\u0628 \u0627b \ufb01 \u0221 e\u0301 \u00ad "
    "\U0001f600 \u06dd \ue000 \u00c5 \u200d"
)


@pytest.mark.parametrize("password", [*ODD.split(" "), "\u1680", "\u2028", "plain"])
def test_passwords_of_every_kind_are_prepared_as_the_server_does(server: SqlServer, password: str) -> None:
    quoted = password.replace("'", "''")
    server.sql(f"CREATE ROLE odd PASSWORD '{quoted}'")
    try:
        theirs = parse_verifier(verifier_text(server, "odd"))
    finally:
        server.sql("DROP ROLE odd")
    assert saslprep(password.encode())
    assert verifier_of(derive_keys(password.encode(), theirs.salt, theirs.iterations)) == theirs
