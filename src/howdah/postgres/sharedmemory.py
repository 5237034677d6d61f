"""What shared memory does a killed server leave behind?

A server that was killed leaves a System V segment of 56 bytes and about a megabyte in /dev/shm. The next start on the
same directory removes them. A directory that is deleted or replaced by a clone has no next start: the segments stay
until the machine is restarted, and a few thousand of them keep every new server from starting.
"""

import contextlib
import ctypes
import os
import struct
from dataclasses import dataclass
from pathlib import Path

SEGMENTS = Path("/proc/sysvipc/shm")
POSIX_SEGMENTS = Path("/dev/shm")
HEADER = struct.Struct("@iiNNIPQQ")
"""PGShmemHeader (storage/pg_shmem.h, the same in 14 to 18): magic, creator, total size, free offset, control handle,
index, device and inode of the data directory."""
HEADER_MAGIC = 679834894
CONTROL = struct.Struct("@III")
"""dsm_control_header (storage/ipc/dsm.c): magic, items, room for items."""
CONTROL_MAGIC = 0x9A503D32
ITEM = struct.Struct("@IINNP?7x")
"""dsm_control_item: handle, reference count, first page, pages, private handle, pinned."""
ITEMS_OFFSET = 16
KEYS_TRIED = 100
"""PostgreSQL takes the directory's inode number as key, and counts upward while that is another server's."""
SHM_RDONLY, IPC_RMID = 0o10000, 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of /proc/sysvipc/shm."""

    key: int
    identifier: int
    size: int
    attached: int


def release_shared_memory(directory: os.stat_result) -> int:
    """Remove what the killed server of this data directory left; how many segments there were.

    Only segments that name this directory and that no process is attached to: one of another container would be.
    """
    released = 0
    for segment in _segments():
        distance = (segment.key - directory.st_ino) & 0xFFFFFFFF
        if distance > KEYS_TRIED or segment.attached or segment.size < HEADER.size:
            continue
        header = _header(segment.identifier)
        if header is None:
            continue
        magic, _, _, _, control, _, device, inode = header
        if (magic, device, inode) != (HEADER_MAGIC, directory.st_dev, directory.st_ino):
            continue
        released += _remove_posix(control)
        if _LIBC.shmctl(segment.identifier, IPC_RMID, None) == 0:
            released += 1
    return released


def _segments() -> list[Segment]:
    """All System V segments of this IPC namespace; none if the kernel does not tell."""
    found = []
    with contextlib.suppress(OSError):
        for line in SEGMENTS.read_text().splitlines()[1:]:
            key, identifier, _, size, _, _, attached = (int(word) for word in line.split()[:7])
            found.append(Segment(key, identifier, size, attached))
    return found


def _header(identifier: int) -> tuple[int, ...] | None:
    address = _LIBC.shmat(identifier, None, SHM_RDONLY)
    if address is None or address == ctypes.c_void_p(-1).value:
        return None
    try:
        return HEADER.unpack(ctypes.string_at(address, HEADER.size))
    finally:
        _LIBC.shmdt(ctypes.c_void_p(address))


def _remove_posix(control: int) -> int:
    """Remove the dynamic segments that the control segment lists, then itself; how many files went."""
    path = _posix_path(control)
    removed = 0
    with contextlib.suppress(OSError, struct.error):
        text = path.read_bytes()
        magic, items, _ = CONTROL.unpack_from(text)
        if control == 0 or magic != CONTROL_MAGIC:
            return 0
        for number in range(items):
            handle, references, *_ = ITEM.unpack_from(text, ITEMS_OFFSET + number * ITEM.size)
            if references and handle % 2 == 0:  # odd handles lie in the server's main memory
                with contextlib.suppress(FileNotFoundError):
                    _posix_path(handle).unlink()
                    removed += 1
        path.unlink()
        removed += 1
    return removed


def _posix_path(handle: int) -> Path:
    return POSIX_SEGMENTS / f"PostgreSQL.{handle}"


_LIBC = ctypes.CDLL(None)
_LIBC.shmat.restype = ctypes.c_void_p
