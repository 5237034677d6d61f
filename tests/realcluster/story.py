"""What happened in a real cluster? Told when a test fails: the agents' journals in one order, and the ends of logs."""

from collections.abc import Iterable
from pathlib import Path

from tests.realcluster.node import RealNode

JOURNAL_LINES = 150
LOG_LINES = 60
REPEATED = ("waiting for WAL to become available", "pg_hba.conf rejects", "is now a candidate for", "START_REPLICATION")


def story_of(root: Path, nodes: Iterable[RealNode]) -> str:
    """One text for people."""
    nodes = list(nodes)
    entries = sorted((entry for node in nodes for entry in node.journal()), key=lambda entry: entry.at)
    lines = [
        f"{e.at[11:]} {e.node} t{e.term} {e.kind.value:7} {e.rule}: {e.sentence}"
        + (f" [{e.action}]" if e.action else "")
        + (f" ({e.duration_ms} ms)" if e.duration_ms is not None else "")
        for e in entries[-JOURNAL_LINES:]
    ]
    files = [root / "store.out", *(node.log_file for node in nodes)]
    for node in nodes:
        files += sorted(node.layout.log.glob("*.log"))
    for file in files:
        lines += _end_of(file)
    return "\n".join(lines)


def _end_of(file: Path) -> list[str]:
    if not file.exists():
        return []
    lines = file.read_text(errors="replace").splitlines()
    found = [line for line in lines if not any(text in line for text in REPEATED)][-LOG_LINES:]
    return [f"--- the end of {file}:", *found] if found else []
