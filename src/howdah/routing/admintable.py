"""What is a table of the admin database, and how does it go out, in text or in binary?"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from howdah.wire.rows import BIGINT_OID, BOOLEAN_OID, FLOAT_OID, TEXT_OID, Column, data_row, text_value

Value = str | int | float | bool | None
Row = tuple[Value, ...]

_PACKED: Final = {BIGINT_OID: ">q", FLOAT_OID: ">d", BOOLEAN_OID: ">?"}


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` have a value for each column, of its type."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def texts(*names: str) -> tuple[Column, ...]:
    """Columns of text."""
    return tuple(Column(name, TEXT_OID) for name in names)


def numbers(*names: str) -> tuple[Column, ...]:
    """Columns of integers."""
    return tuple(Column(name, BIGINT_OID) for name in names)


def fractions(*names: str) -> tuple[Column, ...]:
    """Columns of numbers that are not whole."""
    return tuple(Column(name, FLOAT_OID) for name in names)


def truths(*names: str) -> tuple[Column, ...]:
    """Columns of yes and no."""
    return tuple(Column(name, BOOLEAN_OID) for name in names)


def in_formats(columns: Sequence[Column], formats: Sequence[int]) -> tuple[Column, ...]:
    """The columns in the formats that a Bind asked for: none, one for all, or one for each. Raises ValueError."""
    wanted = tuple(formats) if len(formats) > 1 else tuple(formats or (0,)) * len(columns)
    if len(wanted) != len(columns) or not set(wanted) <= {0, 1}:
        raise ValueError(f"bind message has {len(formats)} result formats but query has {len(columns)} columns")
    return tuple(replace(column, binary=bool(code)) for column, code in zip(columns, wanted, strict=True))


def encoded(columns: Sequence[Column], rows: Iterable[Row]) -> list[bytes]:
    """A DataRow message for each row."""
    return [data_row(_value(column, item) for column, item in zip(columns, row, strict=True)) for row in rows]


def _value(column: Column, item: Value) -> bytes | None:
    form = _PACKED.get(column.oid)
    if item is None or form is None or not column.binary:
        return text_value(item)
    return struct.pack(form, item)
