"""Are two texts the same but for their literals? Then one answer serves both.

Drivers that put values into the text send a new text with every value. The shape of a text is that text with each plain
number as `0`, each plain string as `''` and each comment without a hint as `/**/`; everything else stays byte for byte.
Texts with anything that makes this doubtful (backslashes, dollar quotes, E'' and its like, nested comments) have none.

Unlike a hash of the parse tree, a shape needs no parser, cannot collide, and keeps hints apart.
"""

import re

SHAPE_BYTES_MAX = 16_384
"""Above it a text is rarely seen in two versions, and finding its shape costs what parsing costs."""

_TOKEN = re.compile(
    rb"""
      (?P<prefixed>[A-Za-z_\x80-\xff][\w$\x80-\xff]*')
    | [A-Za-z_\x80-\xff][\w$\x80-\xff]*
    | "(?:[^"]|"")*"
    | --[^\n\r]*
    | \$[0-9]+
    | (?P<comment>/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)
    | (?P<string>'(?:[^']|'')*')
    | (?P<number>[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?(?![\w.$\x80-\xff]))
    | (?P<doubtful>/\*|\*/|\$|')
    """,
    re.VERBOSE,
)

_REFUSED = b"\0"


def _replacement(token: re.Match[bytes]) -> bytes:
    match token.lastgroup:
        case None:
            return token[0]
        case "number":
            return b"0"
        case "string":
            return b"''"
        case "comment":
            return token[0] if b"howdah" in token[0].lower() else b"/**/"
        case _:
            return _REFUSED


def shape_of(text: bytes) -> bytes | None:
    """The shape of a text in an encoding in which ASCII bytes are always themselves; None if it has none."""
    if len(text) > SHAPE_BYTES_MAX or b"\\" in text or _REFUSED in text:
        return None
    shape = _TOKEN.sub(_replacement, text)
    return None if _REFUSED in shape else shape
