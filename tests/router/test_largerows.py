"""Do rows that are far larger than any buffer stream through, both ways, while the router stays small?"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from howdah.wire import startup
from tests.router.lonerouter import Lone, LoneRouter, router_of

MEGABYTE = 1 << 20
ROW_BYTES = 128 * MEGABYTE
GROWS_BYTES_MAX = 12 * MEGABYTE
"""By so much the router may grow for one such row: limits.buffer_bytes on both sides, and what the allocator keeps. (It
was 2 MB for rows of 1000 MB.)"""
HELLO = startup.startup_message((("user", "trusted"), ("database", "postgres")), 0)


class Grown:
    """How much a process grew while it was looked at."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._first = self._process.memory_info().rss
        self._most = self._first
        self._stop = threading.Event()
        self._looks = threading.Thread(target=self._look)
        self._looks.start()

    def _look(self) -> None:
        while not self._stop.is_set():
            self._most = max(self._most, self._process.memory_info().rss)
            time.sleep(0.005)

    def end(self) -> int:
        """By so many bytes, at most, at any moment."""
        self._stop.set()
        self._looks.join()
        return self._most - self._first


@contextmanager
def client_of(router: LoneRouter) -> Iterator[socket.socket]:
    """A client that keeps nothing of what comes."""
    with router.raw() as connection:
        connection.sendall(HELLO)
        until(connection, b"Z\0\0\0\5I")
        yield connection


def until(connection: socket.socket, words: bytes) -> int:
    """Read up to these words; how much that was."""
    size, last = 0, b""
    while not last.endswith(words):
        data = connection.recv(1 << 18)
        assert data, last[-300:]
        size += len(data)
        last = (last + data)[-4096:]
    assert b"SERROR" not in last, last
    return size


def message(kind: bytes, body: bytes = b"", more: int = 0) -> bytes:
    return kind + (len(body) + more + 4).to_bytes(4, "big") + body


def query(text: str) -> bytes:
    return message(b"Q", text.encode() + b"\0")


def growth(router: LoneRouter, work: Callable[[socket.socket], None]) -> int:
    with client_of(router) as connection:
        connection.sendall(query("SELECT 1"))
        until(connection, b"Z\0\0\0\5I")
        assert router.process is not None
        grown = Grown(router.process.pid)
        work(connection)
        return grown.end()


def test_a_large_row_comes_back(lone: Lone) -> None:
    def ask(connection: socket.socket) -> None:
        connection.sendall(query(f"SELECT repeat('x', {ROW_BYTES})"))
        assert until(connection, b"Z\0\0\0\5I") > ROW_BYTES

    with router_of(lone) as router:
        assert growth(router, ask) < GROWS_BYTES_MAX


def test_a_large_value_goes_in_as_a_parameter(lone: Lone) -> None:
    def send(connection: socket.socket) -> None:
        parse = message(b"P", b"\0SELECT length($1)\0\0\1\0\0\0\x19")
        head = b"\0\0\0\1\0\1\0\1" + ROW_BYTES.to_bytes(4, "big")
        connection.sendall(parse + message(b"B", head, ROW_BYTES + 2))
        _send(connection, ROW_BYTES)
        connection.sendall(b"\0\0" + message(b"E", b"\0\0\0\0\0") + message(b"S"))
        answer = _read(connection)
        assert str(ROW_BYTES).encode() in answer

    with router_of(lone) as router:
        assert growth(router, send) < GROWS_BYTES_MAX


def test_a_large_row_goes_in_and_out_by_copy(lone: Lone) -> None:
    lone.sql("DROP TABLE IF EXISTS large")
    lone.sql("CREATE TABLE large (value text STORAGE EXTERNAL)")
    lone.sql("GRANT ALL ON large TO trusted")

    def copy(connection: socket.socket) -> None:
        connection.sendall(query("COPY large FROM STDIN"))
        until(connection, b"G\0\0\0\x09\0\0\1\0\0")
        connection.sendall(message(b"d", b"", ROW_BYTES + 1))
        _send(connection, ROW_BYTES)
        connection.sendall(b"\n" + message(b"c"))
        until(connection, b"Z\0\0\0\5I")
        connection.sendall(query("COPY large TO STDOUT"))
        assert until(connection, b"Z\0\0\0\5I") > ROW_BYTES

    with router_of(lone) as router:
        assert growth(router, copy) < GROWS_BYTES_MAX
    lone.sql("DROP TABLE large")


def test_a_large_row_that_its_client_takes_slowly_is_not_gathered(lone: Lone) -> None:
    def ask(connection: socket.socket) -> None:
        connection.sendall(query(f"SELECT repeat('x', {ROW_BYTES})"))
        time.sleep(1)  # the server sends as fast as it may
        assert until(connection, b"Z\0\0\0\5I") > ROW_BYTES

    with router_of(lone) as router:
        assert growth(router, ask) < GROWS_BYTES_MAX


def _send(connection: socket.socket, size: int) -> None:
    piece = b"y" * MEGABYTE
    for _ in range(size // MEGABYTE):
        connection.sendall(piece)


def _read(connection: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"Z\0\0\0\5I"):
        data = connection.recv(65536)
        assert data, found
        found += data
    return found
