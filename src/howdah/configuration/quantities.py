"""How are durations and sizes written in settings?

Durations carry a unit ("300ms", "5s", "2min", "1h", "1d") and are milliseconds inside; sizes ("16MB", 1 kB = 1024 B as
in PostgreSQL) are bytes inside. A number without a unit is refused, since nobody can see what it means.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
DURATION_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1000, "ms": 1}
SIZE_UNITS_BYTES = {"TB": 1 << 40, "GB": 1 << 30, "MB": 1 << 20, "kB": 1 << 10, "B": 1}


def _parse(value: object, units: dict[str, int], example: str, bare: str) -> int:
    """`bare` is the unit of a number without one, "" to refuse it."""
    allowed = f"a number with a unit ({', '.join(reversed(units))}), such as {example}"
    found = None if isinstance(value, bool) else _QUANTITY.fullmatch(str(value).strip())
    if not found:
        raise ValueError(f"must be {allowed}")
    number, unit = found.groups()
    if not unit and float(number) and not bare:
        raise ValueError(f"has no unit; must be {allowed}")
    factor = units.get(unit or bare or next(iter(units)))
    if factor is None:
        raise ValueError(f"has an unknown unit {unit!r}; must be {allowed}")
    return round(float(number) * factor)


def parse_duration_ms(value: object) -> int:
    """Read "5s" as 5000. Zero needs no unit. Raises ValueError that says what is allowed."""
    return _parse(value, DURATION_UNITS_MS, "5s", "")


def parse_seconds_ms(value: object) -> int:
    """The same, but a number without a unit is seconds."""
    return _parse(value, DURATION_UNITS_MS, "5s", "s")


def parse_size_bytes(value: object) -> int:
    """Read "16MB" as 16777216; a number without a unit is bytes. Raises ValueError that says what is allowed."""
    return _parse(value, SIZE_UNITS_BYTES, "16MB", "B")


def _format(number: int, units: dict[str, int]) -> str:
    unit = next(unit for unit, factor in units.items() if number % factor == 0 and (number or factor == 1))
    return f"{number // units[unit]}{unit}"


def format_duration(duration_ms: int) -> str:
    """The shortest exact text that `parse_duration_ms` reads back."""
    return _format(duration_ms, DURATION_UNITS_MS)


def format_size(size_bytes: int) -> str:
    """The shortest exact text that `parse_size_bytes` reads back."""
    return _format(size_bytes, SIZE_UNITS_BYTES)


Duration = Annotated[int, BeforeValidator(parse_duration_ms), Field(json_schema_extra={"kind": "duration"})]
"""Milliseconds inside."""
Seconds = Annotated[int | None, BeforeValidator(parse_seconds_ms), Field(json_schema_extra={"kind": "seconds"})]
"""Milliseconds inside; a plain number outside is seconds. None: not set."""
Size = Annotated[int, BeforeValidator(parse_size_bytes), Field(json_schema_extra={"kind": "size"})]
"""Bytes inside."""
