"""How do thousands of clients cost the benchmark itself next to nothing? One event loop, and no driver."""

import asyncio
import contextlib
import hashlib
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.processortime import memory_bytes
from benchmarks.proxies import DATABASE, Proxy
from howdah.postgres.layout import SUPERUSER
from howdah.routing.credentials import Password
from howdah.routing.serverlogin import LoginFailed, ServerLogin, ServerReady, ServerStartup
from tests.realcluster.node import PASSWORD

READY = (b"Z\x00\x00\x00\x05I", b"Z\x00\x00\x00\x05T", b"Z\x00\x00\x00\x05E")
AT_ONCE = 50
"""So many log in at a time."""
FILLING = 1000
LOGIN_LIMIT_S = 60.0
ANSWER_LIMIT_S = 30.0


class Refused(Exception):
    """With the server's words."""


class Client(asyncio.Protocol):
    """One connection that asks simple queries."""

    def __init__(self, number: int) -> None:
        nonce = hashlib.sha256(f"benchmark {number}".encode()).hexdigest()[:24].encode()
        self._login: ServerLogin | None = ServerLogin(
            ServerStartup(SUPERUSER, DATABASE, minor=0), Password(PASSWORD.encode()), nonce
        )
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self._waits: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._login is not None:
            transport.write(self._login.begin())

    def data_received(self, data: bytes) -> None:
        """The login, then answers."""
        if self._login is not None and self._transport is not None:
            send, result = self._login.receive(data)
            if send:
                self._transport.write(send)
            if isinstance(result, ServerReady):
                self._login = None
                self._waits.set_result(b"")
            elif isinstance(result, LoginFailed):
                self._waits.set_exception(Refused(result.why))
            return
        self._answer += data
        if self._answer.endswith(READY) and not self._waits.done():
            answer, self._answer = self._answer, b""
            self._waits.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """Who waits is told."""
        if not self._waits.done():
            self._waits.set_exception(Refused(f"the connection ended: {error}"))
            self._waits.exception()

    async def ask(self, text: str) -> bytes:
        """The whole answer. Raises Refused if it has an error in it, or none came."""
        assert self._transport is not None
        self._waits = asyncio.get_running_loop().create_future()
        body = text.encode() + b"\0"
        self._transport.write(b"Q" + (4 + len(body)).to_bytes(4, "big") + body)
        answer = await asyncio.wait_for(self._waits, ANSWER_LIMIT_S)
        if answer[:1] == b"E":
            raise Refused(answer.decode(errors="replace"))
        return answer

    async def ready(self) -> None:
        """Logged in. Raises Refused."""
        await asyncio.wait_for(asyncio.shield(self._waits), LOGIN_LIMIT_S)

    def close(self) -> None:
        """The end."""
        if self._transport is not None:
            self._transport.close()


async def _many(count: int, port: int) -> list[Client]:
    """So many clients, logged in. Raises Refused."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Client:
        async with gate:
            _, client = await loop.create_connection(lambda: Client(number), "127.0.0.1", port)
            await client.ready()
            return client

    return list(await asyncio.gather(*(one(number) for number in range(count))))


def allow_descriptors(count: int) -> None:
    """For this process and those that it starts, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def idle_memory(proxy: Proxy, count: int) -> float:
    """Bytes for each client that has logged in, has had one answer, and does nothing. A thousand more are there
    before them and are not counted: they fill what the process had allocated and freed before."""
    return asyncio.run(_idle_memory(proxy, count))


async def _idle_memory(proxy: Proxy, count: int) -> float:
    first = await _many(FILLING, proxy.port)
    clients: list[Client] = []
    try:
        for client in first:
            await client.ask("SELECT 1")
        await asyncio.sleep(0.5)
        before = memory_bytes(proxy.processes())
        clients = await _many(count, proxy.port)
        for client in clients:
            await client.ask("SELECT 1")
        await asyncio.sleep(0.5)
        return (memory_bytes(proxy.processes()) - before) / count
    finally:
        for client in (*first, *clients):
            client.close()
        await asyncio.sleep(0.2)


@dataclass(slots=True)
class Held:
    """What clients saw of a switchover. `gap_s`: the longest time without any write. `wait_s`: the longest that one
    statement took. `written`: acknowledged writes."""

    written: int = 0
    gap_s: float = 0.0
    wait_s: float = 0.0
    errors: list[str] = field(default_factory=list)


def held_clients(port: int, count: int, pace_s: float, change: Callable[[], None]) -> Held:
    """So many clients that each write every `pace_s`, while `change` is done in another thread after some seconds."""
    return asyncio.run(_held_clients(port, count, pace_s, change))


async def _held_clients(port: int, count: int, pace_s: float, change: Callable[[], None]) -> Held:
    clients = await _many(count, port)
    await clients[0].ask("CREATE TABLE IF NOT EXISTS held (client int, number int)")
    held, moments, over = Held(), [time.monotonic()], asyncio.Event()

    async def write(number: int, client: Client) -> None:
        await asyncio.sleep(pace_s * number / count)
        turn = 0
        while not over.is_set():
            began = time.monotonic()
            try:
                await client.ask(f"INSERT INTO held VALUES ({number}, {turn})")
            except (Refused, TimeoutError) as refused:
                held.errors.append(str(refused)[:200])
                return
            now = time.monotonic()
            held.wait_s = max(held.wait_s, now - began)
            moments.append(now)
            turn += 1
            await asyncio.sleep(max(0.0, pace_s - (now - began)))

    writers = [asyncio.create_task(write(number, client)) for number, client in enumerate(clients)]
    await asyncio.sleep(2.0)
    held.wait_s = 0.0
    steady = len(moments)
    await asyncio.to_thread(change)
    await asyncio.sleep(2.0)
    over.set()
    await asyncio.gather(*writers)
    for client in clients:
        client.close()
    with contextlib.suppress(IndexError):
        held.gap_s = max(after - before for before, after in zip(moments[steady - 1 :], moments[steady:], strict=False))
    held.written = len(moments) - 1
    return held
