"""Where does the log of a cleanly stopped primary end?

Its last record is the shutdown checkpoint that pg_control points at; nothing is written after it. A standby that has
everything has received exactly up to the end of that record, so a hand-over compares with this number.

The record lies in a log of pages, each with a header (24 bytes, 40 at the start of a segment), padded to 8 bytes.
Source: src/include/access/xlogrecord.h, xlog_internal.h and XLogBytePosToEndRecPtr in xlog.c of PostgreSQL 14-18.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.controldata import SHUT_DOWN, ControlData
from howdah.values.lsn import NO_LSN, Lsn, format_lsn

PAGE_HEADER_BYTES = 24
SEGMENT_HEADER_BYTES = 40
ALIGNMENT = 8
RECORD_HEADER = struct.Struct("=IIQBBxxI")
"""xl_tot_len, xl_xid, xl_prev, xl_info, xl_rmid, two bytes of padding, xl_crc; in the machine's own byte order."""
RMGR_XLOG = 0
SHUTDOWN_CHECKPOINT = 0x00
INFO_MASK = 0xF0
"""The lower half of xl_info belongs to the log itself."""
RECORD_BYTES_MAX = 1024
"""A checkpoint record has some 120 bytes; anything far larger was not one."""


def shutdown_end(control: ControlData, data: Path) -> Lsn:
    """The LSN after the shutdown checkpoint of a cleanly stopped primary; NO_LSN for any other state.

    A server stopped in recovery wrote no such record: where its log ends is seen only when it runs.
    Raises PostgresFailure when the log that pg_control points at is missing or holds something else there.
    """
    if control.state != SHUT_DOWN:
        return NO_LSN
    start = control.checkpoint_lsn
    reader = _Log(data / "pg_wal", control)
    header, _ = reader.read(start, RECORD_HEADER.size)
    length, _, _, info, manager, crc = RECORD_HEADER.unpack(header)
    if manager != RMGR_XLOG or info & INFO_MASK != SHUTDOWN_CHECKPOINT or not header_fits(length):
        raise PostgresFailure(_no_record(start, data))
    record, _ = reader.read(start, length)
    if crc32c(record[RECORD_HEADER.size :] + record[: RECORD_HEADER.size - 4]) != crc:
        raise PostgresFailure(_no_record(start, data))
    _, end = reader.read(start, -(-length // ALIGNMENT) * ALIGNMENT)
    return end


def header_fits(length: int) -> bool:
    """Whether a checkpoint record can be so long."""
    return RECORD_HEADER.size < length <= RECORD_BYTES_MAX


def _no_record(start: Lsn, data: Path) -> str:
    return (
        f"pg_control of {data} says that the server was shut down at {format_lsn(start)}, but the log has no "
        "shutdown checkpoint there: files of pg_wal were lost or replaced. Clone this server again, or restore it."
    )


@dataclass(frozen=True, slots=True)
class _Log:
    """The log's content by position, page headers left out."""

    directory: Path
    control: ControlData

    def read(self, start: Lsn, length: int) -> tuple[bytes, Lsn]:
        """`length` bytes of content from `start`, and the position after the last of them."""
        content = b""
        position = int(start)
        while True:
            page_end = (position // self.control.wal_block_bytes + 1) * self.control.wal_block_bytes
            taken = min(length - len(content), page_end - position)
            content += self._bytes_at(position, taken)
            position += taken
            if len(content) == length:
                return content, Lsn(position)
            at_segment = position % self.control.wal_segment_bytes == 0
            position += SEGMENT_HEADER_BYTES if at_segment else PAGE_HEADER_BYTES

    def _bytes_at(self, position: int, length: int) -> bytes:
        segment, offset = divmod(position, self.control.wal_segment_bytes)
        path = self.directory / segment_name(self.control.checkpoint_timeline, segment, self.control.wal_segment_bytes)
        try:
            handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise PostgresFailure(
                f"the log file {path}, which pg_control points at, cannot be read: {error.strerror}. "
                "Clone this server again, or restore it."
            ) from error
        try:
            found = os.pread(handle, length, offset)
        finally:
            os.close(handle)
        if len(found) < length:
            raise PostgresFailure(f"the log file {path} is shorter than a segment. Clone this server again.")
        return found


def segment_name(timeline: int, segment: int, segment_bytes: int) -> str:
    """The file name of a log segment by its number (position divided by the segment's size)."""
    segments_each = 0x1_0000_0000 // segment_bytes
    return f"{timeline:08X}{segment // segments_each:08X}{segment % segments_each:08X}"


def _crc_table() -> tuple[int, ...]:
    polynomial = 0x82F63B78  # Castagnoli, reflected: what the log uses
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC-32C of some bytes, as the log's records carry it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
