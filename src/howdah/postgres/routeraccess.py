"""What may a router log in to the servers with, and what may it ask them?

It has a role of its own, which may look at statistics, at the term, and, through one function, at what PostgreSQL keeps
of the role that a client says it is: the verifier of its password and whether it may log in. The function runs with its
owner's rights, names everything with its schema, pins its search path, and nobody but that role may call it. Howdah's
own roles cannot be asked for: nobody comes through a router as one of them.
"""

import base64
import hashlib
import hmac

from howdah.postgres.connection import LocalSql
from howdah.postgres.layout import AGENT_ROLE, REPLICATION_ROLE, ROUTER_ROLE

SCRAM_ITERATIONS = 4096
"""PostgreSQL's default; the password has 192 random bits, so that more would make nothing safer."""

LOGIN_FACTS = "howdah.login_facts(text)"
"""The function. Another shape of its answer needs another name: routers and agents are not renewed in one moment."""

_OWN_ROLES = ", ".join(f"'{role}'" for role in (AGENT_ROLE, REPLICATION_ROLE, ROUTER_ROLE))
_NUMBER = "pg_catalog.float8"

# `seconds_left` is told by the server's clock, like the judgement of VALID UNTIL itself.
_LOGIN_FACTS_BODY = (
    "SELECT a.rolpassword, a.rolcanlogin, a.rolsuper, a.rolreplication,"
    " CASE WHEN a.rolvaliduntil OPERATOR(pg_catalog.=) '-infinity' THEN 0"
    " WHEN pg_catalog.isfinite(a.rolvaliduntil) THEN CAST(pg_catalog.date_part('epoch',"
    f" a.rolvaliduntil OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp()) AS {_NUMBER}) END,"
    " ARRAY(WITH RECURSIVE g(id) AS (SELECT m.roleid FROM pg_catalog.pg_auth_members AS m"
    " WHERE m.member OPERATOR(pg_catalog.=) a.oid"
    " UNION SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN g ON m.member OPERATOR(pg_catalog.=) g.id)"
    " SELECT CAST(r.rolname AS pg_catalog.text) FROM g JOIN pg_catalog.pg_authid AS r"
    " ON r.oid OPERATOR(pg_catalog.=) g.id)"
    " FROM pg_catalog.pg_authid AS a"
    " WHERE CAST(a.rolname AS pg_catalog.text) OPERATOR(pg_catalog.=) $1"
    f" AND CAST(a.rolname AS pg_catalog.text) NOT IN ({_OWN_ROLES})"
)

_STANDS = f"""
    SELECT count(*) = 1
      FROM pg_authid AS r
      JOIN pg_proc AS p ON p.oid = to_regprocedure('{LOGIN_FACTS}')
      JOIN pg_class AS t ON t.oid = to_regclass('howdah.term')
     WHERE r.rolname = '{ROUTER_ROLE}' AND r.rolcanlogin AND r.rolinherit AND r.rolpassword = $1
       AND NOT (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
       AND r.rolconnlimit = -1 AND coalesce(r.rolvaliduntil, 'infinity') = 'infinity'
       AND pg_has_role(r.oid, 'pg_monitor', 'USAGE')
       AND p.prosrc = $2 AND p.prosecdef AND p.proowner = (SELECT oid FROM pg_authid WHERE rolname = '{AGENT_ROLE}')
       AND has_schema_privilege(r.oid, p.pronamespace, 'USAGE') AND has_table_privilege(r.oid, t.oid, 'SELECT')
       AND has_function_privilege(r.oid, p.oid, 'EXECUTE') AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
"""


class RouterAccess:
    """Keeps both on a primary."""

    def __init__(self, sql: LocalSql, password: str) -> None:
        self._sql = sql
        self._password = password

    async def keep(self) -> bool:
        """Make or mend them, in one transaction; False if there was nothing to do, and then nothing is written.
        Raises SqlFailed."""
        async with self._sql.session() as connection:
            (good,) = await connection.one(_STANDS, router_verifier(self._password), _LOGIN_FACTS_BODY)
            if good == "t":
                return False
            await connection.query("\n".join(router_statements(self._password)))
        return True


def router_statements(password: str) -> tuple[str, ...]:
    """Make the role and the function, or bring them to what they must be. One a line; each may be repeated, after the
    schema and the term table are there."""
    return (
        f"DO $howdah$BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{ROUTER_ROLE}') "
        f"THEN CREATE ROLE {ROUTER_ROLE}; END IF; END$howdah$;",
        f"ALTER ROLE {ROUTER_ROLE} WITH NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS INHERIT LOGIN "
        f"CONNECTION LIMIT -1 PASSWORD '{router_verifier(password)}' VALID UNTIL 'infinity';",
        f"ALTER ROLE {ROUTER_ROLE} RESET ALL;",
        f"ALTER ROLE {ROUTER_ROLE} SET default_transaction_read_only = on;",
        f"ALTER ROLE {ROUTER_ROLE} SET search_path = pg_catalog;",
        f"GRANT pg_monitor TO {ROUTER_ROLE};",
        f"GRANT USAGE ON SCHEMA howdah TO {ROUTER_ROLE};",
        f"GRANT SELECT ON howdah.term TO {ROUTER_ROLE};",
        f"CREATE OR REPLACE FUNCTION {LOGIN_FACTS} RETURNS TABLE (verifier text, can_login boolean, superuser boolean, "
        f"replication boolean, seconds_left float8, member_of text[]) LANGUAGE sql STABLE STRICT SECURITY DEFINER "
        f"SET search_path = pg_catalog, pg_temp AS $howdah${_LOGIN_FACTS_BODY}$howdah$;",
        f"ALTER FUNCTION {LOGIN_FACTS} OWNER TO {AGENT_ROLE};",
        f"REVOKE ALL ON FUNCTION {LOGIN_FACTS} FROM PUBLIC;",
        f"GRANT EXECUTE ON FUNCTION {LOGIN_FACTS} TO {ROUTER_ROLE};",
    )


def router_verifier(password: str) -> str:
    """What PostgreSQL keeps of the password (RFC 5803). The salt is made of the password too, so that the agent of any
    node comes to the same; a salt hides equal passwords of people, and this one is random."""
    salt = hmac.digest(password.encode(), b"howdah router salt", hashlib.sha256)[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", hashlib.sha256)).digest()
    server_key = hmac.digest(salted, b"Server Key", hashlib.sha256)
    parts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"
