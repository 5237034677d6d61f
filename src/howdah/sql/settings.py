"""What is known of PostgreSQL's settings: which are reported to clients, how is a value written, which are none?"""

from typing import Final

REPORTED_ALWAYS: Final = frozenset(
    (
        "application_name",
        "client_encoding",
        "datestyle",
        "integer_datetimes",
        "intervalstyle",
        "is_superuser",
        "server_encoding",
        "server_version",
        "session_authorization",
        "standard_conforming_strings",
        "timezone",
    )
)
"""Sent as ParameterStatus by every supported server (14 and newer), names in lower case."""

REPORTED_SINCE: Final = {
    "default_transaction_read_only": 14,
    "in_hot_standby": 14,
    "scram_iterations": 16,
    "search_path": 18,
}
"""Sent as ParameterStatus from this major version on."""

REPORTED_NAMES: Final = {
    "datestyle": "DateStyle",
    "intervalstyle": "IntervalStyle",
    "timezone": "TimeZone",
}
"""Spellings in ParameterStatus that are not lower case."""

LIST_QUOTED: Final = frozenset(
    (
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    )
)
"""Lists of identifiers: SET quotes each item where it has to be, and set_config() expects them so."""

OF_TRANSACTION: Final = frozenset(("transaction_deferrable", "transaction_isolation", "transaction_read_only"))
"""They belong to the running transaction: SET of them is SET TRANSACTION, and nothing is to be replayed."""

OF_IDENTITY: Final = frozenset(("role", "session_authorization"))
"""Who the session acts as. RESET ALL leaves them alone."""

NOT_REPLAYED: Final = frozenset(("seed", "is_superuser", "in_hot_standby", *OF_TRANSACTION, *OF_IDENTITY))
"""Names that must not be tracked as plain settings: setting them again means something else, or is refused."""

_IDENTIFIER_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz_")
_IDENTIFIER_REST = _IDENTIFIER_FIRST | frozenset("0123456789")


def reported(major: int) -> frozenset[str]:
    """The settings (lower case) that a server of this major version reports by ParameterStatus."""
    return REPORTED_ALWAYS | {name for name, since in REPORTED_SINCE.items() if since <= major}


def quote_literal(value: str) -> str:
    """A string literal that means `value` whatever standard_conforming_strings says."""
    quoted = value.replace("'", "''")
    if "\\" in quoted:
        return " E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def quote_identifier(name: str) -> str:
    """An identifier, in double quotes unless it is lower-case letters, digits and underscores.

    Key words are left bare: what is made here goes into lists of identifiers (`search_path`), which know no key words.
    """
    if name and name[0] in _IDENTIFIER_FIRST and _IDENTIFIER_REST.issuperset(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def joined(name: str, values: list[str]) -> str:
    """The one text that set_config() takes for `SET name = value, value...`; `name` in lower case."""
    if name in LIST_QUOTED:
        values = [quote_identifier(value) for value in values]
    return ", ".join(values)


def set_config_call(name: str, value: str, local: bool) -> str:
    """A statement that sets a setting to a text as set_config() takes it."""
    scope = "true" if local else "false"
    return f"SELECT pg_catalog.set_config({quote_literal(name)}, {quote_literal(value)}, {scope})"
