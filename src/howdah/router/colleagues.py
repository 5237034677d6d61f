"""How does one worker of a router ask the others, and answer them?

Each listens on a Unix socket in a directory that only this account can enter. A question is one line of JSON, and the
answer all that comes until the end. A worker that is away, since it died a moment ago, answers nothing: whoever asks
goes on without it.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import structlog

from howdah.router.post import Post

Question = dict[str, Any]
"""`ask`: what; the rest depends on it."""
QUESTION_MAX_BYTES: Final = 1 << 20
SOON_S: Final = 2.0
"""What a worker knows it says at once. One that takes longer hangs, and the others do not wait for it."""

log = structlog.get_logger(__name__)


class Colleagues:
    """`answer` gets a question and returns what can be written as JSON."""

    def __init__(self, post: Post, answer: Callable[[Question], Awaitable[object]]) -> None:
        self._post = post
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def others(self) -> list[int]:
        """Their numbers."""
        return [number for number in range(self._post.of) if number != self._post.number]

    async def open(self) -> None:
        """Answer from now on."""
        if self._post.directory is None:
            return
        path = self._post.directory / f"{self._post.number}.sock"
        path.unlink(missing_ok=True)  # of a predecessor that died
        self._server = await asyncio.start_unix_server(self._serve, path, limit=QUESTION_MAX_BYTES)

    async def close(self) -> None:
        """Answer no more."""
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._answering):
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def ask(self, number: int, question: Question, limit_s: float | None = None) -> Any:
        """What that one says; None: nothing. `limit_s`: it is waited for so long; None: as long as it takes."""
        if self._post.directory is None:
            return None
        try:
            async with asyncio.timeout(limit_s):
                return await self._asked(self._post.directory / f"{number}.sock", question)
        except (OSError, ValueError, TimeoutError) as error:
            log.warning(f"worker {number} did not answer: {error or 'it took too long'}", part="workers")
            return None

    async def _asked(self, path: Path, question: Question) -> Any:
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None  # it died, and its successor does not listen yet
        try:
            writer.write(json.dumps(question).encode() + b"\n")
            return json.loads(await reader.read() or b"null")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask_all(self, question: Question, limit_s: float | None = SOON_S) -> list[tuple[int, Any]]:
        """What each of the others says that says anything."""
        others = self.others
        answers = await asyncio.gather(*(self.ask(number, question, limit_s) for number in others))
        return [(number, answer) for number, answer in zip(others, answers, strict=True) if answer is not None]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        try:
            line = await reader.readline()
            if line:
                writer.write(json.dumps(await self._answer(json.loads(line))).encode())
                await writer.drain()
        except OSError as error:
            log.info(f"a worker asked, and did not wait for the answer: {error}", part="workers")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
