"""How is a line of pg_hba.conf or pg_ident.conf cut into fields?

White space separates fields, commas make a field a list, double quotes hold both together and take a keyword its
meaning, and "#" begins a comment. Source: PostgreSQL's manual, "The pg_hba.conf File".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_ITEM = re.compile(r'(?P<quote>"(?P<quoted>(?:[^"]|"")*)")|(?P<plain>[^\s",#]+)')


class RuleFault(Exception):
    """A line cannot be used; the sentence holds the line and the mend."""


@dataclass(frozen=True, slots=True)
class Item:
    """One word of a field; a quoted one is no keyword."""

    text: str
    quoted: bool = False

    def is_word(self, word: str) -> bool:
        """Whether it is this keyword."""
        return not self.quoted and self.text == word

    @property
    def pattern(self) -> str | None:
        """The regular expression that it is ("/..."), quoted or not; None if it is none."""
        return self.text[1:] if self.text.startswith("/") else None


Field = tuple[Item, ...]


def each_line(lines: Sequence[str], what: str, make: Callable[[str, list[Field]], T]) -> list[T]:
    """What `make` makes of the lines that say something. Raises RuleFault, with the line's number."""
    made = []
    for number, line in enumerate(lines, 1):
        try:
            if fields := cut(line):
                made.append(make(line, fields))
        except RuleFault as fault:
            raise RuleFault(f"{what} {number}: {fault}") from fault
    return made


def cut(line: str) -> list[Field]:
    """The fields of one line; none for an empty one or a comment. Raises RuleFault."""
    fields: list[Field] = []
    items: list[Item] = []
    place, after_comma = 0, False
    text = line.strip()
    if any(character in text for character in "\n\r\0"):
        raise RuleFault(f"{line!r} must be one line")
    while place < len(text) and text[place] != "#":
        if text[place].isspace():
            if not after_comma and items:
                fields.append(tuple(items))
                items = []
            place += 1
            continue
        if text[place] == ",":
            if not items:
                raise RuleFault(f"{line!r}: a comma stands alone; leave the space before it out")
            place, after_comma = place + 1, True
            continue
        piece, place = _word(text, place, line)
        items.append(piece)
        after_comma = False
    if items:
        fields.append(tuple(items))
    return fields


def _word(text: str, place: int, line: str) -> tuple[Item, int]:
    """A word and where it ends: pieces in quotes and outside that touch each other, as in map="my map"."""
    parts: list[str] = []
    quoted = False
    start = place
    while place < len(text) and (found := _ITEM.match(text, place)):
        if found["quote"] is not None:
            quoted = quoted or place == start
            parts.append(found["quoted"].replace('""', '"'))
        else:
            parts.append(found["plain"])
        place = found.end()
    if place == start:
        raise RuleFault(f"{line!r}: a quote is not closed")
    return Item("".join(parts), quoted), place


def compiled(pattern: str, line: str) -> re.Pattern[str]:
    """The expression, or RuleFault with the line."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise RuleFault(f"{line!r}: the expression /{pattern} is none ({error})") from error
