"""What did the agents of this machine write into their journals since the last look?"""

from collections.abc import Collection
from pathlib import Path

from howdah.local.place import Place
from howdah.postgres.layout import NodeLayout
from howdah.telemetry.journal import FILE_NAME, Entry, Kind, read_entry

BYTES_MAX = 256 * 1024
"""Of a journal that grew by more since the last look, only the end is read."""


class JournalTails:
    """Follows the journals from where they end now."""

    def __init__(self, place: Place, names: Collection[str]) -> None:
        """Older entries are not told."""
        self._place = place
        self._read: dict[Path, tuple[int, int]] = {}  # file -> (its inode, how far it was read)
        for file in map(self._file, names):
            if file.exists():
                facts = file.stat()
                self._read[file] = (facts.st_ino, facts.st_size)

    def news(self, names: Collection[str]) -> list[Entry]:
        """The entries since the last call, by time."""
        found = [entry for name in names for entry in self._grown(self._file(name))]
        return sorted(found, key=lambda entry: entry.at)

    def _file(self, name: str) -> Path:
        return NodeLayout(self._place.node(name)).log / FILE_NAME

    def _grown(self, file: Path) -> list[Entry]:
        try:
            with file.open("rb") as journal:
                facts = file.stat()
                inode, position = self._read.get(file, (facts.st_ino, 0))
                if inode != facts.st_ino or facts.st_size < position:
                    position = 0  # it was put aside, and a new one begun
                journal.seek(max(position, facts.st_size - BYTES_MAX))
                data = journal.read()
                whole = data[: data.rfind(b"\n") + 1]
                self._read[file] = (facts.st_ino, journal.tell() - len(data) + len(whole))
        except OSError:
            return []
        lines = whole.decode("utf-8", errors="replace").splitlines()
        return [entry for entry in map(read_entry, lines) if entry is not None]


def event_line(entry: Entry) -> str:
    """An entry as one line for people: time of day in UTC, node, rule, sentence."""
    clock = entry.at[11:19]
    took = f" ({entry.duration_ms} ms)" if entry.kind is Kind.DID and entry.duration_ms else ""
    return f"{clock} {entry.node:<4} {entry.rule}: {entry.sentence}{took}"
