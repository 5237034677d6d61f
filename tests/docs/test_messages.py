"""Are the messages that docs/troubleshooting.md speaks of those that the code says?"""

import ast
import re
from functools import cache

from tests.architecture.source import modules
from tests.docs.pages import DOCS

QUOTED = re.compile(r"`([^`]+)`")
VARYING = re.compile(r"\.\.\.|\bn\d\b|(?<![\w.])\d[\d.x]*(?![\w])|[A-Z]{4,}|:\d+")
"""What stands for something else in a message: names of nodes, numbers, words in capitals."""
LETTERS_MIN = 9
"""A shorter piece between two of these says nothing."""
WORDS_MIN = 4
"""Fewer words are a name, a command or a setting."""


@cache
def said() -> str:
    """Every sentence of the source, with a mark where something is put in."""
    return "\n".join(
        " ".join(_text(node).split())
        for module in modules("src")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.JoinedStr | ast.Constant)
    )


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) if isinstance(part, ast.Constant) else " @ " for part in parts)
        case _:
            return ""


def pieces(message: str) -> list[str]:
    """The parts of a message that are the same each time."""
    found = (part.strip(" ,;()'\"") for part in VARYING.split(message))
    return [part for part in found if len(part) >= LETTERS_MIN]


def test_every_quoted_message_is_one_that_the_code_says() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    messages = [
        quoted
        for quoted in QUOTED.findall(page)
        if len(quoted.split()) >= WORDS_MIN and not quoted.startswith("howdah")
    ]
    assert len(messages) > 30
    unsaid = [f"{message!r}: {piece!r}" for message in messages for piece in pieces(message) if piece not in said()]
    assert not unsaid, "\n".join(unsaid)
