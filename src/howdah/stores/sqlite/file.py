"""How do the documents lie in the SQLite file, and when is a write safe on the disk?

Journal mode WAL with synchronous=FULL: a commit is one append to the log and one fsync, which is as durable as the
rollback journal (synchronous=EXTRA with DELETE) and needs a third of its flushes. The file is locked exclusively, so
that somebody who opens it by hand cannot block the cluster; copy it to look inside.
"""

import os
import secrets
import sqlite3
import time
from pathlib import Path

from howdah.ports.store import Conflict, SwapOutcome, Swapped, Unknown, Versioned
from howdah.stores.documents import encode_document
from howdah.stores.lineage import StoreMoment

FILE_NAME = "documents.sqlite"
_LOG_NAME = FILE_NAME + "-wal"
_NEW_NAME = FILE_NAME + ".new"

APPLICATION_ID = 0x484F5744
"""Marks the file as ours ("HOWD"), where file(1) and SQLite look for it."""

SCHEMA_VERSION = 1

_SCHEMA = f"""
BEGIN;
CREATE TABLE store (id TEXT NOT NULL, revision INTEGER NOT NULL, last_version INTEGER NOT NULL);
CREATE TABLE document (name TEXT PRIMARY KEY, version INTEGER NOT NULL, content BLOB NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


class UnusableFile(Exception):
    """The file cannot serve, and was left as it is: the sentence says why, and the mend."""


class WriteRefused(Exception):
    """Nothing was written."""


class DocumentFile:
    """An open file of documents. One per directory, in one process: the caller holds the directory's lock."""

    def __init__(self, path: Path, connection: sqlite3.Connection, moment: StoreMoment, last_version: int) -> None:
        self._path = path
        self._connection = connection
        self._moment = moment
        self._identity = _identity(path)
        # Versions never fall below the clock's microseconds at the start, so that a store that was made anew or put
        # back to an old copy goes on above the versions it lost: an agent that still expects one of those cannot hit
        # another document by accident.
        self._last_version = max(last_version, time.time_ns() // 1_000)
        self.broken: str | None = None

    @property
    def moment(self) -> StoreMoment:
        """The store's id and the revision of its last commit."""
        return self._moment

    def in_place(self) -> bool:
        """False once the file was removed or replaced: what is written from then on would be lost."""
        return self._identity is not None and _identity(self._path) == self._identity

    def read(self, name: str) -> Versioned | None:
        """The newest committed document. Raises sqlite3.Error."""
        row = self._connection.execute("SELECT version, content FROM document WHERE name = ?", (name,)).fetchone()
        return None if row is None else Versioned(bytes(row[1]).decode(), int(row[0]))

    def swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """Write and flush, if the version fits. Raises WriteRefused where certainly nothing was written.

        A commit that fails is Unknown: its record may be in the log, to be found by the next start. Unless the disk
        was merely full, `broken` is then set and nothing else may be asked of this object.
        """
        content = encode_document(text)
        revision = self._moment.revision + 1
        version = self._last_version + 1
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            row = self._connection.execute("SELECT version FROM document WHERE name = ?", (name,)).fetchone()
            if (None if row is None else row[0]) != expected_version:
                self._connection.execute("ROLLBACK")
                return Conflict()
            self._connection.execute(
                "INSERT INTO document VALUES (?1, ?2, ?3) "
                "ON CONFLICT (name) DO UPDATE SET version = excluded.version, content = excluded.content",
                (name, version, content),
            )
            self._connection.execute("UPDATE store SET revision = ?, last_version = ?", (revision, version))
        except sqlite3.Error as error:
            self._roll_back()
            raise WriteRefused(f"the store's file cannot be written: {error}") from error
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                self.broken = f"a commit to {self._path} failed: {error}"
            return Unknown(f"the store could not flush the write: {error}")
        self._moment = StoreMoment(self._moment.store_id, revision)
        self._last_version = version
        return Swapped(version)

    def close(self) -> None:
        """Put the log into the file, and release it."""
        self._connection.close()

    def _roll_back(self) -> None:
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self.broken = f"a transaction on {self._path} could not be rolled back: {error}"


def open_documents(directory: Path) -> DocumentFile:
    """Open the file of this directory, or make it if there never was one. Raises UnusableFile."""
    path = directory / FILE_NAME
    try:
        if not path.exists():
            _make(directory)
        return _open_existing(path)
    except (OSError, sqlite3.Error) as error:
        raise UnusableFile(f"{path} cannot be opened: {error}") from error


def _make(directory: Path) -> None:
    """Build the file under another name first: a crash midway leaves nothing that looks like a store."""
    if (directory / _LOG_NAME).exists():
        raise UnusableFile(
            f"{directory / _LOG_NAME} is there without {FILE_NAME}: half of the store was removed. "
            "Put the file back, or move the log away to begin with an empty store"
        )
    new = directory / _NEW_NAME
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
        connection.execute("INSERT INTO store VALUES (?, 0, 0)", (secrets.token_hex(8),))
        connection.execute("COMMIT")
    finally:
        connection.close()
    new.rename(directory / FILE_NAME)
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_existing(path: Path) -> DocumentFile:
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            raise UnusableFile(
                f"{path} is damaged or not a store: it does not begin as an SQLite file does. Put a good copy back, "
                "or move it away to begin with an empty store"
            )
    connection = sqlite3.connect(path.absolute().as_uri() + "?mode=rw", uri=True, isolation_level=None, timeout=0)
    try:
        moment, last_version = _prepare(path, connection)
    except sqlite3.OperationalError as error:
        connection.close()
        raise UnusableFile(f"{path} cannot be opened: {error}. Is another program using it?") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UnusableFile(f"{path} is damaged: {error}. Put a good copy back, or move it away") from error
    except UnusableFile:
        connection.close()
        raise
    return DocumentFile(path, connection, moment, last_version)


def _prepare(path: Path, connection: sqlite3.Connection) -> tuple[StoreMoment, int]:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    if application_id != APPLICATION_ID:
        raise UnusableFile(f"{path} is an SQLite file of another program: move it away, it was not touched")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise UnusableFile(
            f"{path} has format {version}, this Howdah reads format {SCHEMA_VERSION}: run the Howdah that wrote it"
        )
    findings = [row[0] for row in connection.execute("PRAGMA quick_check")]
    if findings != ["ok"]:
        raise UnusableFile(f"{path} is damaged: {findings[0]}. Put a good copy back, or move it away")
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    row = connection.execute("SELECT id, revision, last_version FROM store").fetchone()
    if row is None:
        raise UnusableFile(f"{path} is damaged: it has no store id. Put a good copy back, or move it away")
    return StoreMoment(str(row[0]), int(row[1])), int(row[2])


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
