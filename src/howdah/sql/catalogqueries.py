"""What does the router ask a database about its functions and relations?

Read-only queries, fit for a standby, each without parameters. They are run in the background, never for a client's
statement. All names in them are qualified: a search_path set by somebody else changes nothing.
"""

from collections.abc import Iterable

from howdah.sql.statement import RelationName
from howdah.sql.volatility import OF_LETTER, FunctionFact, Volatility

_LEAVES_STATE = (
    r"(\mset_config\s*\(|\msetseed\s*\(|\m(un)?listen\M|\mdiscard\M|\mdblink_connect"
    r"|\mpg_(try_)?advisory_(lock|unlock)|\mcreate\s+((local|global)\s+)?temp"
    r"|(^|;|\mbegin|\mthen|\melse|\mloop)\s*(re)?set\s+(?!local|constraints|transaction))"
)
_LOCAL_ONLY = r"\mset_config\s*\([^()]*,\s*true\s*\)"

_PARTS = """
    SELECT a.aggfnoid::oid AS aggregate, pg_catalog.max(q.provolatile::text COLLATE "C") AS worst
    FROM pg_catalog.pg_aggregate a
    JOIN pg_catalog.pg_proc q
      ON q.oid IN (a.aggtransfn::oid, a.aggfinalfn::oid, a.aggmtransfn::oid, a.aggmfinalfn::oid)
    GROUP BY 1
"""
"""An aggregate counts as immutable, whatever the functions are that it is made of."""

FUNCTIONS = f"""
SELECT n.nspname::text, f.name, pg_catalog.max(f.volatility COLLATE "C"), pg_catalog.bool_or(f.leaves_state)
FROM (
    SELECT p.pronamespace AS place, p.proname::text AS name,
           GREATEST(p.provolatile::text COLLATE "C", parts.worst) AS volatility,
           l.lanname NOT IN ('internal', 'c') AND pg_catalog.regexp_replace(
               COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc), '{_LOCAL_ONLY}', '', 'gi'
           ) OPERATOR(pg_catalog.~*) '{_LEAVES_STATE}' AS leaves_state
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    LEFT JOIN ({_PARTS}) parts ON parts.aggregate = p.oid
    UNION ALL
    SELECT t.typnamespace, t.typname::text, 's', false
    FROM pg_catalog.pg_type t
    WHERE t.typtype IN ('b', 'd', 'e', 'r', 'm') AND t.typcategory <> 'A'
) f
JOIN pg_catalog.pg_namespace n ON n.oid = f.place
GROUP BY 1, 2
"""
"""Rows (schema, name, worst provolatile, whether its source leaves state on the connection). Types are among them:
where there is no function of that name, `jsonb('x')` is a cast."""

_IN_VIEWS = (
    r"\m(nextval|setval|currval|lastval|set_config|setseed|pg_notify|lo_\w+|loread|lowrite|txid_current"
    r"|pg_current_xact_id|query_to_xml|pg_(try_)?advisory_\w+|pg_stat_\w+|pg_locks|pg_is_in_recovery)\M"
)

RELATIONS = f"""
WITH RECURSIVE
unsteady (class, id) AS (
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
    FROM pg_catalog.pg_proc p
    LEFT JOIN ({_PARTS}) parts ON parts.aggregate = p.oid
    WHERE 'v' IN (p.provolatile::text, parts.worst)
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid
    FROM pg_catalog.pg_operator o
    JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
    WHERE p.provolatile = 'v'
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, k.contypid
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_depend d ON d.objid = k.oid AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
    JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    WHERE p.provolatile = 'v' AND k.contypid <> 0
),
edge (below, above) AS (
    SELECT d.refobjid, r.ev_class
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
    JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
    UNION ALL
    SELECT i.inhrelid, i.inhparent FROM pg_catalog.pg_inherits i
),
found (oid) AS (
    SELECT c.oid FROM pg_catalog.pg_class c
    WHERE c.relkind = 'S' OR (c.relpersistence = 'u' AND c.relkind IN ('r', 'p', 'm'))
    UNION
    SELECT r.ev_class
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
    JOIN pg_catalog.pg_depend d ON d.objid = r.oid AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    JOIN unsteady u ON u.class = d.refclassid AND u.id = d.refobjid
    UNION
    SELECT v.oid
    FROM pg_catalog.pg_class v
    JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
    WHERE v.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND pg_catalog.pg_get_viewdef(v.oid) OPERATOR(pg_catalog.~) '{_IN_VIEWS}'
    UNION
    SELECT q.polrelid
    FROM pg_catalog.pg_policy q
    JOIN pg_catalog.pg_depend d ON d.objid = q.oid AND d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
    JOIN unsteady u ON u.class = d.refclassid AND u.id = d.refobjid
    UNION
    SELECT e.above FROM edge e JOIN found f ON f.oid = e.below
)
SELECT n.nspname::text, c.relname::text
FROM found f
JOIN pg_catalog.pg_class c ON c.oid = f.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_(catalog|toast|temp_)'
"""
"""Rows (schema, name) of relations that belong on the primary. PostgreSQL keeps no dependencies on its built-in
functions, so these are looked for in the views' text."""

OPERATORS = """
SELECT DISTINCT o.oprname::text
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
WHERE p.provolatile = 'v' AND o.oprnamespace <> 'pg_catalog'::pg_catalog.regnamespace
"""
"""Rows (name) of operators of users that call volatile functions."""

TYPES = """
SELECT t.typname::text
FROM pg_catalog.pg_cast c
JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
JOIN pg_catalog.pg_type t ON t.oid = c.casttarget
WHERE p.provolatile = 'v' AND p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace
UNION
SELECT t.typname::text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_type t ON t.oid = k.contypid
JOIN pg_catalog.pg_depend d ON d.objid = k.oid AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
WHERE p.provolatile = 'v'
"""
"""Rows (name) of types to which a cast calls a volatile function."""


def function_facts(rows: Iterable[tuple[str, str, str, bool]]) -> list[FunctionFact]:
    """The rows of FUNCTIONS as facts."""
    return [
        FunctionFact(schema, name, OF_LETTER.get(letter, Volatility.VOLATILE), unsettles)
        for schema, name, letter, unsettles in rows
    ]


def relation_names(rows: Iterable[tuple[str, str]]) -> list[RelationName]:
    """The rows of RELATIONS as names."""
    return [RelationName(schema, name) for schema, name in rows]
