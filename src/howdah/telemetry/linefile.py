"""How are lines kept in a file of bounded size, without the writer ever waiting for the disk?

The lines go to a thread: a disk that hangs must not hold up the loop that fences. What does not fit into the queue is
dropped and counted.
"""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

QUEUE_LINES_MAX = 10_000
CLOSE_SECONDS_MAX = 2.0
"""How long `close` waits for a disk that hangs."""


class LineFile:
    """Appends lines to `path`. Past `bytes_max` the file becomes `path.1`, that one `path.2`, up to `kept`."""

    def __init__(self, path: Path, bytes_max: int, kept: int) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._kept = kept
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUE_LINES_MAX)
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def append(self, line: str) -> None:
        """Never raises, never waits. A line that cannot be written is counted in `dropped`."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"writer of {self._path.name}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is still queued; gives up after CLOSE_SECONDS_MAX."""
        if self._thread is None:
            return
        try:
            self._lines.put(None, timeout=CLOSE_SECONDS_MAX)
        except queue.Full:
            return
        self._thread.join(CLOSE_SECONDS_MAX)
        self._thread = None

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line)
            except OSError:
                self.dropped += 1  # a full or read-only disk: other parts of the agent report it

    def _write(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = line.encode() + b"\n"
        with self._path.open("ab") as file:
            size = file.tell()
            if not size or size + len(data) <= self._bytes_max:
                file.write(data)
                return
        self._rotate()
        with self._path.open("ab") as file:
            file.write(data)

    def _rotate(self) -> None:
        for number in range(self._kept, 0, -1):
            older = numbered(self._path, number)
            newer = numbered(self._path, number - 1)
            if newer.exists():
                newer.replace(older)
        if self._kept == 0:
            self._path.unlink(missing_ok=True)


def numbered(path: Path, number: int) -> Path:
    """The name of an older file; number 0 is the file that is written."""
    return path.with_name(f"{path.name}.{number}") if number else path


def read_lines(path: Path) -> Iterator[str]:
    """All kept lines, oldest first. Missing or unreadable files are left out, and a last line that was cut off too."""
    number = 0
    while numbered(path, number + 1).exists():
        number += 1
    for each in range(number, -1, -1):
        try:
            text = numbered(path, each).read_bytes().decode(errors="replace")
        except OSError:
            continue
        yield from (line for line in text.split("\n")[:-1] if line)
