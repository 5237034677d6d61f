"""How is one node of a real cluster cut off from the store, and nobody else?

A socket in a directory of its own, which that node takes for the store's; what comes in is passed on to the real one.
"""

import contextlib
import socket
import threading
from pathlib import Path

from howdah.stores.sqlite.socketpath import SOCKET_NAME

BLOCK = 65536


class StoreProxy:
    """Stands in `directory` for the store in `real`. `cut` breaks and refuses every connection until `heal`."""

    def __init__(self, directory: Path, real: Path) -> None:
        self.directory = directory
        self._real = real
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def heal(self) -> None:
        """Listen, from now on."""
        self.directory.mkdir(exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.directory / SOCKET_NAME))
        listener.listen()
        self._listener = listener
        self._begin(self._accept, listener)

    def cut(self) -> None:
        """Nothing passes any more, and new connections are refused."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        (self.directory / SOCKET_NAME).unlink()
        for each in (listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        for each in (listener, *self._open):
            each.close()
        self._open.clear()

    def _begin(self, work: object, *parts: socket.socket) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=parts, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            self._open |= {near, far}
            try:
                far.connect(str(self._real / SOCKET_NAME))
            except OSError:
                near.shutdown(socket.SHUT_RDWR)
                continue
            self._begin(_pass_on, near, far)
            self._begin(_pass_on, far, near)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(BLOCK):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
