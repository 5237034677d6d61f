"""How is one request sent to an etcd cluster, and what is known when it fails?

etcd serves its v3 calls as JSON over HTTP on its client address; keys and values travel as base64 and 64-bit numbers
as strings. Every failure is one of two: nothing happened and nothing will (StoreUnavailable), or that is not known
(OutcomeUnknown). A request that changes something is sent to another endpoint only after the first kind.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import httpx

from howdah.ports.store import StoreUnavailable
from howdah.stores.http import ClientClosed, JsonObject, OutcomeUnknown, Request, StoreHttp, json_object
from howdah.stores.settings import EtcdSettings

WATCH_SILENCE_SECONDS = 60.0
"""A watch that says nothing for so long is begun anew: its connection may be dead without a sign, and while a cluster
runs, its record changes every second."""

# gRPC codes, as the gateway gives them in the field "code".
_INVALID_ARGUMENT = 3
_PERMISSION_DENIED = 7
_RESOURCE_EXHAUSTED = 8
_UNAUTHENTICATED = 16

_OLD_TOKEN = "revision in header is old"
_TOO_MANY = "too many requests"


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
        self._http = StoreHttp(_tls_context(settings), self._timeout_seconds)

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
        request, check = self._request(endpoint, path, body), partial(self._check, endpoint)
        try:
            async with aclosing(self._http.stream(request, check, WATCH_SILENCE_SECONDS)) as lines:
                async for line in lines:
                    yield line
        except (_Refusal, ClientClosed):
            raise
        except StoreUnavailable:
            self._prefer_after(endpoint)
            raise

    async def close(self) -> None:
        """End streams and close every connection."""
        await self._http.close()

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
            except (_Refusal, ClientClosed):
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
        request = self._request(endpoint, path, body)
        return self._check(endpoint, await self._http.send(request, connect_seconds, answer_seconds))

    def _request(self, endpoint: str, path: str, body: JsonObject) -> Request:
        return Request(f"etcd at {endpoint}", "POST", endpoint + path, json.dumps(body).encode(), self._headers())

    def _headers(self) -> dict[str, str]:
        # With `hasleader` a member that lost its leader ends watches instead of leaving them silent.
        headers = {"Content-Type": "application/json", "Grpc-Metadata-hasleader": "true"}
        if self._token is not None:
            headers["Authorization"] = self._token
        return headers

    def _check(self, endpoint: str, response: httpx.Response) -> JsonObject:
        """The answer's JSON object, or the right exception for a refusal."""
        answer = json_object(response, endpoint, "etcd")
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
