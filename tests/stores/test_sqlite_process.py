"""Does the store process survive its clients, refuse files it must not touch, and end when it should?"""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from howdah.ports.store import StoreUnavailable, Unknown, Versioned
from howdah.stores.sqlite.file import FILE_NAME
from howdah.stores.sqlite.messages import Swap, Watch, encode_request
from howdah.stores.sqlite.server import CONNECTIONS_MAX
from howdah.stores.sqlite.socketpath import SOCKET_NAME, SOCKET_PATH_BYTES_MAX, socket_path
from tests.signals import send
from tests.stores.contract import closing, swap
from tests.stores.sqliterig import START_SECONDS, SqliteRig, refused


@pytest.fixture
def rig() -> Iterator[SqliteRig]:
    rig = SqliteRig()
    try:
        yield rig
    finally:
        rig.close()


def _write(rig: SqliteRig, text: str) -> int:
    async def scenario() -> int:
        async with closing(rig.client()) as store:
            document = await store.read("record")
            return await swap(store, "record", None if document is None else document.version, text)

    return asyncio.run(scenario())


def _read(rig: SqliteRig) -> Versioned | None:
    async def scenario() -> Versioned | None:
        async with closing(rig.client()) as store:
            return await store.read("record")

    return asyncio.run(scenario())


def _connection(rig: SqliteRig) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with socket_path(rig.directory) as path:
        connection.connect(path)
    connection.settimeout(START_SECONDS)
    return connection


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\xff\xfe\n",
        b"[]\n",
        b"{}\n",
        b'{"read": 7}\n',
        b'{"read": "../../etc/passwd"}\n',
        b'{"swap": "record", "text": "x"}\n',
        b'{"swap": "record", "expected": "1", "text": "x"}\n',
        b'{"swap": "record", "expected": true, "text": "x"}\n',
        b'{"swap": "record", "expected": null, "text": "\\ud800"}\n',
        b"[" * 100_000 + b"\n",
        b'{"read": "' + b"x" * 4_000_000 + b'"}\n',
    ],
    ids=range(13),
)
def test_garbage_is_refused_and_harms_nobody(rig: SqliteRig, line: bytes) -> None:
    rig.start()
    _write(rig, "good")
    with _connection(rig) as connection:
        try:
            connection.sendall(line)
            answer = connection.recv(10_000)
        except OSError:
            answer = b""  # The rest of a line that is far too long meets a closed connection.
    assert answer == b"" or answer.startswith(b'{"refused"'), answer
    document = _read(rig)
    assert document is not None
    assert document.text == "good"


def test_a_request_that_was_cut_short_has_no_effect(rig: SqliteRig) -> None:
    rig.start()
    with _connection(rig) as connection:
        connection.sendall(encode_request(Swap("record", None, "cut"))[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10_000).startswith(b'{"refused"')
    assert _read(rig) is None


def test_frozen_clients_lock_nobody_out(rig: SqliteRig) -> None:
    """One in the middle of a request, and one whose watch is never read while much is written."""
    rig.start()
    with _connection(rig) as half, _connection(rig) as deaf:
        half.sendall(encode_request(Swap("record", None, "half"))[:10])
        deaf.sendall(encode_request(Watch("record")))
        for number in range(10):
            _write(rig, f"{number}" * 200_000)
        document = _read(rig)
        assert document is not None
        assert document.text == "9" * 200_000


def test_clients_beyond_the_limit_are_turned_away_and_the_others_stay(rig: SqliteRig) -> None:
    rig.start()
    with contextlib.ExitStack() as idle:
        for _ in range(CONNECTIONS_MAX):
            idle.enter_context(_connection(rig))
        with pytest.raises(StoreUnavailable):
            _read(rig)
    asyncio.run(_until_it_answers(rig))


async def _until_it_answers(rig: SqliteRig) -> None:
    async with asyncio.timeout(START_SECONDS), closing(rig.client()) as store:
        while True:
            try:
                await store.read("record")
                return
            except StoreUnavailable:
                await asyncio.sleep(0.01)


def test_its_directory_is_in_its_command_line_and_its_files_are_private(rig: SqliteRig) -> None:
    rig.start()
    assert str(rig.directory) in psutil.Process(rig.pid).cmdline()
    for name in (SOCKET_NAME, FILE_NAME):
        assert stat.S_IMODE((rig.directory / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(rig.directory.stat().st_mode) == 0o700


def test_it_stays_small(rig: SqliteRig) -> None:
    rig.start()
    _write(rig, "x" * 200_000)
    assert psutil.Process(rig.pid).memory_info().rss < 40_000_000


def test_a_second_process_on_the_same_directory_is_refused(rig: SqliteRig) -> None:
    rig.start()
    assert f"pid {rig.pid}) already serves {rig.directory}" in refused(rig)
    send((rig.pid,), signal.SIGSTOP)
    try:
        assert "already serves" in refused(rig)
    finally:
        os.kill(rig.pid, signal.SIGCONT)
    _write(rig, "still served")


def test_a_directory_with_a_very_long_name_is_served() -> None:
    rig = SqliteRig("/".join("a-very-long-directory-name" for _ in range(10)))
    try:
        assert len(str(rig.directory)) > SOCKET_PATH_BYTES_MAX
        rig.start()
        _write(rig, "far away")
        assert (rig.directory / SOCKET_NAME).is_socket()
    finally:
        rig.close()


def test_sigterm_ends_it_cleanly_with_everything_in_the_file(rig: SqliteRig) -> None:
    rig.start()
    _write(rig, "kept")
    with _connection(rig) as watching:
        watching.sendall(encode_request(Watch("record")))
        assert watching.recv(10_000)
        os.kill(rig.pid, signal.SIGTERM)
        _, words = rig.process.communicate(timeout=START_SECONDS)
        assert (rig.process.returncode, words) == (0, b"")
    assert sorted(path.name for path in rig.directory.iterdir()) == [FILE_NAME, "store.lock"]
    rig.start()
    document = _read(rig)
    assert document is not None
    assert document.text == "kept"


def test_when_its_directory_is_removed_it_says_so_and_ends(rig: SqliteRig) -> None:
    """It must not go on acknowledging writes to a file that nobody can open any more."""
    rig.start()
    _write(rig, "before")
    with _connection(rig) as connection:
        rig.wipe()
        connection.sendall(encode_request(Swap("record", None, "lost")))
        assert b"removed or replaced" in connection.recv(10_000)
    _, words = rig.process.communicate(timeout=START_SECONDS)
    assert rig.process.returncode == 1
    assert b"removed or replaced" in words


def test_a_commit_that_the_disk_refuses_is_unknown_and_ends_the_process(rig: SqliteRig) -> None:
    rig.start()
    version = _write(rig, "before")
    limit = (rig.directory / (FILE_NAME + "-wal")).stat().st_size + 1_000
    psutil.Process(rig.pid).rlimit(psutil.RLIMIT_FSIZE, (limit, limit))

    async def scenario() -> None:
        async with closing(rig.client()) as store:
            assert isinstance(await store.compare_and_swap("record", version, "x" * 100_000), Unknown)

    asyncio.run(scenario())
    _, words = rig.process.communicate(timeout=START_SECONDS)
    assert rig.process.returncode == 1
    assert b"a commit to" in words
    rig.start()
    assert _read(rig) == Versioned("before", version)


def _make_store(rig: SqliteRig) -> Path:
    rig.start()
    _write(rig, "x" * 100_000)
    os.kill(rig.pid, signal.SIGTERM)
    rig.process.communicate(timeout=START_SECONDS)
    return rig.directory / FILE_NAME


def _refused_untouched(rig: SqliteRig, file: Path) -> str:
    before = file.read_bytes()
    words = refused(rig)
    assert file.read_bytes() == before
    assert str(file) in words
    return words


def test_a_file_that_is_not_sqlite_is_refused_and_left_alone(rig: SqliteRig) -> None:
    file = _make_store(rig)
    file.write_bytes(b"something else entirely, of some length")
    assert "not a store" in _refused_untouched(rig, file)


def test_an_empty_file_is_refused_and_left_alone(rig: SqliteRig) -> None:
    file = _make_store(rig)
    file.write_bytes(b"")
    assert "damaged" in _refused_untouched(rig, file)


def test_a_file_with_a_hole_in_it_is_refused_and_left_alone(rig: SqliteRig) -> None:
    file = _make_store(rig)
    content = bytearray(file.read_bytes())
    content[4_096:8_192] = os.urandom(4_096)
    file.write_bytes(content)
    assert "damaged" in _refused_untouched(rig, file)


def test_a_file_cut_short_is_refused_and_left_alone(rig: SqliteRig) -> None:
    file = _make_store(rig)
    file.write_bytes(file.read_bytes()[:8_192])
    assert "damaged" in _refused_untouched(rig, file)


def test_a_file_of_another_program_is_refused_and_left_alone(rig: SqliteRig) -> None:
    rig.directory.mkdir()
    file = rig.directory / FILE_NAME
    connection = sqlite3.connect(file)
    connection.executescript("CREATE TABLE precious (x); INSERT INTO precious VALUES (1);")
    connection.close()
    assert "another program" in _refused_untouched(rig, file)


def test_a_file_of_another_format_is_refused_and_left_alone(rig: SqliteRig) -> None:
    file = _make_store(rig)
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA journal_mode = DELETE; PRAGMA user_version = 2;")
    connection.close()
    assert "format 2" in _refused_untouched(rig, file)


def test_a_log_without_its_file_is_refused(rig: SqliteRig) -> None:
    rig.start()
    _write(rig, "in the log")
    rig.kill()
    (rig.directory / FILE_NAME).unlink()
    assert "half of the store was removed" in refused(rig)
    assert not (rig.directory / FILE_NAME).exists()


def test_a_file_that_another_program_holds_is_refused(rig: SqliteRig) -> None:
    file = _make_store(rig)
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        assert "Is another program using it?" in refused(rig)
    finally:
        connection.close()


def test_leftovers_of_a_creation_that_was_interrupted_are_no_obstacle(rig: SqliteRig) -> None:
    rig.directory.mkdir()
    (rig.directory / (FILE_NAME + ".new")).write_bytes(b"half")
    rig.start()
    _write(rig, "made")


def test_a_directory_that_cannot_be_made_is_named(rig: SqliteRig) -> None:
    rig.directory.write_text("a file is in the way")
    assert str(rig.directory) in refused(rig)
