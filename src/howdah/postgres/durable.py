"""How is a file of a node written so that it survives a crash and belongs to the right account?

A new file goes under a name of its own, is synced, given to its owner and renamed over the old one: at any moment
there is the old content or the new. Links that somebody placed in a directory of the server's are never followed,
since we may be root.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
NEW_SUFFIX = ".howdah-new"
"""A file under such a name was being written when the agent died; the next write removes it."""
READ_BYTES_MAX = 1 << 20
"""Far above any file that we read whole; so a device or a huge file under such a name does no harm."""

_MENDS = {
    errno.ENOSPC: "The disk is full: free some space.",
    errno.EDQUOT: "The disk quota is used up: free some space.",
    errno.EROFS: "The file system is read-only: mend the disk and mount it writable.",
    errno.EACCES: "Give it to the account that runs the agent.",
    errno.EPERM: "Give it to the account that runs the agent.",
}


@contextmanager
def told_clearly(doing: str) -> Iterator[None]:
    """Turn an OSError in the block into PostgresFailure("cannot <doing>: ...") with the mend, where there is one."""
    try:
        yield
    except OSError as error:
        mend = _MENDS.get(error.errno or 0, "")
        raise PostgresFailure(f"cannot {doing}: {error.strerror or error}. {mend}".rstrip()) from error


def make_private_directory(path: Path, account: Account | None) -> None:
    """Make a directory that only the account may enter, if it is missing; durable. Raises PostgresFailure."""
    with told_clearly(f"make the directory {path}"):
        if not path.is_dir():
            path.mkdir(mode=PRIVATE_DIRECTORY)
            _give(path, account)
            sync_directory(path.parent)


def write_durably(
    path: Path, text: str, account: Account | None, mode: int = PRIVATE_FILE, *, sync: bool = True
) -> None:
    """Replace the file in one step; returns when file and name are on disk (or, without `sync`, when every process
    sees the new file). Raises PostgresFailure."""
    fresh = path.with_name(path.name + NEW_SUFFIX)
    with told_clearly(f"write {path}"):
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            _write_all(handle, text.encode())
            os.fchmod(handle, mode)
            if account is not None:
                os.fchown(handle, account.uid, account.gid)
            if sync:
                os.fsync(handle)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        fresh.rename(path)
        if sync:
            sync_directory(path.parent)


def read_small(path: Path) -> str | None:
    """The file's text; None if it is not there. Follows no link. Raises PostgresFailure if it cannot be read."""
    with told_clearly(f"read {path}"):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return os.read(handle, READ_BYTES_MAX).decode(errors="replace")
        finally:
            os.close(handle)


def remove_durably(path: Path) -> None:
    """Remove a file; no matter if it is not there. Returns when that is on disk. Raises PostgresFailure."""
    with told_clearly(f"remove {path}"):
        try:
            path.unlink()
        except FileNotFoundError:
            return
        sync_directory(path.parent)


def rename_durably(source: Path, target: Path) -> None:
    """Rename within one directory or file system; returns when it is on disk. Raises PostgresFailure."""
    with told_clearly(f"rename {source} to {target}"):
        source.rename(target)
        sync_directory(target.parent)
        if source.parent != target.parent:
            sync_directory(source.parent)


def remove_tree(path: Path) -> None:
    """Delete a directory with all in it; links in it are removed, not followed. Raises PostgresFailure."""
    with told_clearly(f"remove {path}"):
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
        else:
            return
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
