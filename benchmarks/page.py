"""How does a benchmark's table get into docs/benchmarks.md?"""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write_page(section: str, text: str) -> None:
    """Put the text between the page's marks of this section, in place of what stood there."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    page = PAGE.read_text()
    head, found, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{PAGE} has no section {section}")
    PAGE.write_text(f"{head}{begin}\n{text}\n{end}{tail}")
