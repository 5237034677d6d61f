"""How is one request sent to the Kubernetes API, and what is known when it fails?

Every failure is one of three: the API server answered and did nothing (Refused and its kinds), nothing was sent or
certainly nothing done (StoreUnavailable), or that is not known (OutcomeUnknown). A request that changes something is
sent again only after it certainly did nothing.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from howdah.ports.store import StoreUnavailable
from howdah.stores.http import ClientClosed, JsonObject, OutcomeUnknown, Request, StoreHttp, json_object
from howdah.stores.settings import KubernetesSettings

WATCH_SILENCE_SECONDS = 90.0
"""A watch that says nothing for so long is begun anew: its connection may be dead without a sign. The API server sends
a bookmark each minute."""

WATCH_SECONDS = 1_800
"""The API server ends a watch after it, so that watches move to API servers that were added."""

ATTEMPTS = 2
"""One address stands for all API servers: a second connection may lead to another one, where the first was dead."""

IDLE_MAX = 1
"""Connections that are kept. One address stands for all API servers: when one of them dies without a sign, each
connection that was kept to it costs a whole timeout, and a lease has no room for several."""

AGAIN_SECONDS = 0.05

REST_SECONDS_MAX = 1.0
"""Who is told to come again later (429) rests so long at most, whatever it is told: the holder's renewal cannot wait
for longer, and one small request a second overloads nobody."""

PLAIN = "application/json"
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to what, in the words of Kubernetes' rights."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str = ""

    @property
    def collection(self) -> str:
        """The path of all objects of the kind."""
        root = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{self.resource}" if self.namespace else f"{root}/{self.resource}"

    @property
    def path(self) -> str:
        """Where it is sent: to the object, or to all of the kind to make, list or watch one."""
        return self.collection if self.verb in ("create", "list", "watch") else f"{self.collection}/{self.name}"

    @property
    def words(self) -> str:
        """For sentences: "patch configmaps main-record in namespace dev"."""
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        name = f" {self.name}" if self.name else ""
        return f"{self.verb} {kind}{name}" + (f" in namespace {self.namespace}" if self.namespace else "")


class Refused(StoreUnavailable):
    """The API server answered, and did nothing."""


class Forbidden(Refused):
    """The right is missing."""


class NotThere(Refused):
    """There is no object of that name."""


class Differs(Refused):
    """The object is not as the request assumes: it exists already, or has another version."""


class _Busy(StoreUnavailable):
    """Nothing was done; come again later."""

    def __init__(self, sentence: str, seconds: float) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class _TokenRejected(Refused):
    """The token is not, or no longer, accepted."""


class KubernetesApi:
    """A client of one API server. Raises OSError if a certificate cannot be read."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._timeout_seconds = settings.request_timeout_ms / 1_000
        self._base = settings.api.rstrip("/")
        self._to = f"the Kubernetes API at {self._base}"
        self._authority = _stamp(settings.authority)
        self._context = _tls_context(settings)
        self._http = StoreHttp(self._context, self._timeout_seconds, IDLE_MAX)
        self._rest_until = 0.0

    async def read(self, deed: Deed, query: str = "") -> JsonObject:
        """Send a request that changes nothing. Raises StoreUnavailable; NotThere, which is one, for what is missing."""
        try:
            return await self._try(deed, "GET", query, None, "", repeatable=True)
        except OutcomeUnknown as error:
            raise StoreUnavailable(str(error)) from error

    async def write(self, deed: Deed, method: str, body: object, kind: str = PLAIN) -> JsonObject:
        """Send a request that may change something, and have it done at most once. Raises StoreUnavailable,
        OutcomeUnknown."""
        return await self._try(deed, method, "", body, kind, repeatable=False)

    async def get(self, path: str) -> JsonObject:
        """Something that is no object, such as /version. Raises StoreUnavailable."""
        try:
            request = self._request("GET", path, b"", "")
            answer = await self._http.send(request, self._timeout_seconds, self._timeout_seconds)
            return self._check(Deed("get", "", path, ""), answer)
        except OutcomeUnknown as error:
            raise StoreUnavailable(str(error)) from error

    async def watch(self, deed: Deed, query: str) -> AsyncGenerator[JsonObject, None]:
        """The changes since the version in the query, as the API sends them. Raises StoreUnavailable when it breaks,
        stays silent, or cannot go on."""
        path = f"{deed.collection}?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&{query}"
        request = self._request("GET", path, b"", "")
        check = partial(self._check, deed)
        async with aclosing(self._http.stream(request, check, WATCH_SILENCE_SECONDS)) as lines:
            async for line in lines:
                yield self._event(line)

    async def close(self) -> None:
        """End streams and close every connection."""
        await self._http.close()

    async def _try(
        self, deed: Deed, method: str, query: str, body: object, kind: str, *, repeatable: bool
    ) -> JsonObject:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_seconds
        content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        path = deed.path + (f"?{query}" if query else "")
        failure: StoreUnavailable | OutcomeUnknown = StoreUnavailable("no time was left to ask")
        for attempt in range(ATTEMPTS):
            await self._rest(deadline)
            remaining = deadline - loop.time()
            if remaining <= AGAIN_SECONDS:
                break
            share = remaining / (ATTEMPTS - attempt)
            try:
                return await self._once(deed, method, path, content, kind, share, share if repeatable else remaining)
            except _Busy as busy:
                self._rest_until = loop.time() + min(busy.seconds, REST_SECONDS_MAX)
                failure = busy
            except (_TokenRejected, OutcomeUnknown) as error:
                failure = error
                if isinstance(error, OutcomeUnknown) and not repeatable:
                    raise
            except (Refused, ClientClosed):
                raise
            except StoreUnavailable as error:
                failure = error
                await asyncio.sleep(AGAIN_SECONDS)
        raise failure

    async def _rest(self, deadline: float) -> None:
        """Where the API server asked to be left alone. Raises StoreUnavailable if that is for longer than we have."""
        wait = self._rest_until - asyncio.get_running_loop().time()
        if wait <= 0:
            return
        if self._rest_until >= deadline:
            raise StoreUnavailable(f"{self._to} is overloaded, and asks to come again later (429)")
        await asyncio.sleep(wait)

    async def _once(
        self, deed: Deed, method: str, path: str, content: bytes, kind: str, connect_seconds: float, seconds: float
    ) -> JsonObject:
        request = self._request(method, path, content, kind)
        return self._check(deed, await self._http.send(request, connect_seconds, seconds))

    def _request(self, method: str, path: str, content: bytes, kind: str) -> Request:
        self._renew_authority()
        headers = {"Accept": "application/json", "User-Agent": "howdah"}
        if kind:
            headers["Content-Type"] = kind
        file = self._settings.token_file
        if file is not None:
            try:
                headers["Authorization"] = f"Bearer {file.read_text().strip()}"
            except OSError as error:
                raise Refused(f"the token for the Kubernetes API cannot be read: {error}") from error
        return Request(self._to, method, self._base + path, content, headers)

    def _renew_authority(self) -> None:
        """A pod's file of authorities changes when the cluster's are renewed: new connections trust the new ones."""
        file = self._settings.authority
        if file is None or self._authority == (stamp := _stamp(file)) or stamp is None:
            return
        try:
            self._context.load_verify_locations(cafile=file)
        except OSError:
            return  # half written: looked at again by the next request
        self._authority = stamp

    def _check(self, deed: Deed, response: httpx.Response) -> JsonObject:
        """The answer's JSON object, or the right exception.

        Which answers prove that nothing was done? Those of the steps before the object is written (who are you, may
        you, are we busy, is it well formed), and a comparison that failed. Not 500 and above: the write may have been
        sent to etcd, and its answer lost.
        """
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise _Busy(f"{self._to} is overloaded, and asks to come again later (429)", _retry_after(response))
        answer = json_object(response, self._to, "the Kubernetes API")
        if response.is_success:
            return answer
        if answer.get("kind") != "Status":
            raise OutcomeUnknown(f"{self._to} answered {status} without a Status: is it the Kubernetes API?")
        message = str(answer.get("message") or answer.get("reason") or answer)
        sentence = f"{self._to} refused to {deed.words}: {message}"
        match status:
            case httpx.codes.UNAUTHORIZED:
                raise _TokenRejected(f"{sentence}. {self._mend_login()}")
            case httpx.codes.FORBIDDEN:
                raise Forbidden(_forbidden(deed, message))
            case httpx.codes.NOT_FOUND if deed.verb != "create":
                raise NotThere(sentence)
            case httpx.codes.CONFLICT:
                raise Differs(sentence)
            case httpx.codes.UNPROCESSABLE_ENTITY if deed.verb == "patch":
                raise Differs(sentence)  # a test in it failed, or the outcome is not allowed: it does not say which
            case _ if status >= httpx.codes.INTERNAL_SERVER_ERROR or status < httpx.codes.BAD_REQUEST:
                raise OutcomeUnknown(f"{self._to} answered {status}: {message}")
            case httpx.codes.REQUEST_TIMEOUT:
                raise OutcomeUnknown(f"{self._to} answered {status}: {message}")
            case _:
                raise Refused(sentence)

    def _mend_login(self) -> str:
        file = self._settings.token_file
        if file is None:
            return "Set store.token_file, or store.cert_file and store.key_file"
        return f"The token in {file} is not accepted: it may be of a ServiceAccount that was deleted; restart the pod"

    def _event(self, line: str) -> JsonObject:
        try:
            event = json.loads(line)
            if event["type"] == "ERROR":
                status = event["object"]
                raise StoreUnavailable(f"{self._to} ended the watch: {status.get('message') or status}")
            found = event["object"]
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise StoreUnavailable(f"{self._to} sent a watch line that cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise StoreUnavailable(f"{self._to} sent a watch line without an object")
        return {"type": event["type"], "object": found}


def _forbidden(deed: Deed, message: str) -> str:
    """Which right is missing, and the mend. Kubernetes says "cannot" of rights, and not of quotas and the like."""
    if " cannot " not in message:
        return f"Kubernetes refused to {deed.words}: {message}"
    return (
        f"this pod's ServiceAccount may not {deed.words}: give it that right, as the chart's Role does "
        f"(rbac.create), and see that its RoleBinding names the ServiceAccount. Kubernetes says: {message}"
    )


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "1")))
    except ValueError:
        return REST_SECONDS_MAX  # a date: later than we can wait anyway


def _stamp(file: Path | None) -> tuple[int, int] | None:
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _tls_context(settings: KubernetesSettings) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError is one) if a file cannot be read or does not fit."""
    if settings.api.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # not used; without one httpx reads the system's certificates
    context = ssl.create_default_context(cafile=settings.authority)
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate, settings.key)
    return context
