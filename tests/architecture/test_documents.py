"""Are the documents true of the tree: links, the "where is" table, the rooms, words that do not belong here?"""

import re
from pathlib import Path

from tests.architecture.source import ROOT, documents, text_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
WHERE_IS = "## Where is ...?"

# Written in two halves, so that this file does not find itself.
FORBIDDEN = {
    r"/wor" r"k/": "a path of one machine",
    r"/roo" r"t/": "a path of one machine",
    r"\bTO" r"DO\b": "do it, or write down in docs/decisions why not",
    r"\bFIX" r"ME\b": "mend it",
    r"\bXX" r"X\b": "mend it",
    r"\bissue #?" r"\d": "say what it is about; numbers of trackers change",
}


def text_of(document: Path) -> str:
    """A document without its fenced blocks."""
    return FENCED.sub("", document.read_text(encoding="utf-8"))


def anchors_of(document: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text_of(document)))
    return {heading.replace(" ", "-") for heading in kept}


def test_every_relative_link_leads_somewhere() -> None:
    broken = []
    for document in documents():
        for target in LINK.findall(text_of(document)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (document.parent / path).resolve() if path else document
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors_of(file)):
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert not broken


def test_the_where_is_table_names_files_that_exist() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = architecture.partition(WHERE_IS)[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert rows, f"ARCHITECTURE.md has no table under {WHERE_IS!r}"
    wrong = []
    for row in rows:
        paths = [name for name in re.findall(r"`([^`]+)`", row.split("|")[2]) if "/" in name]
        if not paths or not all((ROOT / path).exists() or (ROOT / "src/howdah" / path).exists() for path in paths):
            wrong.append(row)
    assert not wrong


def test_the_architecture_lists_exactly_the_rooms_that_exist() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = architecture.partition("## Rooms")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)/` ", rooms, re.MULTILINE))
    existing = {path.parent.name for path in (ROOT / "src/howdah").glob("*/__init__.py")}
    assert listed == existing


def test_nothing_speaks_of_one_machine_or_of_work_left_over() -> None:
    found = []
    for file in text_files():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for pattern, why in FORBIDDEN.items():
                if re.search(pattern, line):
                    found.append(f"{file.relative_to(ROOT)}:{number}: {re.search(pattern, line)}: {why}")
    assert not found
