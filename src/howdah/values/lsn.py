"""How is a place in the write-ahead log read, written and compared?"""

from typing import NewType

Lsn = NewType("Lsn", int)
"""A byte position in the write-ahead log. Compare as an integer: the text form does not sort."""

NO_LSN = Lsn(0)


def parse_lsn(text: str) -> Lsn:
    """Read PostgreSQL's text form ("16/B374D848"). Raises ValueError if it is not one."""
    high, slash, low = text.strip().partition("/")
    if not slash or not high or not low or len(high) > 8 or len(low) > 8:
        raise ValueError(f"not a log position: {text!r}")
    return Lsn((int(high, 16) << 32) | int(low, 16))


def format_lsn(lsn: Lsn) -> str:
    """Write a position as PostgreSQL does: two hexadecimal halves with a slash."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
