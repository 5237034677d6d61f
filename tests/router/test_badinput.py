"""What becomes of clients that send what no client should? (To a router that runs, with a real server behind it.)"""

import contextlib
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import psutil

from howdah.wire import codes, startup
from howdah.wire.frame import REPLIES, REPLY_MAX_BYTES, Framer
from howdah.wire.replies import read_report
from tests.certificates import Authority
from tests.realcluster.processes import eventually
from tests.router.lonerouter import Lone, LoneRouter, router_of

HELLO = startup.startup_message((("user", "trusted"), ("database", "postgres")), 0)
WITH_PASSWORD = startup.startup_message((("user", "anna"), ("database", "postgres")), 0)
ALLOWED_BYTES = 64 << 20
"""So much the router may grow by all of this: far less than what is sent or promised."""
LIMITS = {"login_timeout": "2s", "write_timeout": "2s", "buffer_bytes": "64kB", "logins_pending": 50}
LOGIN = {"hba": ["host all trusted all trust", "host all all all scram-sha-256"]}


@contextlib.contextmanager
def watched(lone: Lone, **settings: Any) -> Iterator[LoneRouter]:
    """A router that has to keep small, while another client asks and asks, and gets every answer."""
    with router_of(lone, limits=LIMITS, login=LOGIN, **settings) as router:
        stop, failures, answers = threading.Event(), [], [0]

        def ask() -> None:
            with router.connect() as client:
                while not stop.is_set():
                    row = client.execute("SELECT 41 + 1").fetchone()
                    if row != (42,):
                        failures.append(str(row))
                    answers[0] += 1

        other = threading.Thread(target=ask)
        other.start()
        try:
            eventually(lambda: answers[0] > 0, "the other one begins")
            yield router
            before = answers[0]
            eventually(lambda: answers[0] > before, "the other one goes on")
        finally:
            stop.set()
            other.join()
        assert not failures


def size_of(router: LoneRouter) -> int:
    """Memory that is its own, bytes."""
    assert router.process is not None
    return int(psutil.Process(router.process.pid).memory_info().rss)


def heard(connection: socket.socket) -> bytes:
    """All that comes until the end."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            found += data
    return found


@contextlib.contextmanager
def client_of(router: LoneRouter) -> Iterator[socket.socket]:
    """One that has logged in."""
    with router.raw() as connection:
        connection.sendall(HELLO)
        answered(connection)
        yield connection


def answered(connection: socket.socket) -> bytes:
    """All that comes until a ReadyForQuery, or until the end."""
    found = b""
    while not found.endswith(b"Z\0\0\0\5I") and (data := connection.recv(65536)):
        found += data
    return found


def states_in(answer: bytes) -> list[str]:
    """The SQLSTATEs of its errors."""
    frames = Framer(REPLIES, REPLY_MAX_BYTES)
    frames.feed(answer)
    found: list[str] = []
    while frames.step():
        if frames.kind == codes.ERROR:
            found.append(read_report(frames.buffer, frames.start, frames.end).sqlstate)
    return found


def said_to(router: LoneRouter, *pieces: bytes) -> list[str]:
    """What a client that says this, and then waits, is told in the end."""
    with router.raw() as connection:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        return states_in(heard(connection))


def of_length(kind: bytes, length: int, body: bytes = b"") -> bytes:
    """A message that says it has this length."""
    return kind + length.to_bytes(4, "big", signed=length < 0) + body


def query(text: bytes) -> bytes:
    return of_length(b"Q", len(text) + 5, text + b"\0")


BEFORE_LOGIN = {
    "something else": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ["08P01"]),
    "noise": (bytes(range(1, 256)) * 40, ["08P01"]),
    "a length of nothing": (b"\0\0\0\0\0\3\0\0", ["08P01"]),
    "a length below zero": (b"\xff\xff\xff\xff\0\3\0\0", ["08P01"]),
    "a length of two gigabytes": (b"\x7f\xff\xff\xff\0\3\0\0", ["08P01"]),
    "a version of the past": (b"\0\0\0\x08\0\2\0\0", ["0A000"]),
    "nobody's name": (b"\0\0\0\x09\0\3\0\0\0", ["28000"]),
    "a name without an end": (b"\0\0\0\x0d\0\3\0\0user\0", ["08P01"]),
    "a setting without a name": (
        startup.startup_message((("user", "trusted"), ("database", "postgres"), ("options", "-c =x")), 0),
        ["42704"],
    ),
    "a query before the login": (query(b"SELECT 1"), ["08P01"]),
    "a query instead of a password": (WITH_PASSWORD + query(b"SELECT 1"), ["08P01"]),
    "a second startup packet": (WITH_PASSWORD + HELLO, ["08P01"]),
    "bytes behind a request for TLS": (startup.opening(startup.Opening.SSL) + HELLO, ["08P01"]),
    "bytes behind a request for GSS": (startup.opening(startup.Opening.GSS) + HELLO, ["08P01"]),
    "TLS where none is offered": (b"\x16\3\1\2\0\1\0\1\xfc\3\3", ["08P01"]),
    "a cancel with a key of nothing": (b"\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\1", ["08P01"]),
}


def test_before_the_login(lone: Lone) -> None:
    with watched(lone) as router:
        before = size_of(router)
        found = {name: said_to(router, data) for name, (data, _) in BEFORE_LOGIN.items()}
        wrong = {name: told for name, told in found.items() if told != BEFORE_LOGIN[name][1]}
        assert not wrong
        assert size_of(router) - before < ALLOWED_BYTES


AFTER_LOGIN = {
    "a type that there is not": (of_length(b"\1", 4), "08P01"),
    "a second startup packet": (HELLO, "08P01"),
    "a length below its own": (of_length(b"Q", 3), "08P01"),
    "a length below zero": (of_length(b"Q", -1), "08P01"),
    "a length of two gigabytes": (of_length(b"Q", (1 << 31) - 1), "08P01"),
    "a Sync with a body of a megabyte": (of_length(b"S", 1 << 20), "08P01"),
    "a Parse whose name has no end": (of_length(b"P", 8, b"name") + of_length(b"S", 4), "08P01"),
    "a Bind whose name has no end": (of_length(b"B", 8, b"name") + of_length(b"S", 4), "08P01"),
    "a password": (of_length(b"p", 9, b"word\0"), "08P01"),
    "a reply of a server": (of_length(b"Z", 5, b"I"), "08P01"),
    "a Describe of nothing": (of_length(b"D", 4), "08P01"),
    "a Close without an end": (of_length(b"C", 5, b"S") + of_length(b"S", 4), "08P01"),
    "a Sync behind it that is too short": (of_length(b"P", 8, b"\0\0\0\0") + of_length(b"S", 2), "08P01"),
    "a query without its end": (of_length(b"Q", 12, b"SELECT 1"), "08P01"),
}


def test_after_the_login(lone: Lone) -> None:
    with watched(lone) as router:
        before = size_of(router)
        wrong = {}
        for name, (data, state) in AFTER_LOGIN.items():
            with client_of(router) as connection:
                connection.sendall(data)
                told = states_in(answered(connection))
            if told != [state]:
                wrong[name] = told
        assert not wrong
        assert size_of(router) - before < ALLOWED_BYTES


def test_a_message_that_never_ends_is_not_kept(lone: Lone) -> None:
    with watched(lone) as router:
        before = size_of(router)
        for kind in (b"Q", b"P", b"B", b"d", b"F"):
            with client_of(router) as connection:
                connection.sendall(of_length(kind, 1 << 30))
                connection.settimeout(2)
                sent = 0
                with contextlib.suppress(TimeoutError, ConnectionError):
                    while sent < 128 << 20:
                        sent += connection.send(b"\0name\0" + b"x" * 65530)
                assert size_of(router) - before < ALLOWED_BYTES, kind


def test_who_sends_byte_by_byte_is_shown_out_in_time(lone: Lone) -> None:
    with watched(lone) as router:
        slow = [router.raw() for _ in range(30)]
        for connection in slow:
            connection.sendall(HELLO[:9])
        halfway = router.raw()
        halfway.sendall(WITH_PASSWORD)
        for connection in slow:
            assert heard(connection) == b""
        assert states_in(heard(halfway)) == ["57014"]
        for connection in (*slow, halfway):
            connection.close()


def test_bytes_that_are_stuffed_before_tls_are_not_taken_for_the_client_s(lone: Lone, authority: Authority) -> None:
    identity = authority.issue("router")
    clients = {"mode": "allow", "cert_file": str(identity.certificate), "key_file": str(identity.key)}
    with watched(lone, tls={"servers": {"mode": "disable"}, "clients": clients}) as router:
        stuffed = startup.opening(startup.Opening.SSL) + HELLO + query(b"DROP TABLE everything")
        assert said_to(router, stuffed) == ["08P01"]
        context = ssl.create_default_context(cafile=str(authority.file))
        context.check_hostname = False
        with router.raw() as plain:
            plain.sendall(startup.opening(startup.Opening.SSL))
            assert plain.recv(1) == b"S"
            with context.wrap_socket(plain) as secured:
                secured.sendall(startup.opening(startup.Opening.SSL))
                answer = b""
                with contextlib.suppress(ssl.SSLError, ConnectionError):
                    while data := secured.recv(4096):
                        answer += data
                assert states_in(answer) == ["0A000"], "a protocol that there is not"


def test_who_never_reads_costs_little(lone: Lone) -> None:
    with watched(lone) as router:
        before = size_of(router)
        greedy = []
        for _ in range(5):
            connection = router.raw()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(HELLO + query(b"SELECT repeat('x', 1000) FROM generate_series(1, 200000)"))
            greedy.append(connection)
        router.until_logged("a client took nothing for 2000 ms; it is ended")
        assert size_of(router) - before < ALLOWED_BYTES
        for connection in greedy:
            connection.close()


def test_noise_after_the_login_disturbs_nobody(lone: Lone) -> None:
    kinds, chance = b"QPBDECHSFdcfX", random.Random(7)
    with watched(lone) as router:
        before = size_of(router)
        for round_ in range(60):
            noise = chance.randbytes(200)
            pieces = [
                of_length(bytes((kinds[byte % len(kinds)],)), 4 + byte % 40, noise[at : at + byte % 40])
                for at, byte in enumerate(noise[:20])
            ]
            with router.raw() as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(HELLO + b"".join(pieces[: 1 + round_ % 20]))
                    connection.shutdown(socket.SHUT_WR)
                heard(connection)
        assert size_of(router) - before < ALLOWED_BYTES
