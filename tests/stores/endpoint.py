"""A server that behaves as a test says: silent, cut off, or answering one prepared reply. A real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Endpoint:
    """Answers every request with the same reply: None cuts the connection, b"" stays silent."""

    def __init__(self, body: bytes | None, status: str = "200 OK", headers: str = "") -> None:
        """`headers` are whole lines of more of them."""
        self._body = body
        self._status = status
        self._headers = headers
        self.heads: list[bytes] = []
        self.requests: list[bytes] = []
        self.address = ""

    def reply_to(self, head: bytes) -> bytes | None:
        del head
        return self._body

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().split(b"\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
                self.heads.append(head)
                self.requests.append(head.split(b" ")[1] + b" " + await reader.readexactly(length))
                body = self.reply_to(head)
                if body is None:
                    return
                if body:
                    status = f"HTTP/1.1 {self._status}\r\n{self._headers}Content-Length: {len(body)}\r\n\r\n"
                    writer.write(status.encode() + body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield


def nobody() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
