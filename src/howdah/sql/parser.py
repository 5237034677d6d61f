"""How does a text become PostgreSQL's own parse tree, and what if it does not?

The parser is libpg_query, C code taken from PostgreSQL, through pgparse. It watches its own stack, so that no nesting
ends the process (the tests try).
"""

from dataclasses import dataclass

import pgparse

from howdah.sql.tree import Node, number, tagged


@dataclass(frozen=True, slots=True)
class RawStatement:
    """One parsed statement: the kind of its node, its fields, and its own text without the semicolon."""

    tag: str
    fields: Node
    text: str


@dataclass(frozen=True, slots=True)
class NotParsed:
    """Why a text has no tree, as the end of a sentence."""

    why: str


def parse_tree(query: str) -> tuple[RawStatement, ...] | NotParsed:
    """The statements of a text in order, none if it holds none. Never raises."""
    if "\0" in query:
        return NotParsed("it holds a zero byte")
    try:
        encoded = query.encode()
        parsed: object = pgparse.parse(query)
    except pgparse.PGQueryError as error:
        return NotParsed(f"the parser says: {error}")
    except UnicodeError:
        return NotParsed("it is not Unicode text")
    except (ValueError, RecursionError):
        return NotParsed("it nests too deeply")
    if not isinstance(parsed, list):
        return NotParsed("the parser gave no list of statements")
    found = []
    for raw in parsed:
        if not isinstance(raw, dict):
            return NotParsed("the parser gave something that is no statement")
        tag, fields = tagged(raw.get("stmt"))
        start, length = number(raw, "stmt_location"), number(raw, "stmt_len")
        end = start + length if length else len(encoded)
        found.append(RawStatement(tag, fields, encoded[start:end].decode(errors="replace").strip()))
    return tuple(found)
