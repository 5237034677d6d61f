"""Which documents are made from the code? `python -m tests.docs.pages` writes them; a test fails when one is stale."""

from collections.abc import Callable
from pathlib import Path

from howdah.configuration import document
from tests.docs import chartvalues, commandline, endpoints, guards, measurements, rulebook, statements

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGIN = "<!-- made from the code by `make docs`: from here -->\n"
END = "<!-- to here -->\n"

WHOLE: dict[str, Callable[[], str]] = {
    "settings.md": document.written,
    "command-line.md": commandline.written,
    "rules.md": rulebook.written,
    "guards.md": guards.written,
    "values.md": chartvalues.written,
}
"""Pages that are nothing else."""

PARTS: dict[str, Callable[[], str]] = {
    "rest.md": endpoints.written,
    "metrics.md": measurements.written,
    "statements.md": statements.written,
}
"""Pages that people write around one generated part."""


def fresh(name: str) -> str:
    """The page as it should be. Raises ValueError if its marks are missing."""
    if name in WHOLE:
        return WHOLE[name]()
    text = (DOCS / name).read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/{name} has lost its marks: {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{PARTS[name]()}\n{END}{after}"


def write_all() -> None:
    """Write every page."""
    for name in (*WHOLE, *PARTS):
        (DOCS / name).write_text(fresh(name), encoding="utf-8")
    for path, text in chartvalues.FILES.items():
        path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write_all()
