"""What does a PREPARE prepare: the text after AS, and the parameter types?"""

import re

from howdah.sql.tree import items, of_kind, qualified

_TOKEN = re.compile(r"""\s+|--[^\n\r]*|/\*|\*/|"(?:[^"]|"")*"|\w+|.""", re.DOTALL)


def prepared_query(statement: str) -> str:
    """The query in `PREPARE name (types) AS query`; empty if there is none."""
    comments = depth = 0
    for token in _TOKEN.finditer(statement):
        word = token[0]
        if word == "/*":
            comments += 1
        elif word == "*/":
            comments -= 1
        elif comments:
            continue
        elif word in "()":
            depth += 1 if word == "(" else -1
        elif not depth and word.lower() == "as":
            return statement[token.end() :].strip()
    return ""


def declared_types(types: list[object]) -> tuple[str, ...]:
    """The declared parameter types, without schemas."""
    return tuple(qualified(items(fields, "names"))[1] for fields in of_kind(types, "TypeName"))
