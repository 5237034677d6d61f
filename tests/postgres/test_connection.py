"""How the agent's SQL ends when the server does not answer as it should."""

import asyncio
import os
import signal
from contextlib import suppress

import psutil
import psycopg
import pytest

from howdah.ports.postgres import ConnectionsTaken
from howdah.postgres.connection import KeptSql, LocalSql, ServerObjected, ServerRefused, ServerSilent
from tests.ports import free_port
from tests.postgres.sqlserver import Farm, SqlServer, eventually
from tests.signals import send


def local(server: SqlServer, timeout_ms: int = 5000) -> LocalSql:
    return LocalSql(str(server.farm.root), server.port, timeout_ms)


async def ask(sql: LocalSql, statement: str, *parameters: str) -> list[tuple[str | None, ...]]:
    async with sql.session() as connection:
        return await connection.query(statement, *parameters)


def open_sockets() -> int:
    return len(psutil.Process().net_connections("all"))


def test_rows_come_back_as_text(farm: Farm) -> None:
    server = farm.primary()
    rows = asyncio.run(ask(local(server), "SELECT x, NULL, ' ü ' || $1 FROM generate_series(1, 2) AS x", "a'b"))
    assert rows == [("1", None, " ü a'b"), ("2", None, " ü a'b")]


def test_tcp_and_an_abstract_socket_serve_as_well(farm: Farm) -> None:
    server = farm.primary()
    assert asyncio.run(ask(LocalSql("127.0.0.1", server.port), "SELECT 1")) == [("1",)]
    server.stop()
    name = f"@howdah-test-{server.port}"
    server.settings["unix_socket_directories"] = name
    path = server.data / "postgresql.auto.conf"
    path.write_text(f"unix_socket_directories = '{name}'\n")
    server.start(wait=False)
    eventually(lambda: "ready to accept" in server.log.rsplit("shut down", 1)[-1], "ready")
    assert asyncio.run(ask(LocalSql(name, server.port), "SELECT 1")) == [("1",)]


def test_the_session_never_waits_for_standbys_whatever_the_role_or_database_says(farm: Farm) -> None:
    server = farm.primary()
    server.sql("ALTER ROLE howdah SET synchronous_commit = remote_apply")
    server.sql("ALTER DATABASE postgres SET default_transaction_read_only = on")
    rows = asyncio.run(
        ask(local(server), "SELECT current_setting('synchronous_commit'), current_setting('transaction_read_only')")
    )
    assert rows == [("local", "off")]


def test_the_users_environment_leads_the_agent_nowhere_else(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    server = farm.primary()
    for name, value in (("PGHOSTADDR", "192.0.2.1"), ("PGTARGETSESSIONATTRS", "standby"), ("PGDATABASE", "none")):
        monkeypatch.setenv(name, value)
    assert asyncio.run(ask(local(server), "SELECT current_database()")) == [("postgres",)]


def test_a_server_that_is_not_there_refuses(tmp_path: os.PathLike[str]) -> None:
    for host in (str(tmp_path), "127.0.0.1", f"@howdah-nobody-{os.getpid()}"):
        with pytest.raises(ServerRefused, match="cannot be reached"):
            asyncio.run(ask(LocalSql(host, free_port()), "SELECT 1"))


def test_an_error_of_the_server_carries_its_sqlstate_and_leaves_the_session_usable(farm: Farm) -> None:
    server = farm.primary()

    async def run() -> None:
        async with local(server).session() as connection:
            with pytest.raises(ServerObjected, match="does not exist") as caught:
                await connection.query("SELECT * FROM nowhere")
            assert caught.value.sqlstate == "42P01"
            assert await connection.one("SELECT 1") == ("1",)

    asyncio.run(run())


def test_a_refused_login_names_the_role(farm: Farm) -> None:
    server = farm.primary()
    with pytest.raises(ServerObjected, match="refuses the login of role stranger"):
        asyncio.run(ask(LocalSql(str(farm.root), server.port, user="stranger"), "SELECT 1"))


def test_superusers_that_have_taken_every_connection_do_not_keep_the_agent_out(farm: Farm) -> None:
    """It takes one of those that PostgreSQL counts apart, for replication: forked as anew, and it takes SQL."""
    server = farm.primary()
    sessions: list[psycopg.Connection[tuple[object, ...]]] = []
    tricky = "a'b \\ $1 ü"
    try:
        with suppress(psycopg.OperationalError):
            while True:
                sessions.append(server.connect())
        asked = (
            "SELECT $2::text || current_setting($1), backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        rows = asyncio.run(ask(local(server), asked, "port", tricky))
        assert rows == [(f"{tricky}{server.port}", "walsender")]
        with pytest.raises(ServerObjected, match="no such setting"):
            asyncio.run(ask(local(server), "SELECT current_setting($1)", "no such setting"))
        with pytest.raises(ConnectionsTaken):
            asyncio.run(ask(LocalSql(str(farm.root), server.port, user="postgres"), "SELECT 1"))
    finally:
        for session in sessions:
            session.close()


def test_a_full_server_says_so_and_a_kept_connection_goes_on(farm: Farm) -> None:
    """Where those for replication are taken too, or those who take the connections never say who they are."""
    server = farm.primary()
    sessions: list[psycopg.Connection[tuple[object, ...]]] = []

    async def story() -> list[tuple[str | None, ...]]:
        kept = KeptSql(local(server))
        try:
            await kept.query("SELECT 1")
            for options in ({}, {"replication": "database"}):
                with suppress(psycopg.OperationalError):
                    while True:
                        sessions.append(server.connect(**options))
            with pytest.raises(ConnectionsTaken, match="no connection left"):
                await ask(local(server), "SELECT 1")
            return await kept.query("SELECT 2")
        finally:
            kept.close()
            for session in sessions:
                session.close()

    assert asyncio.run(story()) == [("2",)]


def test_a_stopped_postmaster_is_silent_and_so_is_a_stopped_backend(farm: Farm) -> None:
    server = farm.primary()
    before = open_sockets()

    async def login() -> None:
        with pytest.raises(ServerSilent, match="within 200 ms"):
            await ask(local(server, timeout_ms=200), "SELECT 1")

    server.signal(signal.SIGSTOP)
    asyncio.run(login())
    server.signal(signal.SIGCONT)

    async def statement() -> None:
        with pytest.raises(ServerSilent):
            async with local(server).session(limit_ms=300) as connection:
                (pid,) = await connection.one("SELECT pg_backend_pid()")
                send((int(pid or 0),), signal.SIGSTOP)
                await connection.query("SELECT 1")

    asyncio.run(statement())
    assert open_sockets() == before


def test_a_full_backlog_is_silence_not_refusal(farm: Farm) -> None:
    server = farm.primary()
    server.signal(signal.SIGSTOP)

    async def fill() -> str:
        for _ in range(300):
            try:
                await ask(local(server, timeout_ms=10), "SELECT 1")
            except ServerSilent as error:
                if "takes no more connections" in str(error):
                    return str(error)
        return "never full"

    assert "takes no more connections" in asyncio.run(fill())


def test_a_cancelled_caller_is_let_go_at_once_and_the_socket_is_closed(farm: Farm) -> None:
    server = farm.primary()
    before = open_sockets()

    async def run() -> None:
        task = asyncio.create_task(ask(local(server), "SELECT pg_sleep(60)"))
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
        await asyncio.to_thread(eventually, lambda: server.sql(sleeping), "the server sleeps")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert open_sockets() == before


def test_a_kept_connection_is_made_anew_after_a_restart(farm: Farm) -> None:
    server = farm.primary()

    async def run() -> None:
        kept = KeptSql(local(server))
        first = await kept.query("SELECT pg_backend_pid()")
        assert await kept.query("SELECT pg_backend_pid()") == first
        server.kill()
        with pytest.raises(ServerRefused):
            await kept.query("SELECT 1")
        (server.data / "postmaster.pid").unlink(missing_ok=True)
        server.start()
        assert await kept.query("SELECT 1") == [("1",)]
        with pytest.raises(ServerObjected):
            await kept.query("SELECT nonsense")
        assert await kept.query("SELECT 1") == [("1",)]
        kept.close()

    asyncio.run(run())


def test_callers_of_a_kept_connection_take_turns(farm: Farm) -> None:
    server = farm.primary()

    async def run() -> None:
        kept = KeptSql(local(server))
        answers = await asyncio.gather(*(kept.query(f"SELECT {n}, pg_backend_pid()") for n in range(8)))
        assert [rows[0][0] for rows in answers] == [str(n) for n in range(8)]
        assert len({rows[0][1] for rows in answers}) == 1
        kept.close()

    asyncio.run(run())


def test_a_kept_connection_that_was_cut_off_midway_is_not_used_again(farm: Farm) -> None:
    server = farm.primary()

    async def run() -> None:
        kept = KeptSql(local(server, timeout_ms=300))
        with pytest.raises((ServerSilent, ServerObjected)):
            await kept.query("SELECT pg_sleep(60)")
        assert await kept.query("SELECT 7") == [("7",)]
        kept.close()

    asyncio.run(run())
