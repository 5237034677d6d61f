"""Does a real standby agree with what is said of each statement of the corpus?"""

from collections.abc import Iterator

import pytest

from howdah.sql import functions
from howdah.sql.classify import parse
from howdah.sql.functions import HARMLESS, PRIMARY_RELATIONS
from howdah.sql.sessioneffect import SetSetting
from howdah.sql.settings import LIST_QUOTED, REPORTED_NAMES, reported, set_config_call
from howdah.sql.statement import RelationName
from howdah.sql.volatility import FunctionCatalog, Judgement, judge
from tests.postgres.sqlserver import OTHER_INSTALLATION, SqlServer
from tests.sql.corpus_reads import READS
from tests.sql.corpus_writes import KEPT_ON_PURPOSE, KEPT_ON_SOME_SERVERS, WRITES
from tests.sql.realsql import Session, catalog
from tests.sql.schema import lines

NEWEST = 18
"""The major version that the corpus is written for; older servers run what they know of it."""
NOT_KNOWN_TO_IT = ("42601", "42703", "42883")
"""Syntax, columns or functions that a server does not have."""

Servers = tuple[SqlServer, SqlServer]


@pytest.fixture(scope="module")
def known(servers: Servers) -> FunctionCatalog:
    """The standby's catalogs."""
    return catalog(servers[1])


@pytest.fixture
def session(servers: Servers) -> Iterator[Session]:
    """A session on the standby."""
    made = Session(servers[1])
    yield made
    made.close()


def judged(sql: str, known: FunctionCatalog) -> Judgement:
    """What is said of a statement."""
    return judge(parse(sql), known)


def test_the_corpus_is_large_and_says_nothing_twice() -> None:
    everything = lines(READS) + lines(WRITES)
    assert len(everything) >= 300 and len(set(everything)) == len(everything)


def test_every_read_is_cleared_and_runs_on_a_real_standby(known: FunctionCatalog, session: Session) -> None:
    failures = {sql: session.run_read_only(sql) for sql in lines(READS)}
    failures = {sql: failure for sql, failure in failures.items() if failure and not _excused(sql, failure)}
    if session.major < NEWEST:  # the corpus has statements that an older server does not know
        failures = {sql: failure for sql, failure in failures.items() if not failure.startswith(NOT_KNOWN_TO_IT)}
        assert not failures
        return
    assert not failures
    assert not {sql: judged(sql, known).why for sql in lines(READS) if not judged(sql, known).read}


def _excused(sql: str, failure: str) -> bool:
    """Parameters, which the simple protocol cannot give; XML, which a server may be built without."""
    return ("$1" in sql and failure.startswith("42P02")) or "unsupported XML feature" in failure


def test_every_write_is_kept_on_the_primary(known: FunctionCatalog) -> None:
    read = [sql for sql in lines(WRITES) if judged(sql, known).read]
    assert not read


def test_what_a_standby_would_run_too_is_kept_on_the_primary_for_a_reason(session: Session) -> None:
    ran = {sql for sql in lines(WRITES) if not session.run_read_only(sql)}
    assert sorted(ran - KEPT_ON_PURPOSE.keys() - KEPT_ON_SOME_SERVERS.keys()) == []
    assert sorted(KEPT_ON_PURPOSE.keys() - ran) == []


def test_relations_that_write_or_hide_are_found_in_the_catalogs(known: FunctionCatalog) -> None:
    hiding = (
        "added_up cast_here compared counter guarded locking noisy over_ticket parent parent_child part_id_seq scratch "
        "scratchy ticket"
    )
    assert known.primary_relations == {RelationName("public", name) for name in hiding.split()}
    assert known.primary_operators == {"<=>!"}
    assert known.primary_types == {"mood", "observed"}


def test_functions_that_leave_state_are_found_by_their_source(known: FunctionCatalog) -> None:
    assert known.unsettling == {"become", "scribble", "zone"}


def test_names_that_are_known_here_are_names_of_postgresql(servers: Servers) -> None:
    with servers[1].connect() as connection:
        if connection.info.server_version // 10_000 < NEWEST:
            pytest.skip(f"the names are those of PostgreSQL {NEWEST}: {OTHER_INSTALLATION} may name one")
        called = {row[0] for row in connection.execute("SELECT proname FROM pg_catalog.pg_proc")}
        related = {row[0] for row in connection.execute("SELECT relname FROM pg_catalog.pg_class")}
    ours = (
        HARMLESS
        | functions.OF_ITS_SERVER
        | functions.WRITERS
        | functions.SESSION_LOCKS
        | functions.TRANSACTION_LOCKS
        | functions.UNLOCKS
        | functions.SEQUENCE_READERS
        | functions.SEQUENCE_WRITERS
        | functions.RUN_SQL_OR_SCHEMA
        | {functions.SET_CONFIG, functions.CURRENT_SETTING, functions.UNLOCK_ALL}
    )
    assert not ours - called
    assert not PRIMARY_RELATIONS - related


def test_settings_are_reported_as_a_real_server_reports_them(servers: Servers) -> None:
    with servers[1].connect() as connection:
        major = connection.info.server_version // 10_000
        names = [REPORTED_NAMES.get(name, name) for name in sorted(reported(major))]
        assert [name for name in names if connection.info.parameter_status(name) is None] == []
        known = {row[0].lower() for row in connection.execute("SELECT name FROM pg_catalog.pg_settings")}
    assert known >= LIST_QUOTED


@pytest.mark.parametrize(
    "statement",
    [
        'SET search_path = public, "Other Schema", \'$user\', "select"',
        "SET datestyle = german, dmy",
        "SET work_mem = '8MB'",
        "SET seq_page_cost = 1.25",
        "SET TIME ZONE 'Europe/Berlin'",
        "SET TIME ZONE -7",
        "SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE",
        "SET app.tenant = 'it''s \\ here'",
        "SET NAMES 'LATIN1'",
        "SET XML OPTION DOCUMENT",
        "SET temp_tablespaces = ''",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    ],
)
def test_a_replayed_setting_shows_as_the_original_does(servers: Servers, statement: str) -> None:
    (effect,) = parse(statement).statements[0].session
    assert isinstance(effect, SetSetting)
    shown = []
    texts = [statement, effect.statement]
    if effect.value is not None:
        texts.append(set_config_call(effect.name, effect.value, local=False))
    for text in texts:
        with servers[1].connect() as connection:
            connection.execute(text.encode())
            row = connection.execute("SELECT pg_catalog.current_setting(%s)", [effect.name]).fetchone()
            shown.append(row[0].replace('"', "") if row else None)
    assert len(set(shown)) == 1, shown
