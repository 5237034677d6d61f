"""How is one request sent to an etcd cluster, and what is known when it fails?

etcd serves its v3 calls as JSON over HTTP on its client address; keys and values travel as base64 and 64-bit numbers
as strings. Every failure is one of two: nothing happened and nothing will (StoreUnavailable), or that is not known
(OutcomeUnknown). A request that changes something is sent to another endpoint only after the first kind.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, TypeVar

import httpx

from howdah.ports.store import StoreUnavailable
from howdah.stores.settings import EtcdSettings

JsonObject = dict[str, Any]
"""What etcd answers. `Any`, since it is checked field by field where it is used."""

T = TypeVar("T")

WATCH_SILENCE_SECONDS = 60.0
"""A watch that says nothing for so long is begun anew: its connection may be dead without a sign, and while a cluster
runs, its record changes every second."""

CONNECT_SHARE = 0.8
"""Of the time for a connection, how much its TLS handshake may take. httpx closes a socket whose handshake ran into its
own limit, but not one that is cancelled from outside: a member that hangs must meet that limit first."""

# gRPC codes, as the gateway gives them in the field "code".
_INVALID_ARGUMENT = 3
_PERMISSION_DENIED = 7
_RESOURCE_EXHAUSTED = 8
_UNAUTHENTICATED = 16

_OLD_TOKEN = "revision in header is old"
_TOO_MANY = "too many requests"


class OutcomeUnknown(Exception):
    """The request may have been carried out, or still be."""


class _Refusal(StoreUnavailable):
    """etcd answered, and did nothing: another endpoint would say the same."""


class _TokenRejected(StoreUnavailable):
    """The login has lapsed: nothing was done."""


class Gateway:
    """A client of one etcd cluster."""

    def __init__(self, settings: EtcdSettings) -> None:
        self.endpoints = tuple(endpoint.rstrip("/") for endpoint in settings.endpoints)
        self._settings = settings
        self._timeout_seconds = settings.request_timeout_ms / 1_000
        self._preferred = 0
        self._token: str | None = None
        self._waits: set[asyncio.Timeout] = set()
        # Settings of the environment (proxies, netrc) are for browsers: a store is where its settings say.
        self._http = httpx.AsyncClient(verify=_tls_context(settings), trust_env=False)

    async def read(self, path: str, body: JsonObject) -> JsonObject:
        """Send a request that changes nothing, to one endpoint after the other. Raises StoreUnavailable."""
        try:
            return await self._over_endpoints(path, body, repeatable=True)
        except OutcomeUnknown as error:
            raise StoreUnavailable(str(error)) from error

    async def write(self, path: str, body: JsonObject) -> JsonObject:
        """Send a request that may change something, at most once. Raises StoreUnavailable, OutcomeUnknown."""
        return await self._over_endpoints(path, body, repeatable=False)

    async def read_from(self, endpoint: str, path: str, body: JsonObject) -> JsonObject:
        """Send a request that changes nothing to this endpoint alone. Raises StoreUnavailable."""
        try:
            return await self._with_login(endpoint, path, body, self._timeout_seconds, self._timeout_seconds)
        except OutcomeUnknown as error:
            raise StoreUnavailable(str(error)) from error

    async def stream(self, path: str, body: JsonObject) -> AsyncGenerator[str, None]:
        """The lines of an answer that does not end. Raises StoreUnavailable when it breaks or stays silent."""
        endpoint = self.endpoints[self._preferred]
        try:
            response = await self._open_stream(endpoint, path, body)
            try:
                lines = response.aiter_lines()
                while (line := await self._soon(WATCH_SILENCE_SECONDS, anext(lines, None))) is not None:
                    yield line
            finally:
                await response.aclose()
        except OutcomeUnknown as error:
            self._prefer_after(endpoint)
            raise StoreUnavailable(f"the watch broke: {error}") from error
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            self._prefer_after(endpoint)
            raise StoreUnavailable(f"the watch at {endpoint} broke: {_reason(error)}") from error

    async def close(self) -> None:
        """End streams and close every connection."""
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)
        await self._http.aclose()

    async def _open_stream(self, endpoint: str, path: str, body: JsonObject) -> httpx.Response:
        if self._http.is_closed:
            raise _Refusal("this client of the store is closed")
        # Silence between two lines is bounded by whoever reads them.
        timeout = httpx.Timeout(self._timeout_seconds, read=None)
        request = self._http.build_request("POST", endpoint + path, json=body, headers=self._headers(), timeout=timeout)
        response = await self._soon(self._timeout_seconds, self._http.send(request, stream=True))
        if response.status_code != httpx.codes.OK:
            try:
                await self._soon(self._timeout_seconds, response.aread())
            finally:
                await response.aclose()
            self._check(endpoint, response)
        return response

    async def _soon(self, seconds: float, awaitable: Awaitable[T]) -> T:
        """Its result, or TimeoutError after so many seconds, or as soon as the gateway is closed."""
        async with asyncio.timeout(seconds) as wait:
            self._waits.add(wait)
            try:
                return await awaitable
            finally:
                self._waits.discard(wait)

    async def _over_endpoints(self, path: str, body: JsonObject, *, repeatable: bool) -> JsonObject:
        """Each endpoint gets its share of the time; a write that has left takes all that remains."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_seconds
        share = self._timeout_seconds / len(self.endpoints)
        reasons: list[str] = []
        unknown = False
        for _ in self.endpoints:
            endpoint = self.endpoints[self._preferred]
            remaining = deadline - loop.time()
            if remaining <= 0:
                break
            try:
                answer_seconds = min(share, remaining) if repeatable else remaining
                return await self._with_login(endpoint, path, body, min(share, remaining), answer_seconds)
            except _Refusal:
                raise
            except OutcomeUnknown as error:
                self._prefer_after(endpoint)
                unknown = True
                reasons.append(str(error))
                if not repeatable:
                    raise
            except StoreUnavailable as error:
                self._prefer_after(endpoint)
                reasons.append(str(error))
        sentence = "; ".join(reasons) or "no time was left to ask"
        raise OutcomeUnknown(sentence) if unknown else StoreUnavailable(sentence)

    async def _with_login(
        self, endpoint: str, path: str, body: JsonObject, connect_seconds: float, answer_seconds: float
    ) -> JsonObject:
        """One request, and once more if etcd says that the login has lapsed, since then it did nothing."""
        try:
            if self._settings.user is not None and self._token is None:
                await self._log_in(endpoint, connect_seconds)
            return await self._post(endpoint, path, body, connect_seconds, answer_seconds)
        except _TokenRejected:
            if self._settings.user is None:
                raise
            await self._log_in(endpoint, connect_seconds)
            return await self._post(endpoint, path, body, connect_seconds, answer_seconds)

    async def _log_in(self, endpoint: str, seconds: float) -> None:
        self._token = None
        try:
            answer = await self._post(endpoint, "/v3/auth/authenticate", self._credentials(), seconds, seconds)
        except OutcomeUnknown as error:
            # A login changes nothing, and the request itself has not been sent.
            raise StoreUnavailable(f"could not log in: {error}") from error
        token = answer.get("token")
        if not isinstance(token, str):
            raise _Refusal(f"etcd at {endpoint} took the password and gave no token")
        self._token = token

    def _credentials(self) -> JsonObject:
        file = self._settings.password_file
        try:
            password = self._settings.password or "" if file is None else file.read_text().rstrip("\r\n")
        except OSError as error:
            raise _Refusal(f"the etcd password cannot be read: {error}") from error
        return {"name": self._settings.user, "password": password}

    async def _post(
        self, endpoint: str, path: str, body: JsonObject, connect_seconds: float, answer_seconds: float
    ) -> JsonObject:
        if self._http.is_closed:
            raise _Refusal("this client of the store is closed")
        timeout = httpx.Timeout(answer_seconds, connect=CONNECT_SHARE * connect_seconds, pool=connect_seconds)
        try:
            async with asyncio.timeout(max(connect_seconds, answer_seconds)):
                response = await self._http.post(endpoint + path, json=body, headers=self._headers(), timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise StoreUnavailable(f"no connection to etcd at {endpoint}: {_reason(error)}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutcomeUnknown(f"etcd at {endpoint} did not answer: {_reason(error)}") from error
        return self._check(endpoint, response)

    def _headers(self) -> dict[str, str]:
        # With `hasleader` a member that lost its leader ends watches instead of leaving them silent.
        headers = {"Grpc-Metadata-hasleader": "true"}
        if self._token is not None:
            headers["Authorization"] = self._token
        return headers

    def _check(self, endpoint: str, response: httpx.Response) -> JsonObject:
        """The answer's JSON object, or the right exception for a refusal."""
        try:
            answer = response.json()
        except ValueError as error:
            raise OutcomeUnknown(f"{endpoint} answered {response.status_code} without JSON: is it etcd?") from error
        if not isinstance(answer, dict):
            raise OutcomeUnknown(f"{endpoint} answered {response.status_code} without a JSON object: is it etcd?")
        if response.status_code == httpx.codes.OK:
            return answer
        message = str(answer.get("message") or answer.get("error") or answer)
        if _OLD_TOKEN in message:
            self._token = None  # It was given before rights were changed: the next request logs in anew.
        raise _refusal(endpoint, answer.get("code"), message)

    def _prefer_after(self, endpoint: str) -> None:
        if self.endpoints[self._preferred] == endpoint:
            self._preferred = (self._preferred + 1) % len(self.endpoints)


def _refusal(endpoint: str, code: object, message: str) -> StoreUnavailable | OutcomeUnknown:
    """Which errors prove that nothing was done?

    Only those that etcd raises before it proposes a write, or when applying one has no effect. Not "database space
    exceeded" (8): the write that passes the quota is applied and then answered with that error. Not "revision in
    header is old" (3): the members may differ. Not unavailable (14), timed out and the like: they say nothing.
    """
    sentence = f"etcd at {endpoint} refused: {message}"
    if _OLD_TOKEN in message:
        return OutcomeUnknown(sentence)
    if code == _UNAUTHENTICATED:
        return _TokenRejected(sentence)
    if code in (_INVALID_ARGUMENT, _PERMISSION_DENIED):
        if "user name is empty" in message:
            sentence += ". It wants a login: set the etcd user and its password"
        return _Refusal(sentence)
    if code == _RESOURCE_EXHAUSTED and _TOO_MANY in message:
        return StoreUnavailable(sentence)
    return OutcomeUnknown(sentence)


def _tls_context(settings: EtcdSettings) -> ssl.SSLContext | bool:
    """Raises OSError (ssl.SSLError is one) if a file cannot be read or does not fit."""
    tls = settings.tls
    if tls is None:
        if any(endpoint.startswith("https:") for endpoint in settings.endpoints):
            return True  # by the system's certificates
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without one httpx reads them all the same, and keeps them
    context = ssl.create_default_context(cafile=tls.authority)
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def _reason(error: Exception) -> str:
    return (
        "no answer in time"
        if isinstance(error, TimeoutError | httpx.TimeoutException)
        else str(error) or type(error).__name__
    )
