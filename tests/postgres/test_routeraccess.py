"""What routers are let in with, on a real server."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from howdah.postgres.connection import LocalSql
from howdah.postgres.routeraccess import RouterAccess, router_verifier
from tests.postgres.sqlserver import Farm, SqlServer

PASSWORD = "never in a log 8d1f"
ASK = "SELECT verifier, can_login, superuser, replication, seconds_left, member_of FROM howdah.login_facts(%s)"


@pytest.fixture
def primary(farm: Farm) -> Iterator[SqlServer]:
    server = farm.primary()
    server.sql("CREATE SCHEMA howdah AUTHORIZATION howdah")
    server.sql("CREATE TABLE howdah.term (singleton boolean PRIMARY KEY, term bigint)")
    yield server


def keep(server: SqlServer) -> bool:
    return asyncio.run(RouterAccess(LocalSql(str(server.farm.root), server.port, 5000), PASSWORD).keep())


def ask(server: SqlServer, role: str) -> tuple[object, ...] | None:
    with server.connect(user="howdah_router") as session:
        return session.execute(ASK, (role,)).fetchone()


def test_a_cluster_from_before_there_were_routers_gets_what_they_need_once(primary: SqlServer) -> None:
    assert keep(primary)
    written = "SELECT xmin::text FROM pg_authid WHERE rolname = 'howdah_router'"
    before = primary.sql(written)
    assert not keep(primary)
    assert primary.sql(written) == before
    assert PASSWORD not in primary.log


@pytest.mark.parametrize(
    "harm",
    [
        "DROP FUNCTION howdah.login_facts(text)",
        "GRANT EXECUTE ON FUNCTION howdah.login_facts(text) TO PUBLIC",
        "REVOKE USAGE ON SCHEMA howdah FROM howdah_router",
        "ALTER ROLE howdah_router SUPERUSER",
        "ALTER ROLE howdah_router PASSWORD 'other'",
        "ALTER ROLE howdah_router VALID UNTIL '2001-01-01'",
        "REVOKE pg_monitor FROM howdah_router",
    ],
)
def test_what_people_changed_of_it_is_mended(primary: SqlServer, harm: str) -> None:
    keep(primary)
    primary.sql(harm)
    assert keep(primary)
    assert not keep(primary)


def test_the_role_logs_in_with_its_password_and_reads_the_term(primary: SqlServer) -> None:
    keep(primary)
    hba = primary.data / "pg_hba.conf"
    hba.write_text("local all postgres trust\nhost all all all scram-sha-256\nlocal all howdah trust\n")
    primary.reload()
    with primary.connect(user="howdah_router", host="127.0.0.1", password=PASSWORD) as session:
        assert session.execute("SELECT count(*) FROM howdah.term").fetchone() == (0,)
        assert session.execute("SELECT verifier IS NULL FROM howdah.login_facts('postgres')").fetchone() == (True,)
        for refused in ("INSERT INTO howdah.term VALUES (true, 1)", "SELECT rolpassword FROM pg_authid"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                session.execute(refused.encode())


def test_the_verifier_is_the_same_on_every_node() -> None:
    assert router_verifier(PASSWORD) == router_verifier(PASSWORD)
    assert router_verifier(PASSWORD) != router_verifier("another")


def test_a_role_s_facts_are_told(primary: SqlServer) -> None:
    keep(primary)
    primary.sql("CREATE ROLE readers; CREATE ROLE staff IN ROLE readers")
    primary.sql("CREATE ROLE anna LOGIN PASSWORD 'x' IN ROLE staff")
    primary.sql("CREATE ROLE gone NOLOGIN REPLICATION VALID UNTIL '2001-01-01'")
    primary.sql("CREATE ROLE soon LOGIN VALID UNTIL '2999-01-01'")
    primary.sql("CREATE ROLE ever LOGIN VALID UNTIL 'infinity'; CREATE ROLE never LOGIN VALID UNTIL '-infinity'")
    anna = ask(primary, "anna")
    assert anna is not None and str(anna[0]).startswith("SCRAM-SHA-256$4096:")
    assert anna[1:5] == (True, False, False, None)
    assert isinstance(anna[5], list) and sorted(anna[5]) == ["readers", "staff"]
    gone = ask(primary, "gone")
    assert gone is not None and gone[:4] == (None, False, False, True) and float(str(gone[4])) < 0
    soon = ask(primary, "soon")
    assert soon is not None and float(str(soon[4])) > 1e9
    assert (ask(primary, "ever") or ())[4:5] == (None,)
    assert (ask(primary, "never") or ())[4:5] == (0.0,)


@pytest.mark.parametrize("role", ["nobody-here", "howdah", "howdah_replication", "howdah_router", "", "x" * 5000])
def test_unknown_roles_and_howdah_s_own_have_no_facts(primary: SqlServer, role: str) -> None:
    keep(primary)
    assert ask(primary, role) is None


def test_only_the_router_s_role_may_ask(primary: SqlServer) -> None:
    keep(primary)
    primary.sql("CREATE ROLE curious LOGIN; GRANT USAGE ON SCHEMA howdah TO curious")
    with primary.connect(user="curious") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("SELECT * FROM howdah.login_facts('postgres')")


def test_no_search_path_and_no_operator_of_the_caller_changes_what_is_read(primary: SqlServer) -> None:
    keep(primary)
    primary.sql("CREATE SCHEMA trap")
    primary.sql("GRANT USAGE, CREATE ON SCHEMA trap TO howdah_router")
    primary.sql("CREATE TABLE trap.pg_authid AS SELECT 'victim'::name AS rolname, 'stolen' AS rolpassword")
    primary.sql("CREATE FUNCTION trap.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    primary.sql("CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.yes)")
    with primary.connect(user="howdah_router", options="-c search_path=trap,pg_catalog") as session:
        assert session.execute(ASK, ("victim",)).fetchone() is None
