"""Real clients log in, and what they showed opens connections to a real server."""

import asyncio
import os
import pwd
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import pq

from howdah.configuration.router import ClientTlsSettings, ServerTlsSettings
from howdah.router.tls import ClientSide, client_side, server_side
from howdah.routing.credentials import Credentials, Md5Hash, NoSecret, Password
from howdah.routing.serverlogin import Failure, LoginFailed, ServerReady, ServerStartup
from howdah.wire.md5 import md5_verifier
from howdah.wire.scram import Keys
from howdah.wire.startup import Replication
from tests.certificates import Authority
from tests.postgres.sqlserver import SqlServer
from tests.router.loginfarm import ROUTER_PASSWORD
from tests.router.loginserver import LoginServer, listening, open_connection, verifiers_of

T = TypeVar("T")
ODD = ("Odd ä-name", "Ⅸ pä'ss word")


def play(server: SqlServer, story: Callable[[LoginServer, int], Awaitable[T]], **served: Any) -> T:
    """A login server in front of the real one."""

    async def run() -> T:
        async with verifiers_of(server, ROUTER_PASSWORD) as verifiers:
            one = LoginServer(verifiers, **served)
            async with listening(one) as port:
                return await story(one, port)

    return asyncio.run(run())


async def client(port: int, user: str = "anna", password: str = "secret", **options: Any) -> str:
    """libpq logs in and leaves: "" or why it could not."""

    def connect() -> str:
        wanted = {"host": "127.0.0.1", "dbname": "postgres", "sslmode": "disable", "connect_timeout": 20, **options}
        try:
            psycopg.connect(port=port, user=user, password=password, **wanted).close()
        except psycopg.OperationalError as error:
            return str(error)
        return ""

    return await asyncio.to_thread(connect)


def test_the_keys_of_a_client_s_login_log_in_to_the_server(server: SqlServer) -> None:
    async def story(one: LoginServer, port: int) -> None:
        for user, password in (("anna", "secret"), ODD):
            assert await client(port, user, password) == ""
            came = one.came.pop()
            assert came.user == user and isinstance(came.credentials, Keys)
            startup = ServerStartup(user, "postgres", (("application_name", "shop - 10.0.0.1"),))
            ready = await open_connection(server.port, startup, came.credentials)
            assert isinstance(ready, ServerReady), ready
            assert ready.parameters["application_name"] == "shop - 10.0.0.1"
            assert not ready.in_hot_standby and ready.rest == b""
            assert ready.key is not None and ready.key.pid

    play(server, story)


@pytest.mark.parametrize(
    ("user", "password", "says"),
    [
        ("anna", "wrong", "password authentication failed for user"),
        ("stranger", "secret", "password authentication failed for user"),
        ("gone", "secret", "password authentication failed for user"),
        ("howdah", "secret", "password authentication failed for user"),
        ("old", "secret", "password authentication failed for user"),
        ("nobody", "secret", "not permitted to log in"),
    ],
)
def test_libpq_is_refused_as_by_postgresql(server: SqlServer, user: str, password: str, says: str) -> None:
    async def story(one: LoginServer, port: int) -> None:
        assert f"FATAL:  {says}" in (await client(port, user, password)).replace('role "nobody" is ', "")
        assert not one.came and len(one.refusals) == 1

    play(server, story)


def test_a_role_is_known_when_it_is_made_and_refused_when_it_changes(server: SqlServer) -> None:
    async def story(_: LoginServer, port: int) -> None:
        assert await client(port, "new") != ""
        for statement, lets_in in (
            ("CREATE ROLE new LOGIN PASSWORD 'secret'", True),
            ("ALTER ROLE new PASSWORD 'other'", False),
            ("ALTER ROLE new PASSWORD 'secret'", True),
            ("ALTER ROLE new VALID UNTIL '2001-01-01'", False),
            ("ALTER ROLE new VALID UNTIL 'infinity'", True),
            ("ALTER ROLE new NOLOGIN", False),
            ("DROP ROLE new", False),
        ):
            await asyncio.to_thread(server.sql, statement)
            assert (await client(port, "new") == "") == lets_in, statement

    play(server, story)


def test_keys_from_before_a_change_of_password_are_refused_and_that_is_said(server: SqlServer) -> None:
    async def story(one: LoginServer, port: int) -> None:
        await asyncio.to_thread(server.sql, "CREATE ROLE changing LOGIN PASSWORD 'secret'")
        assert await client(port, "changing") == ""
        await asyncio.to_thread(server.sql, "ALTER ROLE changing PASSWORD 'secret'")  # with a new salt
        failed = await open_connection(server.port, ServerStartup("changing", "postgres"), one.came[0].credentials)
        assert isinstance(failed, LoginFailed)
        assert (failed.failure, failed.sqlstate) == (Failure.CREDENTIALS, "28P01")
        await asyncio.to_thread(server.sql, "DROP ROLE changing")

    play(server, story)


def test_an_old_role_logs_in_by_md5_on_both_sides(server: SqlServer) -> None:
    async def story(one: LoginServer, port: int) -> None:
        assert await client(port, "old") == ""
        assert await client(port, "old", "wrong") != ""
        (came,) = one.came
        assert came.credentials == Md5Hash(md5_verifier(b"secret", "old"))
        assert isinstance(
            await open_connection(server.port, ServerStartup("old", "postgres"), came.credentials), ServerReady
        )

    play(server, story, rules=("host all all all md5",))


def test_a_socket_s_account_is_its_peer_name(server: SqlServer, sockets: Path) -> None:
    async def run() -> None:
        async with verifiers_of(server, ROUTER_PASSWORD) as verifiers:
            one = LoginServer(verifiers, ("local all all peer",))
            async with listening(one, sockets) as port:
                mine = pwd.getpwuid(os.geteuid()).pw_name
                known = await asyncio.to_thread(server.sql, f"SELECT 1 FROM pg_roles WHERE rolname = '{mine}'")
                if not known:  # it is the server's own account if the tests run as that
                    await asyncio.to_thread(server.sql, f'CREATE ROLE "{mine}" LOGIN')
                assert await client(port, mine, host=str(sockets)) == ""
                assert "Peer authentication failed" in await client(port, "anna", host=str(sockets))
                assert one.came[0].credentials == NoSecret("peer")
                if not known:
                    await asyncio.to_thread(server.sql, f'DROP ROLE "{mine}"')

    asyncio.run(run())


# TLS


def our_side(authority: Authority, **settings: Any) -> ClientSide:
    pair = authority.issue("router")
    made = client_side(ClientTlsSettings(mode="allow", cert_file=pair.certificate, key_file=pair.key, **settings))
    assert made is not None
    return made


def test_libpq_binds_its_login_to_our_certificate(server: SqlServer, authority: Authority) -> None:
    async def story(one: LoginServer, port: int) -> None:
        checked = {"sslmode": "verify-full", "sslrootcert": str(authority.file), "channel_binding": "require"}
        assert await client(port, host="localhost", hostaddr="127.0.0.1", **checked) == ""
        assert one.came[0].tls
        assert await client(port) == ""  # and plainly, where TLS is not required

    play(server, story, tls=our_side(authority))


def test_a_client_s_certificate_is_its_name(server: SqlServer, authority: Authority) -> None:
    def shown(name: str) -> dict[str, str]:
        pair = authority.issue(name)
        return {"sslmode": "require", "sslcert": str(pair.certificate), "sslkey": str(pair.key)}

    async def story(one: LoginServer, port: int) -> None:
        assert await client(port, "anna", "", **shown("anna")) == ""
        assert one.came[0].credentials == NoSecret("cert")
        assert "certificate authentication failed" in await client(port, "anna", "", **shown("bound"))
        assert "certificate authentication failed" in await client(port, "anna", "", sslmode="require")

    side = our_side(authority, client_certificates="allow", ca_file=authority.file)
    play(server, story, tls=side, rules=("hostssl all all all cert",))


def test_ldap_passwords_come_in_the_clear_within_tls_only(server: SqlServer, authority: Authority) -> None:
    async def story(one: LoginServer, port: int) -> None:
        assert await client(port, "clear", "secret", sslmode="require") == ""
        assert "LDAP authentication failed" in await client(port, "clear", "wrong", sslmode="require")
        assert "no access rule" in await client(port, "clear", "secret")
        assert one.came[0].credentials == Password(b"secret")

    rules = ("hostssl all all all ldap ldapserver=ldap.example ldapprefix=uid=",)
    play(server, story, tls=our_side(authority), rules=rules, ldap_password=b"secret")


# the server's side, by each of its methods


def open_one(
    server: SqlServer, user: str, credentials: Credentials, tls: bool = False, **startup: Any
) -> ServerReady | LoginFailed:
    context: ssl.SSLContext | None = server_side(ServerTlsSettings(mode="require")) if tls else None
    wanted = ServerStartup(user, startup.pop("database", "postgres"), **startup)
    return asyncio.run(open_connection(server.port, wanted, credentials, context))


@pytest.mark.parametrize(("where", "tls"), [("server", False), ("tls_server", True)])
@pytest.mark.parametrize(
    ("user", "credentials"),
    [
        ("anna", Password(b"secret")),
        (ODD[0], Password(ODD[1].encode())),
        ("old", Password(b"secret")),
        ("old", Md5Hash(md5_verifier(b"secret", "old"))),
        ("trusted", NoSecret("peer")),
    ],
)
def test_the_server_lets_in_who_has_what_it_asks_for(
    request: pytest.FixtureRequest, where: str, user: str, credentials: Credentials, tls: bool
) -> None:
    ready = open_one(request.getfixturevalue(where), user, credentials, tls)
    assert isinstance(ready, ServerReady), ready
    assert ready.parameters["server_encoding"] == "UTF8"


def test_over_tls_the_login_is_bound_to_the_server_s_certificate(tls_server: SqlServer) -> None:
    ready = open_one(tls_server, "bound", Password(b"secret"), tls=True)
    assert isinstance(ready, ServerReady), ready
    failed = open_one(tls_server, "bound", Password(b"secret"))
    assert isinstance(failed, LoginFailed) and failed.failure is Failure.SHUT


def test_with_tls_on_both_sides_the_router_s_two_halves_bind_to_one_certificate(
    server: SqlServer, authority: Authority
) -> None:
    async def story(one: LoginServer, port: int) -> None:
        checked = server_side(ServerTlsSettings(mode="verify-full", ca_file=authority.file))
        ready = await open_connection(port, ServerStartup("anna", "postgres"), Password(b"secret"), checked)
        assert isinstance(ready, ServerReady), ready
        assert one.came[0].tls

    play(server, story, tls=our_side(authority))


def test_a_password_goes_out_in_the_clear_only_over_tls(tls_server: SqlServer) -> None:
    assert isinstance(open_one(tls_server, "clear", Password(b"secret"), tls=True), ServerReady)
    failed = open_one(tls_server, "clear", Md5Hash(md5_verifier(b"secret", "clear")), tls=True)
    assert isinstance(failed, LoginFailed) and "has only an MD5 hash of it" in failed.why


@pytest.mark.parametrize(
    ("user", "credentials", "database", "failure", "state"),
    [
        ("anna", Password(b"wrong"), "postgres", Failure.CREDENTIALS, "28P01"),
        ("anna", NoSecret("peer"), "postgres", Failure.CREDENTIALS, "28000"),
        ("anna", Md5Hash("md5" + "0" * 32), "postgres", Failure.CREDENTIALS, "28000"),
        ("anna", Password(b"secret"), "no such", Failure.NO_DATABASE, "3D000"),
        ("shut", Password(b"secret"), "postgres", Failure.SHUT, "28000"),
        ("nobody", Password(b"secret"), "postgres", Failure.CREDENTIALS, "28000"),
    ],
)
def test_why_a_server_refuses_is_told_apart(
    server: SqlServer, user: str, credentials: Credentials, database: str, failure: Failure, state: str
) -> None:
    failed = open_one(server, user, credentials, database=database)
    assert isinstance(failed, LoginFailed)
    assert (failed.failure, failed.sqlstate) == (failure, state)
    assert failed.message.startswith(b"E") and failed.why


def test_a_full_server_is_told_apart_from_one_that_refuses(server: SqlServer) -> None:
    server.sql("ALTER ROLE anna CONNECTION LIMIT 0")
    failed = open_one(server, "anna", Password(b"secret"))
    server.sql("ALTER ROLE anna CONNECTION LIMIT -1")
    assert isinstance(failed, LoginFailed) and (failed.failure, failed.sqlstate) == (Failure.FULL, "53300")


@pytest.mark.parametrize("minor", [0, 2])
def test_either_protocol_version_is_spoken_with_the_server(server: SqlServer, minor: int) -> None:
    ready = open_one(server, "anna", Password(b"secret"), minor=minor)
    assert isinstance(ready, ServerReady) and ready.key is not None
    assert len(ready.key.secret) == (32 if ready.minor == 2 else 4)
    assert ready.minor <= minor


def test_replication_connections_are_opened_too(server: SqlServer) -> None:
    server.sql("ALTER ROLE anna REPLICATION")
    ready = open_one(server, "anna", Password(b"secret"), replication=Replication.LOGICAL)
    server.sql("ALTER ROLE anna NOREPLICATION")
    assert isinstance(ready, ServerReady)


# cancel


@pytest.mark.parametrize("tls", [False, True])
def test_libpq_s_cancel_finds_its_session(server: SqlServer, authority: Authority, tls: bool) -> None:
    def cancel(port: int) -> None:
        how = "require" if tls else "disable"
        with psycopg.connect(
            host="127.0.0.1", port=port, user="anna", password="secret", dbname="postgres", sslmode=how
        ) as one:
            one.autocommit = True
            if pq.version() >= 170000:
                one.cancel_safe(timeout=20)  # over TLS where the connection has it
            else:
                one.cancel()

    async def story(one: LoginServer, port: int) -> None:
        await asyncio.to_thread(cancel, port)
        await one.cancel_came.wait()
        assert one.cancelled == ["anna"]

    play(server, story, tls=our_side(authority))
