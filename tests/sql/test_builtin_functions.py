"""Does every function that PostgreSQL has, and that is judged a read, run on a real standby?"""

from howdah.sql.classify import parse
from howdah.sql.volatility import judge
from tests.postgres.sqlserver import SqlServer
from tests.sql.realsql import Session, catalog

SAMPLES = {
    "_float8": "ARRAY[1::float8]",
    "_int4": "ARRAY[1]",
    "_name": "ARRAY['a'::name]",
    "_oid": "ARRAY[1259::oid]",
    "_text": "ARRAY['a']",
    "any": "1",
    "anyarray": "ARRAY[1]",
    "anycompatible": "1",
    "anycompatiblearray": "ARRAY[1]",
    "anyelement": "1",
    "anyenum": "'sad'::mood",
    "anynonarray": "1",
    "bit": "b'1'",
    "bool": "true",
    "bytea": "'a'::bytea",
    "char": "'a'::\"char\"",
    "cstring": "'a'::cstring",
    "date": "current_date",
    "float8": "1::float8",
    "inet": "'127.0.0.1'::inet",
    "int2": "1::int2",
    "int4": "1",
    "int8": "1::int8",
    "interval": "interval '1 s'",
    "json": "'{}'::json",
    "jsonb": "'{}'::jsonb",
    "jsonpath": "'$'::jsonpath",
    "name": "'a'::name",
    "numeric": "1::numeric",
    "oid": "1259::oid",
    "pg_lsn": "'0/1'::pg_lsn",
    "pg_snapshot": "pg_current_snapshot()",
    "record": "ROW(1)",
    "regclass": "'item'::regclass",
    "regconfig": "'english'::regconfig",
    "regdictionary": "'simple'::regdictionary",
    "regnamespace": "'public'::regnamespace",
    "regproc": "'now'::regproc",
    "regprocedure": "'now()'::regprocedure",
    "regrole": "'postgres'::regrole",
    "regtype": "'int4'::regtype",
    "text": "'a'::text",
    "tid": "'(0,1)'::tid",
    "timestamp": "localtimestamp",
    "timestamptz": "now()",
    "tsquery": "'a'::tsquery",
    "tsvector": "'a'::tsvector",
    "uuid": "gen_random_uuid()",
    "varchar": "'a'::varchar",
    "xid": "'3'::xid",
    "xid8": "'3'::xid8",
}
"""A value of each common type. Functions of other arguments are left out: they are of types' inner workings."""

FUNCTIONS = """
SELECT p.proname::text, p.provariadic <> 0,
       ARRAY(SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, n)
             JOIN pg_type t ON t.oid = a.type ORDER BY a.n)
FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' ORDER BY 1, p.oid
"""


def call(name: str, variadic: bool, types: list[str]) -> str:
    """A query that calls the function with samples; empty if one of its types has none."""
    if any(kind not in SAMPLES for kind in types):
        return ""
    values = [SAMPLES[kind] for kind in types]
    if variadic and types[-1] != "any":
        values[-1] = f"VARIADIC {values[-1]}"
    return f'SELECT pg_catalog."{name}"({", ".join(values)})'


def test_every_function_of_postgresql_that_is_judged_a_read_runs_on_a_standby(
    servers: tuple[SqlServer, SqlServer],
) -> None:
    standby = servers[1]
    known = catalog(standby)
    with standby.connect() as connection:
        rows = connection.execute(FUNCTIONS.encode()).fetchall()
    session = Session(standby)
    session.run("BEGIN READ ONLY; SET LOCAL statement_timeout = '5s'")
    refused, ran = {}, 0
    for name, variadic, types in rows:
        query = call(name, variadic, types)
        if query and judge(parse(query), known).read:
            failure = session.run(f"SAVEPOINT s; {query}; RELEASE s")
            session.run("ROLLBACK TO s")
            ran += 1
            if failure.startswith(("25006", "57014")) or "recovery" in failure or "standby" in failure:
                refused[query] = failure
    session.close()
    assert refused == {}
    assert ran > 1000
