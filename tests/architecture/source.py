"""What does the source tree hold? Parsed modules and text files, for the rules to walk over."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PURE_ROOMS = ("values", "wire", "sql", "cluster", "routing")
TEXT_FOLDERS = ("src", "tests", "docs", "tools", "benchmarks", "examples", "deploy", ".ci")
TEXT_ENDINGS = frozenset(
    (".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".sh", ".sql", ".html", ".js", ".css", "")
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One parsed Python file; `path` is relative to the checkout ("src/howdah/values/lsn.py")."""

    path: str
    text: str
    tree: ast.Module

    @property
    def dotted(self) -> str:
        """How it is imported: "howdah.values.lsn", "tests.values.test_lsn"."""
        name = self.path.removeprefix("src/").removesuffix(".py").replace("/", ".")
        return name.removesuffix(".__init__")

    @property
    def room(self) -> str:
        """The room of a module under src ("" for the package itself and for tests)."""
        parts = self.dotted.split(".")
        return parts[1] if parts[0] == "howdah" and len(parts) > 1 else ""

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                yield node

    def imports(self) -> Iterator[tuple[int, str]]:
        """Each import's line and the dotted name that it brings in ("from a.b import c" gives "a.b.c")."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def module_of(text: str, path: str = "src/howdah/values/example.py") -> Module:
    """A module from text, for tests of the rules themselves."""
    return Module(path, text, ast.parse(text))


@cache
def modules(folder: str) -> tuple[Module, ...]:
    """Every Python file below a folder of the checkout."""
    return tuple(
        module_of(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix())
        for file in sorted((ROOT / folder).rglob("*.py"))
        if "__pycache__" not in file.parts
    )


def pure_modules() -> tuple[Module, ...]:
    """The modules of the pure rooms."""
    return tuple(module for module in modules("src") if module.room in PURE_ROOMS)


@cache
def text_files() -> tuple[Path, ...]:
    """Every text file that belongs to the project."""
    found = [file for file in ROOT.iterdir() if file.is_file() and file.name != ".git"]  # a linked worktree has one
    for folder in TEXT_FOLDERS:
        found += [file for file in (ROOT / folder).rglob("*") if file.is_file()]
    return tuple(sorted(file for file in found if file.suffix in TEXT_ENDINGS and "__pycache__" not in file.parts))


def documents() -> tuple[Path, ...]:
    """Every Markdown file."""
    return tuple(file for file in text_files() if file.suffix == ".md")
