"""What does the store process do? (`python -m howdah.stores.sqlite.server --directory DIR`)

It owns the file, answers one request per connection, and pushes changes to watchers. A write is answered after it is
flushed. Everything runs in one thread, one request after the other, so that reads are linearizable by themselves.
Only the standard library is imported, to keep the process small.
"""

import argparse
import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from typing import assert_never

from howdah.ports.store import Conflict, Swapped, Unknown
from howdah.stores.documents import check_document_name
from howdah.stores.sqlite.file import DocumentFile, UnusableFile, WriteRefused, open_documents
from howdah.stores.sqlite.messages import (
    LINE_BYTES_MAX,
    Answer,
    BadMessage,
    DocumentIs,
    Read,
    Refused,
    Request,
    Swap,
    SwapConflict,
    SwapDone,
    SwapUnknown,
    Watch,
    decode_request,
    encode_answer,
)
from howdah.stores.sqlite.socketpath import SOCKET_NAME, socket_path

LOCK_NAME = "store.lock"

REQUEST_SECONDS_MAX = 10.0
"""How long a connection may take to say what it wants. Clients give up after two seconds."""

CONNECTIONS_MAX = 256
"""Far above what agents use (a watch and a request each), below the usual limit of 1,024 open files."""


class StoreProcess:
    """The connections of one store."""

    def __init__(self, documents: DocumentFile) -> None:
        self._documents = documents
        self._conversations: set[asyncio.Task[None]] = set()
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._ended = asyncio.Event()
        self._failure: str | None = None

    async def run(self, listener: socket.socket) -> str | None:
        """Serve until SIGTERM or SIGINT (None), or until the file cannot be trusted any more (a sentence)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        server = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=LINE_BYTES_MAX, backlog=CONNECTIONS_MAX
        )
        await self._ended.wait()
        server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        return self._failure

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._conversations) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        conversation = asyncio.ensure_future(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _receive(reader)
            match request:
                case Watch(name):
                    await self._push(name, reader, writer)
                case Read() | Swap():
                    await _send(writer, self._answer(request))
                case Refused():
                    await _send(writer, request)
                case _:
                    assert_never(request)
        except OSError:
            pass  # The client is gone. What it asked for is done or was never read.
        finally:
            writer.close()

    def _answer(self, request: Read | Swap) -> Answer:
        if not self._documents.in_place():
            self._fail("the store's file was removed or replaced while it was in use; start the store again")
        if self._failure is not None:
            return Refused(self._failure)
        try:
            check_document_name(request.name)
            match request:
                case Read(name):
                    return DocumentIs(self._documents.read(name), self._documents.moment)
                case Swap():
                    return self._swap(request)
                case _:
                    assert_never(request)
        except (ValueError, WriteRefused) as error:
            return Refused(str(error))
        except sqlite3.Error as error:
            self._fail(f"the store's file cannot be read: {error}")
            return Refused(str(error))

    def _swap(self, swap: Swap) -> Answer:
        outcome = self._documents.swap(swap.name, swap.expected_version, swap.text)
        if self._documents.broken is not None:
            self._fail(self._documents.broken)
        match outcome:
            case Swapped(version):
                for changed in self._watchers.get(swap.name, ()):
                    changed.set()
                return SwapDone(version, self._documents.moment)
            case Conflict():
                return SwapConflict(self._documents.moment)
            case Unknown(reason):
                return SwapUnknown(reason)
            case _:
                assert_never(outcome)

    async def _push(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send the document now and after changes; changes that come faster than the client reads are joined."""
        changed = asyncio.Event()
        changed.set()
        self._watchers.setdefault(name, set()).add(changed)
        hung_up = asyncio.ensure_future(reader.read(1))
        try:
            while not hung_up.done():
                wake = asyncio.ensure_future(changed.wait())
                await asyncio.wait({wake, hung_up}, return_when=asyncio.FIRST_COMPLETED)
                wake.cancel()
                if changed.is_set():
                    changed.clear()
                    answer = self._answer(Read(name))
                    await _send(writer, answer)
                    if not isinstance(answer, DocumentIs):
                        return
        finally:
            hung_up.cancel()
            # Retrieved, so that a reset connection is not reported as an error nobody looked at.
            await asyncio.gather(hung_up, return_exceptions=True)
            self._watchers[name].discard(changed)
            if not self._watchers[name]:
                del self._watchers[name]

    def _fail(self, sentence: str) -> None:
        if self._failure is None:
            self._failure = sentence
            # After the answer that is being made: it still has to leave.
            asyncio.get_running_loop().call_soon(self._ended.set)


async def _receive(reader: asyncio.StreamReader) -> Request | Refused:
    try:
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            line = await reader.readline()
        return decode_request(line)
    except TimeoutError:
        return Refused(f"no request came within {REQUEST_SECONDS_MAX:.0f} s")
    except BadMessage as error:
        return Refused(f"not a request: {error}")
    except ValueError:
        return Refused(f"a request has at most {LINE_BYTES_MAX} bytes")


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(encode_answer(answer))
    await writer.drain()


def _lock(directory: Path) -> int:
    """Hold the directory for the life of this process. Raises UnusableFile if another process has it."""
    descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise UnusableFile(f"another store process (pid {holder}) already serves {directory}") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _listen(directory: Path) -> socket.socket:
    """Bind the socket, of mode 0600 from its first moment. One that lies there is dead: we hold the lock."""
    (directory / SOCKET_NAME).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with socket_path(directory) as path:
            listener.bind(path)
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener


async def _run(documents: DocumentFile, listener: socket.socket) -> str | None:
    return await StoreProcess(documents).run(listener)


def serve(directory: Path) -> str | None:
    """Serve this directory until told to stop: None, or the sentence that says why it could not go on."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock(directory)
    except (UnusableFile, OSError) as error:
        return str(error)
    try:
        with contextlib.closing(open_documents(directory)) as documents, _listen(directory) as listener:
            trouble = asyncio.run(_run(documents, listener))
            if documents.in_place():
                (directory / SOCKET_NAME).unlink(missing_ok=True)
            return trouble
    except (UnusableFile, OSError, sqlite3.Error) as error:
        return str(error)
    finally:
        os.close(lock)


def main() -> int:
    """0 after a clean stop, 1 if the store cannot serve (the reason is on standard error)."""
    parser = argparse.ArgumentParser(prog="howdah-store", description="The store of a cluster on one machine.")
    parser.add_argument("--directory", type=Path, required=True, help="where the documents and the socket lie")
    trouble = serve(parser.parse_args().directory)
    if trouble is None:
        return 0
    sys.stderr.write(f"howdah store: {trouble}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
