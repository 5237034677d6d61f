"""Where does the store process listen, and how is a socket in a directory with a very long name reached?

A Unix socket of mode 0600 beside the file: whoever may write the file may talk to the process, nobody else, and there
is no port to take and no token to keep. A socket's path has about a hundred bytes. A longer one is reached through the
open directory (/proc/self/fd/N/...), which needs Linux and no second place to look for the socket.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET_NAME = "store.socket"

SOCKET_PATH_BYTES_MAX = 103
"""The smallest sun_path in use is macOS's 104 bytes with the zero at its end; Linux has 108."""


@contextmanager
def socket_path(directory: Path) -> Iterator[str]:
    """A name by which to bind or connect the socket of this directory; good while the context lasts.

    Raises OSError if the directory cannot be opened, or its name is too long for this system.
    """
    path = directory / SOCKET_NAME
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        yield str(path)
        return
    if not sys.platform.startswith("linux"):
        raise OSError(f"{path} is too long for a socket on this system: at most {SOCKET_PATH_BYTES_MAX} bytes")
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)
