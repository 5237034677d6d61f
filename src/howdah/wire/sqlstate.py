"""Which SQLSTATEs does the router use, and how is an error said on the wire?

https://www.postgresql.org/docs/current/errcodes-appendix.html, protocol-error-fields.html
"""

from typing import Final

SUCCESS: Final = "00000"
WARNING_STATE: Final = "01000"

CONNECTION_FAILURE: Final = "08006"
TRANSACTION_RESOLUTION_UNKNOWN: Final = "08007"
"""A commit was sent, and nobody knows whether it took effect."""
PROTOCOL_VIOLATION: Final = "08P01"

FEATURE_NOT_SUPPORTED: Final = "0A000"
INVALID_PARAMETER_VALUE: Final = "22023"
ACTIVE_SQL_TRANSACTION: Final = "25001"
READ_ONLY_SQL_TRANSACTION: Final = "25006"
IDLE_IN_TRANSACTION_SESSION_TIMEOUT: Final = "25P03"
IN_FAILED_SQL_TRANSACTION: Final = "25P02"
INVALID_SQL_STATEMENT_NAME: Final = "26000"
INVALID_AUTHORIZATION: Final = "28000"
INVALID_PASSWORD: Final = "28P01"
INVALID_CURSOR_NAME: Final = "34000"
INVALID_CATALOG_NAME: Final = "3D000"
SERIALIZATION_FAILURE: Final = "40001"
"""The transaction was lost midway; running it again is right."""
SYNTAX_ERROR: Final = "42601"
INSUFFICIENT_PRIVILEGE: Final = "42501"
INVALID_NAME: Final = "42602"
UNDEFINED_OBJECT: Final = "42704"
DUPLICATE_PREPARED_STATEMENT: Final = "42P05"
TOO_MANY_CONNECTIONS: Final = "53300"
CONFIGURATION_LIMIT_EXCEEDED: Final = "53400"
PROGRAM_LIMIT_EXCEEDED: Final = "54000"
OBJECT_NOT_IN_PREREQUISITE_STATE: Final = "55000"
QUERY_CANCELED: Final = "57014"
ADMIN_SHUTDOWN: Final = "57P01"
CRASH_SHUTDOWN: Final = "57P02"
CANNOT_CONNECT_NOW: Final = "57P03"
IDLE_SESSION_TIMEOUT: Final = "57P05"
INTERNAL_ERROR: Final = "XX000"

FATAL: Final = "FATAL"
"""The connection ends after it. Plain `ERROR` ends the statement only."""
ERROR: Final = "ERROR"
WARNING: Final = "WARNING"
NOTICE: Final = "NOTICE"


def error(severity: str, sqlstate: str, message: str, detail: str = "", hint: str = "") -> bytes:
    """An ErrorResponse. Bytes that would end a field early are left out of the texts."""
    return _report(b"E", severity, sqlstate, message, detail, hint)


def notice(severity: str, sqlstate: str, message: str, detail: str = "", hint: str = "") -> bytes:
    """A NoticeResponse, of the same fields."""
    return _report(b"N", severity, sqlstate, message, detail, hint)


def _report(kind: bytes, severity: str, sqlstate: str, message: str, detail: str, hint: str) -> bytes:
    """S is translated by servers and V never is; drivers read either, so both are there."""
    fields = [("S", severity), ("V", severity), ("C", sqlstate), ("M", message)]
    if detail:
        fields.append(("D", detail))
    if hint:
        fields.append(("H", hint))
    body = "".join(f"{code}{text.replace(chr(0), '')}\0" for code, text in fields).encode("utf-8", "replace") + b"\0"
    return kind + (len(body) + 4).to_bytes(4, "big") + body
