"""How does the admin database answer with rows, and how are rows read?

Text format only. In the extended protocol the same columns answer Describe, and a client that wants binary results
is told that there are none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from howdah.wire import codes
from howdah.wire.fields import Reader, bytes_of, cstring, int16, int32, message, text_of, uint32, value
from howdah.wire.replies import NO_DATA, CommandTag, command_complete

TEXT_OID: Final = 25
BIGINT_OID: Final = 20
FLOAT_OID: Final = 701
BOOLEAN_OID: Final = 16

_SIZES: Final = {TEXT_OID: -1, BIGINT_OID: 8, FLOAT_OID: 8, BOOLEAN_OID: 1}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer; `oid` is the type's object identifier."""

    name: str
    oid: int = TEXT_OID
    binary: bool = False


def row_description(columns: Sequence[Column]) -> bytes:
    """The columns of an answer. None at all is an answer too, and differs from NoData."""
    parts = [int16(len(columns))]
    for column in columns:
        size = _SIZES.get(column.oid, -1)
        no_table = uint32(0) + int16(0)
        kind = uint32(column.oid) + int16(size & 0xFFFF) + int32(-1)
        parts.append(cstring(bytes_of(column.name)) + no_table + kind + int16(column.binary))
    return message(codes.ROW_DESCRIPTION, b"".join(parts))


def read_row_description(data: bytes, start: int, end: int) -> tuple[Column, ...]:
    """The columns of an answer."""
    reader = Reader(data, start + 5, end)
    columns = []
    for _ in range(reader.int16()):
        name = text_of(reader.string())
        reader.take(6)
        oid = reader.uint32()
        reader.take(6)
        columns.append(Column(name, oid, reader.int16() != 0))
    reader.finish()
    return tuple(columns)


def data_row(values: Iterable[bytes | None]) -> bytes:
    """One row; None for NULL."""
    made = [value(raw) for raw in values]
    return message(codes.DATA_ROW, int16(len(made)) + b"".join(made))


def read_data_row(data: bytes, start: int, end: int) -> tuple[bytes | None, ...]:
    """One row, copied: for answers to the router's own queries."""
    reader = Reader(data, start + 5, end)
    values = tuple(reader.value() for _ in range(reader.int16()))
    reader.finish()
    return values


def parameter_description(oids: Sequence[int]) -> bytes:
    """The types of a statement's parameters."""
    return message(codes.PARAMETER_DESCRIPTION, int16(len(oids)) + b"".join(uint32(oid) for oid in oids))


def text_value(item: str | int | float | bool | None) -> bytes | None:
    """A value in PostgreSQL's text format."""
    if item is None:
        return None
    if isinstance(item, bool):
        return b"t" if item else b"f"
    return bytes_of(str(item))


def table(columns: Sequence[Column], rows: Iterable[Iterable[str | int | float | bool | None]], tag: str) -> bytes:
    """A whole answer to a simple query, without ReadyForQuery: columns, rows, and the tag with their count."""
    made = [data_row(text_value(item) for item in row) for row in rows]
    return b"".join((row_description(columns), *made, command_complete(CommandTag(tag, len(made)))))


def statement_description(columns: Sequence[Column] | None) -> bytes:
    """The answer to Describe of a statement without parameters; None for one that returns no rows."""
    return parameter_description(()) + (NO_DATA if columns is None else row_description(columns))
