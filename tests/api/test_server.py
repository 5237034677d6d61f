"""Does the API come and go with its agent?"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from howdah.api.server import ApiServer, CannotListen
from howdah.values.address import Address
from tests.api.rig import LOCALHOST


def test_a_taken_port_is_one_sentence_with_the_port_and_the_mend() -> None:
    async def story() -> None:
        with socket.socket() as other:
            other.bind((LOCALHOST, 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(CannotListen, match=f"port {port} on {LOCALHOST} is taken .* another API port"):
                await ApiServer(FastAPI(), Address(LOCALHOST, port)).start()

    asyncio.run(story())


def test_a_host_that_is_not_of_this_machine_is_named() -> None:
    async def story() -> None:
        for host in ("192.0.2.1", "no-such-host.invalid"):
            with pytest.raises(CannotListen, match=host):
                await ApiServer(FastAPI(), Address(host, 0)).start()

    asyncio.run(story())


def test_signals_stay_with_the_agent() -> None:
    async def story() -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        server = ApiServer(FastAPI(), Address(LOCALHOST, 0))
        await server.start()
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        await server.stop()
        await server.stop()

    asyncio.run(story())


def test_a_port_is_free_again_once_the_server_has_stopped() -> None:
    async def story() -> None:
        first = ApiServer(FastAPI(), Address(LOCALHOST, 0))
        await first.start()
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://{first.address}/openapi.json")).status_code == 200
            await first.stop()
        second = ApiServer(FastAPI(), first.address)
        await second.start()
        await second.stop()

    asyncio.run(story())


def test_an_answer_that_would_never_end_is_cut_off_at_the_stop() -> None:
    async def story() -> None:
        app = FastAPI()

        async def for_ever() -> AsyncIterator[bytes]:
            yield b"begun\n"
            await asyncio.Event().wait()

        @app.get("/stream")
        async def stream() -> StreamingResponse:
            return StreamingResponse(for_ever())

        server = ApiServer(app, Address(LOCALHOST, 0))
        await server.start()
        async with (
            httpx.AsyncClient(trust_env=False, timeout=None) as client,
            client.stream("GET", f"http://{server.address}/stream") as answer,
        ):
            chunks = answer.aiter_raw()
            assert await anext(chunks) == b"begun\n"
            await server.stop()
            with pytest.raises(httpx.RemoteProtocolError):
                await anext(chunks)

    asyncio.run(story())
