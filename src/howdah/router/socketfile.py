"""Who owns a Unix socket `.s.PGSQL.<port>`, and when may another process have it?

As PostgreSQL does it there is a lock file beside the socket, with the owner's process number in its first line. A
socket is taken away only from a process that is dead, or from a router of the same account that is being replaced: that
one keeps the connections it has, and those that still wait in its queue.
"""

import contextlib
import os
import socket
import time
from pathlib import Path

WHAT = "howdah router"
"""The lock file's second line, where PostgreSQL writes its data directory."""
_TRIES = 10


class SocketTaken(Exception):
    """The sentence names the socket, who has it and the mend."""


class SocketFile:
    """One socket and its lock, ours from the beginning. Raises SocketTaken, OSError."""

    def __init__(self, directory: Path, port: int, mode: int, backlog: int) -> None:
        self.path = directory / f".s.PGSQL.{port}"
        self._lock = directory / f".s.PGSQL.{port}.lock"
        self._lines = f"{os.getpid()}\n{WHAT}\n{int(time.time())}\n{port}\n{directory}\n"
        self.replaced = self._claim()
        self.socket = self._listen(mode, backlog)

    def _claim(self) -> int:
        """Make the lock ours. The process whose socket it was and that lives; 0 if there is none."""
        for _ in range(_TRIES):
            try:
                descriptor = os.open(self._lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                owner, what = _read(self._lock)
                if not _alive(owner):
                    self._lock.unlink(missing_ok=True)
                    continue
                if what != WHAT:
                    raise SocketTaken(
                        f"{self.path} belongs to process {owner} ({self._lock}): give another listen.port or "
                        "listen.socket_directory, or end that process"
                    ) from None
                self._write_beside()
                return owner
            with os.fdopen(descriptor, "w") as file:
                file.write(self._lines)
            return 0
        raise SocketTaken(f"{self._lock} comes back whenever it is removed: end who writes it")

    def _write_beside(self) -> None:
        beside = self._lock.with_name(f"{self._lock.name}.{os.getpid()}")
        beside.write_text(self._lines)
        beside.chmod(0o600)
        beside.replace(self._lock)

    def _listen(self, mode: int, backlog: int) -> socket.socket:
        """Listen under another name first: the name is never without somebody who answers."""
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.bind(str(beside))
            beside.chmod(mode)
            listener.listen(backlog)
            beside.replace(self.path)
        except BaseException:
            listener.close()
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            self._unlock()
            raise
        return listener

    def release(self) -> None:
        """Take the files away, if they are still ours."""
        if _read(self._lock)[0] == os.getpid():
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
        self._unlock()

    def _unlock(self) -> None:
        if _read(self._lock)[0] == os.getpid():
            with contextlib.suppress(OSError):
                self._lock.unlink(missing_ok=True)


def _read(lock: Path) -> tuple[int, str]:
    """The owner's process number and the second line; (0, "") for a file that says nothing."""
    try:
        lines = lock.read_text(errors="replace").splitlines()
        return abs(int(lines[0])), lines[1] if len(lines) > 1 else ""
    except (OSError, ValueError, IndexError):
        return 0, ""


def _alive(process: int) -> bool:
    """Whether there is such a process. In a container a dead one often had the number that we, or our parent, have now:
    neither of us made that file."""
    if process <= 0 or process in (os.getpid(), os.getppid()):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
