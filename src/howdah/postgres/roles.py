"""Which roles and tables does Howdah keep in the database?

Statements for single-user mode, one a line; each may be repeated.
"""

from howdah.postgres.layout import AGENT_ROLE, REPLICATION_ROLE, SUPERUSER
from howdah.postgres.routeraccess import router_statements
from howdah.postgres.secrets import ClusterSecrets

REWIND_FUNCTIONS = (
    "pg_ls_dir(text, boolean, boolean)",
    "pg_stat_file(text, boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text, bigint, bigint, boolean)",
)
"""What pg_rewind calls on its source. Source: the manual page of pg_rewind, "Notes", PostgreSQL 14-18."""
KEPT_PASSWORD = "howdah: the password of postgres is kept"
"""Printed when an adopted cluster's superuser has a password already."""


def schema_statements(secrets: ClusterSecrets) -> tuple[str, ...]:
    """Make the agent's role, the replication role and the term table, or bring them to what they must be."""
    return (
        _ensure(AGENT_ROLE),
        f"ALTER ROLE {AGENT_ROLE} WITH SUPERUSER LOGIN CONNECTION LIMIT -1 PASSWORD NULL VALID UNTIL 'infinity';",
        f"ALTER ROLE {AGENT_ROLE} RESET ALL;",
        _ensure(REPLICATION_ROLE),
        f"ALTER ROLE {REPLICATION_ROLE} WITH NOSUPERUSER NOCREATEROLE NOCREATEDB LOGIN REPLICATION "
        f"CONNECTION LIMIT -1 PASSWORD {quote_literal(secrets.replication)} VALID UNTIL 'infinity';",
        *(f"GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {REPLICATION_ROLE};" for function in REWIND_FUNCTIONS),
        f"CREATE SCHEMA IF NOT EXISTS howdah AUTHORIZATION {AGENT_ROLE};",
        "CREATE TABLE IF NOT EXISTS howdah.term (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), "
        "term bigint NOT NULL, holder text NOT NULL, written_at timestamptz NOT NULL DEFAULT now());",
        f"ALTER TABLE howdah.term OWNER TO {AGENT_ROLE};",
        *router_statements(secrets.router),
    )


def new_superuser_statements(secrets: ClusterSecrets) -> tuple[str, ...]:
    """Give initdb's superuser its password."""
    return (f"ALTER ROLE {SUPERUSER} WITH PASSWORD {quote_literal(secrets.superuser)};",)


def adopted_superuser_statements(secrets: ClusterSecrets) -> tuple[str, ...]:
    """Make the superuser postgres if it is missing; a password that it has already is kept, and that is said."""
    password = quote_literal(secrets.superuser)
    return (
        _ensure(SUPERUSER),
        f"ALTER ROLE {SUPERUSER} WITH SUPERUSER LOGIN;",
        f"DO $howdah$BEGIN IF (SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = '{SUPERUSER}') "
        f"THEN ALTER ROLE {SUPERUSER} PASSWORD {password}; ELSE RAISE LOG '{KEPT_PASSWORD}'; END IF; END$howdah$;",
    )


def quote_literal(text: str) -> str:
    """A string constant (standard_conforming_strings is on). Raises ValueError for what cannot stand on one line."""
    if any(character in text for character in "\n\r\0"):
        raise ValueError("a password must be one line")
    return "'" + text.replace("'", "''") + "'"


def _ensure(role: str) -> str:
    return (
        f"DO $howdah$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
        f"THEN CREATE ROLE {role}; END IF; END$howdah$;"
    )
