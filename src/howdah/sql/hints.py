"""What does a comment in front of a statement ask of the router, and does a text hold anything but comments?"""

import re

from howdah.sql.statement import Hint

_SPACE = re.compile(r"[\s;]*")
_LINE_COMMENT = re.compile(r"--[^\n\r]*")
_EDGE = re.compile(r"/\*|\*/")
_HINT = re.compile(r"/\*\+?\s*howdah\s*:\s*(primary|standby)\s*\*/", re.IGNORECASE)

_HINTS = {"primary": Hint.PRIMARY, "standby": Hint.STANDBY}


def leading_hint(query: str) -> Hint | None:
    """The first hint in the comments in front of the first statement; None if there is none."""
    if "howdah" not in query and "HOWDAH" not in query.upper():
        return None
    position = 0
    while True:
        position = _after_space(query, position)
        if query.startswith("/*", position):
            found = _HINT.match(query, position)
            if found:
                return _HINTS[found[1].lower()]
            position = _after_block(query, position)
        elif query.startswith("--", position):
            position = _after_line(query, position)
        else:
            return None


def without_leading_comments(query: str) -> str:
    """The text from its first word on."""
    position = 0
    while True:
        position = _after_space(query, position)
        if query.startswith("/*", position):
            position = _after_block(query, position)
        elif query.startswith("--", position):
            position = _after_line(query, position)
        else:
            return query[position:]


def _after_space(query: str, position: int) -> int:
    found = _SPACE.match(query, position)
    return found.end() if found else position


def _after_line(query: str, position: int) -> int:
    found = _LINE_COMMENT.match(query, position)
    return found.end() if found else len(query)


def _after_block(query: str, position: int) -> int:
    """Past a block comment, which may hold others; the text's end if it is not closed."""
    depth = 0
    for edge in _EDGE.finditer(query, position):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(query)
