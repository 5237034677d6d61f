"""How is one HTTP request sent to a store, and what is known when it fails?

Every failure is one of two: nothing happened and nothing will (StoreUnavailable), or that is not known
(OutcomeUnknown).
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from howdah.ports.store import StoreUnavailable

JsonObject = dict[str, Any]
"""What a store answers. `Any`, since it is checked field by field where it is used."""

T = TypeVar("T")

CONNECT_SHARE = 0.8
"""Of the time for a connection, how much its TLS handshake may take. httpx closes a socket whose handshake ran into its
own limit, but not one that is cancelled from outside: a server that hangs must meet that limit first."""


class OutcomeUnknown(Exception):
    """The request may have been carried out, or still be."""


class ClientClosed(StoreUnavailable):
    """Nothing was sent: this client was closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `to` names its receiver in sentences ("etcd at http://10.0.0.7:2379")."""

    to: str
    method: str
    url: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class StoreHttp:
    """Connections to the servers of one store. Sends each request once."""

    def __init__(self, verify: ssl.SSLContext | bool, timeout_seconds: float, idle_max: int = 20) -> None:
        """`idle_max`: how many connections are kept for later requests."""
        self._timeout_seconds = timeout_seconds
        self._waits: set[asyncio.Timeout] = set()
        # Settings of the environment (proxies, netrc) are for browsers: a store is where its settings say.
        limits = httpx.Limits(max_keepalive_connections=idle_max)
        self._http = httpx.AsyncClient(verify=verify, trust_env=False, limits=limits)

    async def send(self, request: Request, connect_seconds: float, answer_seconds: float) -> httpx.Response:
        """The answer, whatever its status. Raises StoreUnavailable, OutcomeUnknown."""
        self._check_open()
        timeout = httpx.Timeout(answer_seconds, connect=CONNECT_SHARE * connect_seconds, pool=connect_seconds)
        try:
            async with asyncio.timeout(max(connect_seconds, answer_seconds)):
                return await self._http.send(self._built(request, timeout))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise StoreUnavailable(f"no connection to {request.to}: {reason(error)}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutcomeUnknown(f"{request.to} did not answer: {reason(error)}") from error

    async def stream(
        self, request: Request, check: Callable[[httpx.Response], object], silence_seconds: float
    ) -> AsyncGenerator[str, None]:
        """The lines of an answer that does not end; one that is not 200 OK is given to `check`, which raises.

        Raises StoreUnavailable when it breaks or stays silent."""
        try:
            response = await self._opened(request, check)
            try:
                lines = _lines(response)
                while (line := await self._soon(silence_seconds, anext(lines, None))) is not None:
                    yield line
            finally:
                await response.aclose()
        except OutcomeUnknown as error:
            raise StoreUnavailable(f"the watch broke: {error}") from error
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            raise StoreUnavailable(f"the watch of {request.to} broke: {reason(error)}") from error

    async def close(self) -> None:
        """End streams and close every connection."""
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)
        await self._http.aclose()

    async def _opened(self, request: Request, check: Callable[[httpx.Response], object]) -> httpx.Response:
        self._check_open()
        # Silence between two lines is bounded by whoever reads them.
        built = self._built(request, httpx.Timeout(self._timeout_seconds, read=None))
        response = await self._soon(self._timeout_seconds, self._http.send(built, stream=True))
        if response.status_code != httpx.codes.OK:
            try:
                await self._soon(self._timeout_seconds, response.aread())
            finally:
                await response.aclose()
            check(response)
        return response

    def _built(self, request: Request, timeout: httpx.Timeout) -> httpx.Request:
        return self._http.build_request(
            request.method, request.url, content=request.content or None, headers=dict(request.headers), timeout=timeout
        )

    async def _soon(self, seconds: float, awaitable: Awaitable[T]) -> T:
        """Its result, or TimeoutError after so many seconds, or as soon as this client is closed."""
        async with asyncio.timeout(seconds) as wait:
            self._waits.add(wait)
            try:
                return await awaitable
            finally:
                self._waits.discard(wait)

    def _check_open(self) -> None:
        if self._http.is_closed:
            raise ClientClosed("this client of the store is closed")


async def _lines(response: httpx.Response) -> AsyncGenerator[str, None]:
    """What comes between line feeds. (httpx' own lines end at other characters too, such as U+0085 within a text.)"""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def reason(error: Exception) -> str:
    """Why a request failed, in a few words."""
    return (
        "no answer in time"
        if isinstance(error, TimeoutError | httpx.TimeoutException)
        else str(error) or type(error).__name__
    )


def json_object(response: httpx.Response, to: str, kind: str) -> JsonObject:
    """The answer's JSON object. Raises OutcomeUnknown: who answers so is not the store (`kind`) that was asked."""
    try:
        answer = response.json()
    except ValueError as error:
        raise OutcomeUnknown(f"{to} answered {response.status_code} without JSON: is it {kind}?") from error
    if not isinstance(answer, dict):
        raise OutcomeUnknown(f"{to} answered {response.status_code} without a JSON object: is it {kind}?")
    return answer
