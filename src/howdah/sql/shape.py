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
      "(?:[^"]|"")*"
    | --[^\n\r]*
    | (?P<comment>/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)
    | (?P<string>'(?<![\w$\x80-\xff]')(?:[^']|'')*')
    | (?P<number>[0-9](?<![\w$.\x80-\xff][0-9])[0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?(?![\w.$\x80-\xff]))
    | (?P<doubtful>/\*|\*/|\$(?![0-9])|')
    """,
    re.VERBOSE,
)
"""Every way begins with a character of its own, so that the search steps over names fast; what may not stand before a
literal (the end of a name, the E of E'') is looked at after its first character."""

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
