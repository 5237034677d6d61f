"""How do several workers count together what is limited, and what if one of them dies?

A table in memory that all of them share. Each row has a name's fingerprint and two numbers for each worker: how many
it has, and how many more it waits for. A worker writes only its own numbers, so that a dead one's can be taken back
without knowing what it was about.
"""

import fcntl
import hashlib
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from howdah.routing.tally import TAKEN, OwnTally, Want

ROWS: Final = 1 << 14
"""So many names may be counted at a time: users, databases, pools and servers."""
NEAR: Final = 64
"""A name stands in one of so many rows after the one that its fingerprint points at."""
FINGERPRINT_BYTES: Final = 16
_NUMBER: Final = struct.Struct("=i")
_NUMBER_BYTES: Final = 4
_NOTHING: Final = bytes(FINGERPRINT_BYTES)


class TallyMemory:
    """What is shared: made by the process that starts the workers, before it does. `lock`: a file's descriptor, whose
    locks are a process's own."""

    def __init__(self, workers: int, lock: int, rows: int = ROWS) -> None:
        self.workers = workers
        self.rows = rows
        self.lock = lock
        self.row_bytes = FINGERPRINT_BYTES + 2 * _NUMBER_BYTES * workers
        self.pressing_at = rows * self.row_bytes
        self.begun_at = self.pressing_at + _NUMBER_BYTES * workers
        self.bytes = mmap.mmap(-1, self.begun_at + workers)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else counts meanwhile. The kernel lets go for a process that dies."""
        fcntl.lockf(self.lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self.lock, fcntl.LOCK_UN)

    def number(self, place: int) -> int:
        """What stands there."""
        return int(_NUMBER.unpack_from(self.bytes, place)[0])

    def put(self, place: int, number: int) -> None:
        """Write it there."""
        _NUMBER.pack_into(self.bytes, place, number)

    def began(self, worker: int) -> None:
        """That worker takes clients."""
        self.bytes[self.begun_at + worker] = 1

    def has_begun(self) -> bool:
        """Whether any worker ever took clients."""
        return any(self.bytes[self.begun_at :])

    def clear(self, worker: int) -> None:
        """That worker is dead: it has nothing, and wants nothing."""
        with self.locked():
            for row in range(self.rows):
                start = row * self.row_bytes
                if self.bytes[start : start + FINGERPRINT_BYTES] != _NOTHING:
                    for kind in range(2):
                        place = start + FINGERPRINT_BYTES + _NUMBER_BYTES * (kind * self.workers + worker)
                        self.put(place, 0)
            self.put(self.pressing_at + _NUMBER_BYTES * worker, 0)


class SharedTally:
    """One worker's view (a `Tally`). A name for which there is no row, in a router with many thousands of users, is
    counted by each worker for itself."""

    def __init__(self, memory: TallyMemory, worker: int) -> None:
        self._memory = memory
        self._worker = worker
        self._known: dict[str, tuple[bytes, int]] = {}  # fingerprint, and the row where it was last
        self._pressed: dict[str, int] = {}
        self._most: dict[str, int] = {}
        self._own = OwnTally()

    def take(self, *wants: Want) -> int:
        """See the port."""
        with self._memory.locked():
            rows = [self._row(name, make=True) for name, _ in wants]
            for place, ((name, most), row) in enumerate(zip(wants, rows, strict=True)):
                self._most[name] = most
                if most and (sum(self._counts(row)) if row >= 0 else self._own.counts.get(name, 0)) >= most:
                    return place
            for (name, _), row in zip(wants, rows, strict=True):
                if row < 0:
                    self._own.take((name, 0))
                else:
                    self._add(row, 1)
        return TAKEN

    def give(self, *names: str) -> None:
        """See the port."""
        with self._memory.locked():
            for name in names:
                if name in self._own.counts:
                    self._own.give(name)
                    continue
                row = self._row(name, make=False)
                if row >= 0 and self._counts(row)[self._worker] > 0:
                    self._add(row, -1)

    def press(self, name: str, wanted: int) -> None:
        """See the port."""
        before = self._pressed.get(name, 0)
        if wanted == before:
            return
        memory = self._memory
        with memory.locked():
            row = self._row(name, make=True)
            if row < 0:
                return
            memory.put(self._place(row, 1), wanted)
            total = memory.pressing_at + _NUMBER_BYTES * self._worker
            memory.put(total, max(0, memory.number(total) + wanted - before))
        if wanted:
            self._pressed[name] = wanted
        else:
            self._pressed.pop(name, None)

    def owed(self, name: str) -> int:
        """See the port. Nothing while there is room, since others may just take that; else what is above an equal
        share, as far as it is waited for."""
        memory, most = self._memory, self._most.get(name, 0)
        totals = range(memory.pressing_at, memory.begun_at, _NUMBER_BYTES)
        if not most or not any(memory.number(place) for place in totals):
            return 0
        row = self._row(name, make=False)
        if row < 0:
            return 0
        counts, wanted = self._counts(row), self._numbers(row, 1)
        elsewhere = sum(wanted) - wanted[self._worker]
        if not elsewhere or sum(counts) < most:
            return 0
        there = sum(1 for has, wants in zip(counts, wanted, strict=True) if has or wants)
        return min(elsewhere, max(0, counts[self._worker] - most // there))

    def _counts(self, row: int) -> tuple[int, ...]:
        return self._numbers(row, 0)

    def _numbers(self, row: int, kind: int) -> tuple[int, ...]:
        memory = self._memory
        start = row * memory.row_bytes + FINGERPRINT_BYTES + kind * _NUMBER_BYTES * memory.workers
        return struct.unpack_from(f"={memory.workers}i", memory.bytes, start)

    def _place(self, row: int, kind: int) -> int:
        memory = self._memory
        return row * memory.row_bytes + FINGERPRINT_BYTES + _NUMBER_BYTES * (kind * memory.workers + self._worker)

    def _add(self, row: int, number: int) -> None:
        place = self._place(row, 0)
        self._memory.put(place, self._memory.number(place) + number)

    def _row(self, name: str, *, make: bool) -> int:
        """Where that name stands; -1: nowhere. Rows in which nobody has or wants anything are used for other names."""
        memory = self._memory
        known = self._known.get(name)
        if known is not None and self._fingerprint(known[1]) == known[0]:
            return known[1]
        wanted = (
            known[0] if known is not None else hashlib.blake2b(name.encode(), digest_size=FINGERPRINT_BYTES).digest()
        )
        first = int.from_bytes(wanted[:4], "big")
        free = -1
        for step in range(min(NEAR, memory.rows)):
            row = (first + step) % memory.rows
            there = self._fingerprint(row)
            if there == wanted:
                free = row
                break
            if free < 0 and not any(self._numbers(row, 0)) and not any(self._numbers(row, 1)):
                free = row
        else:
            if not make or free < 0:
                return -1
            start = free * memory.row_bytes
            memory.bytes[start : start + FINGERPRINT_BYTES] = wanted
        if len(self._known) > ROWS:
            self._known.clear()
            self._most.clear()
        self._known[name] = (wanted, free)
        return free

    def _fingerprint(self, row: int) -> bytes:
        start = row * self._memory.row_bytes
        return self._memory.bytes[start : start + FINGERPRINT_BYTES]
