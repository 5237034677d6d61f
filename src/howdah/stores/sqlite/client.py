"""How does an agent ask the store process?

One connection for one request: a Unix socket costs a tenth of a millisecond, and nothing of one request can be
left over for the next one. A watch keeps a connection of its own.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import assert_never

from howdah.ports.store import Conflict, StoreUnavailable, SwapOutcome, Swapped, Unknown, Versioned
from howdah.stores.documents import check_document_name, encode_document
from howdah.stores.lineage import Lineage, StoreMoment
from howdah.stores.settings import SqliteSettings
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
    decode_answer,
    encode_request,
)
from howdah.stores.sqlite.socketpath import socket_path


def server_command(directory: Path) -> list[str]:
    """The command line of the store process for this directory. It says on standard error why it ends."""
    return [sys.executable, "-m", "howdah.stores.sqlite.server", "--directory", str(directory)]


class SqliteStore:
    """The port `Store`, on the store process of a directory."""

    def __init__(self, settings: SqliteSettings) -> None:
        self._directory = settings.directory
        self._timeout_seconds = settings.request_timeout_ms / 1_000
        self._writers: set[asyncio.StreamWriter] = set()
        self._closed = False
        self.lineage = Lineage()

    async def read(self, name: str) -> Versioned | None:
        """See the port."""
        request = Read(check_document_name(name))
        before = self.lineage.newest
        reader, writer = await self._connect()
        try:
            answer = await self._exchange(reader, writer, request)
        except (OSError, BadMessage) as error:
            raise StoreUnavailable(f"the store did not answer a read: {_reason(error)}") from error
        finally:
            self._hang_up(writer)
        return self._document(answer, before)

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """See the port."""
        encode_document(text)
        request = Swap(check_document_name(name), expected_version, text)
        before = self.lineage.newest
        reader, writer = await self._connect()
        # From here on a part of the request may be on its way, even if writing it fails.
        try:
            answer = await self._exchange(reader, writer, request)
        except (OSError, BadMessage) as error:
            return Unknown(f"the store did not answer a write: {_reason(error)}")
        finally:
            self._hang_up(writer)
        return self._outcome(answer, before)

    def watch(self, name: str) -> AsyncIterator[Versioned | None]:
        """See the port."""
        return self._watch(Watch(check_document_name(name)))

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        for writer in list(self._writers):
            self._hang_up(writer)

    async def _watch(self, request: Watch) -> AsyncIterator[Versioned | None]:
        before = self.lineage.newest
        reader, writer = await self._connect()
        try:
            answer = await self._exchange(reader, writer, request)
            while True:
                yield self._document(answer, before)
                before = None  # Changes are pushed: they may be older than what was read meanwhile.
                answer = await _receive(reader)
        except (OSError, BadMessage) as error:
            raise StoreUnavailable(f"the watch broke: {_reason(error)}") from error
        finally:
            self._hang_up(writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises StoreUnavailable: nothing has been sent. Connecting to a Unix socket never waits."""
        if self._closed:
            raise StoreUnavailable("this client of the store is closed")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            with socket_path(self._directory) as path:
                connection.connect(path)
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_BYTES_MAX)
        except OSError as error:
            connection.close()
            raise StoreUnavailable(f"no store process answers in {self._directory}: {_reason(error)}") from error
        except BaseException:
            connection.close()
            raise
        self._writers.add(writer)
        return reader, writer

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> Answer:
        async with asyncio.timeout(self._timeout_seconds):
            writer.write(encode_request(request))
            await writer.drain()
            return await _receive(reader)

    def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()

    def _document(self, answer: Answer, before: StoreMoment | None) -> Versioned | None:
        match answer:
            case DocumentIs(document, moment):
                self.lineage.observe(moment, before)
                return document
            case Refused(reason) | SwapUnknown(reason):
                raise StoreUnavailable(reason)
            case SwapDone() | SwapConflict():
                raise StoreUnavailable("the store answered a read with the outcome of a write")
            case _:
                assert_never(answer)

    def _outcome(self, answer: Answer, before: StoreMoment | None) -> SwapOutcome:
        match answer:
            case SwapDone(version, moment):
                self.lineage.observe(moment, before)
                return Swapped(version)
            case SwapConflict(moment):
                self.lineage.observe(moment, before)
                return Conflict()
            case SwapUnknown(reason):
                return Unknown(reason)
            case Refused(reason):
                raise StoreUnavailable(reason)
            case DocumentIs():
                return Unknown("the store answered a write with a document")
            case _:
                assert_never(answer)


async def _receive(reader: asyncio.StreamReader) -> Answer:
    """The next answer. Raises BadMessage, or OSError when the connection ends."""
    try:
        line = await reader.readline()
    except BadMessage:
        raise
    except ValueError as error:
        raise BadMessage(str(error)) from error
    if not line:
        raise ConnectionResetError("the store process closed the connection")
    return decode_answer(line)


def _reason(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
