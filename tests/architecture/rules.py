"""Which shapes does the project refuse in Python code? Each rule returns sentences, one a finding."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.architecture.source import Function, Module

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
PUBLIC_METHODS_MAX = 12

BANNED_NAMES = {
    "utils": "name the one thing it holds",
    "util": "name the one thing it holds",
    "helpers": "name what it helps with",
    "helper": "name what it helps with",
    "common": "put each thing into the room whose word it is",
    "misc": "split it",
    "manager": "say what it does: journal, schedule, fence",
    "base": "name the port or the contract",
}

CLOCKS_AND_FILES = frozenset(("open", "print", "input", "breakpoint", "exec", "eval", "__import__"))
NOW = frozenset(("now", "utcnow", "today"))


def lines_of(node: Function) -> int:
    """A function's lines with signature and docstring, without decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def too_large(module: Module) -> Iterator[str]:
    """Files, functions and classes over their limits."""
    lines = module.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{module.path}: {lines} lines, at most {FILE_LINES_MAX}: split it by the thing looked up"
    for function in module.functions():
        if lines_of(function) > FUNCTION_LINES_MAX:
            yield (
                f"{module.path}:{function.lineno}: {function.name} has {lines_of(function)} lines, "
                f"at most {FUNCTION_LINES_MAX}"
            )
    for cls in module.classes():
        public = {node.name for node in cls.body if isinstance(node, Function) and _public_method(node)}
        if len(public) > PUBLIC_METHODS_MAX:
            yield (
                f"{module.path}:{cls.lineno}: {cls.name} has {len(public)} public methods and properties, "
                f"at most {PUBLIC_METHODS_MAX}"
            )


def _public_method(function: Function) -> bool:
    """Whether it counts: a method or property that is not private, and no test of a contract suite."""
    return not function.name.startswith(("_", "test_"))


def badly_named(module: Module) -> Iterator[str]:
    """Modules and packages with a name that says nothing."""
    for part in module.dotted.split("."):
        for word in part.split("_"):
            if word in BANNED_NAMES:
                yield f"{module.path}: {part!r} says nothing: {BANNED_NAMES[word]}"


def imported_late(module: Module) -> Iterator[str]:
    """Imports inside a function hide a cycle."""
    for function in module.functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{module.path}:{node.lineno}: import inside {function.name}; import at the top of the file"


def blind_handlers(module: Module) -> Iterator[tuple[str, str]]:
    """(place, sentence) of each handler that swallows everything; place is "path::function"."""
    for function in [*module.functions(), module.tree]:
        name = getattr(function, "name", "<module>")
        for node in _own_nodes(function):
            if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and not _raises_again(node):
                place = f"{module.path}::{name}"
                yield place, f"{module.path}:{node.lineno}: {name} catches everything; name the exceptions"


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, Function):
            yield child
            yield from _own_nodes(child)


def _catches_all(caught: ast.expr | None) -> bool:
    """Whether an except clause's expression holds Exception or BaseException, or is empty."""
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in names)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether it only tidies up: its last statement is a bare `raise`, and nothing returns before it."""
    last = handler.body[-1]
    left = [node for node in ast.walk(handler) if isinstance(node, ast.Return | ast.Continue | ast.Break)]
    return isinstance(last, ast.Raise) and last.exc is None and not left


def undocumented(module: Module) -> Iterator[str]:
    """Modules without a docstring; in src also public classes and module-level functions without one."""
    if not ast.get_docstring(module.tree) and module.text.strip():  # an empty __init__.py has nothing to say
        yield f"{module.path}: no module docstring; say which question the file answers"
    if not module.path.startswith("src/"):
        return
    for node in module.tree.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{module.path}:{node.lineno}: {node.name} has no docstring"


def impure(module: Module) -> Iterator[str]:
    """What a pure room may not call, even without an import of its own."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in CLOCKS_AND_FILES:
            yield f"{module.path}:{node.lineno}: {node.func.id}() in a pure room"
        if isinstance(node.func, ast.Attribute) and node.func.attr in NOW:
            yield f"{module.path}:{node.lineno}: .{node.func.attr}() reads a clock; take the time as an argument"
    for function in module.functions():
        if isinstance(function, ast.AsyncFunctionDef):
            yield f"{module.path}:{function.lineno}: {function.name} is async in a pure room"


def patched(module: Module) -> Iterator[str]:
    """Replacing parts of the code under test, instead of handing it a verified fake."""
    for line, name in module.imports():
        if re.match(r"(unittest\.)?mock\b", name):
            yield f"{module.path}:{line}: {name}; pass a fake of the port instead"
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute) or node.attr not in ("setattr", "delattr"):
            continue
        if isinstance(node.value, ast.Name) and node.value.id == "monkeypatch":
            yield f"{module.path}:{node.lineno}: monkeypatch.{node.attr}; pass a fake of the port instead"


_SILENCED = re.compile(
    r"#\s*(noqa\b(?::\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)?|type: ignore(?:\[[\w, -]*\])?|pragma: no cover)(?P<rest>.*)$"
)
REASON_LETTERS_MIN = 4


def silenced_without_reason(module: Module) -> Iterator[str]:
    """A linter or type checker told to be quiet, with no reason on the same line."""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        found = _SILENCED.search(token.string) if token.type == tokenize.COMMENT else None
        if found and len(found["rest"].strip(" #:-")) < REASON_LETTERS_MIN:
            yield f"{module.path}:{token.start[0]}: {found[1]} without a reason"
