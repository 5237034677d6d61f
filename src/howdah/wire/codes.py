"""Which numbers does the protocol give its messages, versions, requests and states?

The names of the two directions do not collide, so they stand side by side. As plain ints, since that is what indexing
bytes gives.
"""

from typing import Final

# From a client.
BIND: Final = ord("B")
CLOSE: Final = ord("C")
COPY_FAIL: Final = ord("f")
DESCRIBE: Final = ord("D")
EXECUTE: Final = ord("E")
FLUSH: Final = ord("H")
FUNCTION_CALL: Final = ord("F")
PARSE: Final = ord("P")
PASSWORD: Final = ord("p")
"""Also a SASL response: which of them is known only from the request it answers."""
QUERY: Final = ord("Q")
SYNC: Final = ord("S")
TERMINATE: Final = ord("X")

# From either.
COPY_DATA: Final = ord("d")
COPY_DONE: Final = ord("c")

# From a server.
AUTHENTICATION: Final = ord("R")
BACKEND_KEY_DATA: Final = ord("K")
BIND_COMPLETE: Final = ord("2")
CLOSE_COMPLETE: Final = ord("3")
COMMAND_COMPLETE: Final = ord("C")
COPY_BOTH: Final = ord("W")
COPY_IN: Final = ord("G")
COPY_OUT: Final = ord("H")
DATA_ROW: Final = ord("D")
EMPTY_QUERY: Final = ord("I")
ERROR: Final = ord("E")
FUNCTION_RESULT: Final = ord("V")
NEGOTIATE: Final = ord("v")
NOTICE: Final = ord("N")
NOTIFICATION: Final = ord("A")
NO_DATA: Final = ord("n")
PARAMETER_DESCRIPTION: Final = ord("t")
PARAMETER_STATUS: Final = ord("S")
PARSE_COMPLETE: Final = ord("1")
PORTAL_SUSPENDED: Final = ord("s")
READY: Final = ord("Z")
ROW_DESCRIPTION: Final = ord("T")

# What Describe and Close are about.
STATEMENT: Final = ord("S")
PORTAL: Final = ord("P")

# The transaction status in ReadyForQuery.
IDLE: Final = ord("I")
IN_TRANSACTION: Final = ord("T")
IN_FAILED_TRANSACTION: Final = ord("E")

# The first four bytes after the length of a packet without a type byte.
PROTOCOL_3_0: Final = 3 << 16
PROTOCOL_3_2: Final = 3 << 16 | 2
NEWEST_MINOR: Final = 2
"""There is no 3.1: an old PgBouncer claimed it by mistake, so PostgreSQL skipped it."""
CANCEL_REQUEST: Final = 1234 << 16 | 5678
SSL_REQUEST: Final = 1234 << 16 | 5679
GSSENC_REQUEST: Final = 1234 << 16 | 5680

TLS_HANDSHAKE: Final = 0x16
"""The first byte of a TLS connection; no startup packet begins with it, since its length would be over the limit."""
