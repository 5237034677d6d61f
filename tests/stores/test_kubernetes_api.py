"""When the Kubernetes API fails, is it exactly known what became of the request?

The API is a real socket that behaves as a test says: silent, cut off, or answering one prepared reply.
"""

import asyncio
import json
import ssl
from pathlib import Path

import pytest

from howdah.ports.store import Conflict, StoreUnavailable, Swapped, Unknown, Versioned
from howdah.stores.kubernetes.client import KubernetesStore
from howdah.stores.settings import KubernetesSettings
from tests.certificates import Authority
from tests.stores.contract import closing
from tests.stores.endpoint import Endpoint, nobody

PATIENT_MS = 20_000
"""Where an answer is sure to come, however busy the machine is."""


def store_of(address: str, timeout_ms: int = PATIENT_MS, token_file: Path | None = None) -> KubernetesStore:
    settings = KubernetesSettings(address, "dev", "main", "main-", None, token_file, request_timeout_ms=timeout_ms)
    return KubernetesStore(settings)


def status(code: int, reason: str, message: str = "words of Kubernetes") -> bytes:
    return json.dumps({"kind": "Status", "code": code, "reason": reason, "message": message}).encode()


def configmap(text: str = "text", version: int = 41, mark: str = "m", uid: str = "u") -> bytes:
    metadata = {"name": "main-record", "resourceVersion": str(version), "uid": uid}
    return json.dumps({"kind": "ConfigMap", "metadata": metadata, "data": {"text": text, "mark": mark}}).encode()


def broken(store: KubernetesStore) -> str:
    return store.broken or ""


class Script(Endpoint):
    """Answers each request with the next of these (status line, body); the last one again and again."""

    def __init__(self, *replies: tuple[str, bytes | None], headers: str = "") -> None:
        super().__init__(b"", headers=headers)
        self._replies = list(replies)

    def reply_to(self, head: bytes) -> bytes | None:
        del head
        self._status, body = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return body


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint(b""),
        Endpoint(None),
        Endpoint(status(500, "InternalError", "etcdserver: request timed out"), "500 Internal Server Error"),
        Endpoint(status(503, "ServiceUnavailable"), "503 Service Unavailable", "Retry-After: 1\r\n"),
        Endpoint(status(504, "Timeout"), "504 Gateway Timeout"),
        Endpoint(b"<html>a proxy's page</html>", "502 Bad Gateway"),
        Endpoint(b"<html>a proxy's page</html>", "403 Forbidden"),
        Endpoint(b"<html>a login page</html>"),
        Endpoint(b"[]"),
        Endpoint(b"{}"),
    ],
    ids=["silent", "cut", "etcd slow", "unavailable", "timeout", "proxy", "proxy's 403", "page", "list", "nothing"],
)
@pytest.mark.parametrize("version", [None, 41])
def test_a_write_that_may_have_left_is_unknown_and_is_not_sent_again(endpoint: Endpoint, version: int | None) -> None:
    async def scenario() -> None:
        endpoint.requests.clear()
        async with endpoint.serving(), closing(store_of(endpoint.address, timeout_ms=400)) as store:
            assert isinstance(await store.compare_and_swap("record", version, "text"), Unknown)
            assert len(endpoint.requests) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        (400, "400 Bad Request", "refused to patch configmaps main-record in namespace dev"),
        (403, "403 Forbidden", "refused to patch"),
        (413, "413 Request Entity Too Large", "words of Kubernetes"),
    ],
)
def test_a_refusal_is_certain_to_have_done_nothing_and_is_told(code: int, line: str, words: str) -> None:
    async def scenario() -> None:
        endpoint = Endpoint(status(code, "Some"), line)
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            with pytest.raises(StoreUnavailable, match=words):
                await store.compare_and_swap("record", 41, "text")
            assert len(endpoint.requests) == 1

    asyncio.run(scenario())


def test_a_missing_right_is_named_with_verb_resource_name_namespace_and_the_mend() -> None:
    async def scenario() -> None:
        words = 'configmaps "main-record" is forbidden: User "x" cannot patch resource "configmaps" in API group ""'
        endpoint = Endpoint(status(403, "Forbidden", words), "403 Forbidden")
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            with pytest.raises(StoreUnavailable) as failure:
                await store.compare_and_swap("record", 41, "text")
        assert "may not patch configmaps main-record in namespace dev: give it that right" in str(failure.value)

    asyncio.run(scenario())


def test_where_nobody_listens_nothing_was_written() -> None:
    async def scenario() -> None:
        async with closing(store_of(nobody())) as store:
            with pytest.raises(StoreUnavailable, match="no connection"):
                await store.compare_and_swap("record", None, "text")
            with pytest.raises(StoreUnavailable, match="no connection"):
                await store.read("record")

    asyncio.run(scenario())


def test_an_overloaded_api_is_asked_again_after_the_rest_that_it_asks_for() -> None:
    async def scenario() -> None:
        busy = ("429 Too Many Requests", b"Too many requests, please try again later.\n")
        endpoint = Script(busy, ("200 OK", configmap("new", 42)), headers="Retry-After: 0\r\n")
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            assert await store.compare_and_swap("record", 41, "new") == Swapped(42)
            assert len(endpoint.requests) == 2

    asyncio.run(scenario())


def test_an_overloaded_api_that_asks_for_more_than_we_have_was_not_written_to_and_is_left_alone() -> None:
    async def scenario() -> None:
        endpoint = Script(("429 Too Many Requests", b"later"), headers="Retry-After: 30\r\n")
        async with endpoint.serving(), closing(store_of(endpoint.address, timeout_ms=400)) as store:
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match="come again later"):
                    await store.compare_and_swap("record", 41, "new")
            assert len(endpoint.requests) == 1

    asyncio.run(scenario())


def test_a_read_is_tried_once_more_over_a_new_connection() -> None:
    async def scenario() -> None:
        endpoint = Script(("200 OK", None), ("200 OK", configmap()))
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            assert await store.read("record") == Versioned("text", 41)
            assert len(endpoint.requests) == 2

    asyncio.run(scenario())


class Dying(Endpoint):
    """An API server that vanishes, behind an address that leads new connections to another one."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._connections: set[object] = set()
        self._dead: set[object] = set()

    def die(self) -> None:
        """Connections of before are silent from now on."""
        self._dead |= self._connections

    def reply_to(self, head: bytes) -> bytes | None:
        connection = asyncio.current_task()
        self._connections.add(connection)
        return b"" if connection in self._dead else super().reply_to(head)


def test_an_api_server_that_vanished_costs_one_request_however_many_went_there_before() -> None:
    async def scenario() -> None:
        endpoint = Dying(configmap(version=42))
        async with endpoint.serving(), closing(store_of(endpoint.address, timeout_ms=1_000)) as store:
            await asyncio.gather(*(store.read("record") for _ in range(5)))
            endpoint.die()
            assert isinstance(await store.compare_and_swap("record", 42, "text"), Unknown)
            for _ in range(4):
                assert await store.compare_and_swap("record", 42, "text") == Swapped(42)

    asyncio.run(scenario())


def test_a_token_that_was_renewed_is_read_from_its_file_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "token"
        file.write_text("one\n")
        endpoint = Endpoint(configmap())
        async with endpoint.serving(), closing(store_of(endpoint.address, token_file=file)) as store:
            await store.read("record")
            file.write_text("two\n")
            await store.read("record")
            assert [b"Bearer one\r" in head for head in endpoint.heads] == [True, False]
            assert b"Bearer two\r" in endpoint.heads[1]
            file.unlink()
            with pytest.raises(StoreUnavailable, match="token for the Kubernetes API cannot be read"):
                await store.compare_and_swap("record", 41, "text")

    asyncio.run(scenario())


def test_a_token_that_was_renewed_just_now_is_used_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "token"
        file.write_text("one\n")
        endpoint = Script(("401 Unauthorized", status(401, "Unauthorized")), ("200 OK", configmap("new", 42)))
        async with endpoint.serving(), closing(store_of(endpoint.address, token_file=file)) as store:
            assert await store.compare_and_swap("record", 41, "new") == Swapped(42)

    asyncio.run(scenario())


def test_a_token_that_is_not_accepted_is_told_with_the_mend(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "token"
        file.write_text("one\n")
        endpoint = Endpoint(status(401, "Unauthorized", "Unauthorized"), "401 Unauthorized")
        async with endpoint.serving(), closing(store_of(endpoint.address, token_file=file)) as store:
            with pytest.raises(StoreUnavailable, match="restart the pod"):
                await store.compare_and_swap("record", 41, "new")

    asyncio.run(scenario())


def test_a_refused_write_that_had_landed_after_all_is_a_success() -> None:
    """Something on the way sent it twice: the second is refused because of the first."""

    class Twice(Endpoint):
        def reply_to(self, head: bytes) -> bytes | None:
            if head.startswith(b"GET"):
                self._status = "200 OK"
                mark = json.loads(self.requests[-2].split(b" ", 1)[1])[-1]["value"]["mark"]
                return configmap("new", 42, mark)
            self._status = "422 Unprocessable Entity"
            return status(422, "Invalid")

    async def scenario() -> None:
        endpoint = Twice(b"")
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            assert await store.compare_and_swap("record", 41, "new") == Swapped(42)

    asyncio.run(scenario())


def test_a_refused_write_to_a_document_that_is_as_expected_has_another_reason() -> None:
    async def scenario() -> None:
        refusal = ("422 Unprocessable Entity", status(422, "Invalid", "is immutable"))
        endpoint = Script(("200 OK", configmap()), refusal, ("200 OK", configmap()))
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            await store.read("record")
            with pytest.raises(StoreUnavailable, match="is immutable"):
                await store.compare_and_swap("record", 41, "new")

    asyncio.run(scenario())


def test_the_same_version_with_another_mark_is_a_conflict() -> None:
    """Kubernetes' etcd was put back to an old copy, and counted up to the same number again."""

    async def scenario() -> None:
        refusal = ("422 Unprocessable Entity", status(422, "Invalid"))
        endpoint = Script(("200 OK", configmap()), refusal, ("200 OK", configmap("other", mark="another")))
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            await store.read("record")
            assert await store.compare_and_swap("record", 41, "new") == Conflict()
            assert json.loads(endpoint.requests[1].split(b" ", 1)[1])[:2] == [
                {"op": "test", "path": "/metadata/resourceVersion", "value": "41"},
                {"op": "test", "path": "/data/mark", "value": "m"},
            ]

    asyncio.run(scenario())


def test_a_document_that_another_program_of_the_same_name_made_anew_is_told() -> None:
    async def scenario() -> None:
        endpoint = Script(("200 OK", configmap()), ("200 OK", configmap(version=50, uid="v")))
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            await store.read("record")
            assert broken(store) == ""
            await store.read("record")
            assert "main-record is another one now" in broken(store)

    asyncio.run(scenario())


def test_a_document_that_is_not_there_is_none_and_a_page_that_is_not_there_is_no_answer() -> None:
    async def scenario() -> None:
        endpoint = Script(("404 Not Found", status(404, "NotFound")))
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            assert await store.read("record") is None
        elsewhere = Script(("404 Not Found", b"404 page not found\n"))
        async with elsewhere.serving(), closing(store_of(elsewhere.address)) as store:
            with pytest.raises(StoreUnavailable, match="is it the Kubernetes API"):
                await store.read("record")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (json.dumps({"type": "ERROR", "object": json.loads(status(410, "Expired", "too old"))}).encode(), "too old"),
        (b"garbage", "cannot be read"),
        (b'{"type": "ADDED", "object": 7}', "without an object"),
    ],
)
def test_a_watch_that_cannot_go_on_is_unavailable(line: bytes, words: str) -> None:
    async def scenario() -> None:
        found = json.loads(configmap())
        listed = json.dumps({"metadata": {"resourceVersion": "45"}, "items": [found]}).encode()
        endpoint = Script(("200 OK", listed), ("200 OK", line + b"\n"))
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            watch = store.watch("record")
            assert await anext(watch) == Versioned("text", 41)
            with pytest.raises(StoreUnavailable, match=words):
                await anext(watch)
            assert b"resourceVersion=45" in endpoint.requests[1]

    asyncio.run(scenario())


def test_a_watch_ends_when_the_api_ends_it_and_bookmarks_are_no_news() -> None:
    async def scenario() -> None:
        listed = json.dumps({"metadata": {"resourceVersion": "45"}, "items": []}).encode()
        bookmark = b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "46"}}}\n'
        added = b'{"type": "ADDED", "object": ' + configmap("new", 47) + b"}\n"
        endpoint = Script(("200 OK", listed), ("200 OK", bookmark + added))
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            watch = store.watch("record")
            assert [found async for found in watch] == [None, Versioned("new", 47)]

    asyncio.run(scenario())


def test_new_authorities_of_the_api_are_trusted_when_their_file_changes(tmp_path: Path) -> None:
    """A certificate that a later authority signed: the file is read again for the next connection."""
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    pair = new.issue("apiserver")
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(old.file.read_bytes())
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(pair.certificate, pair.key)

    async def scenario() -> None:
        endpoint = Endpoint(configmap())
        server = await asyncio.start_server(endpoint.accept, "127.0.0.1", 0, ssl=identity)
        address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = KubernetesSettings(address, "dev", "main", "main-", trusted, request_timeout_ms=PATIENT_MS)
        async with server, closing(KubernetesStore(settings)) as store:
            with pytest.raises(StoreUnavailable, match=r"(?i)certificate"):
                await store.read("record")
            renewed = tmp_path / "renewed"
            renewed.write_bytes(new.file.read_bytes())
            renewed.replace(trusted)
            assert await store.read("record") == Versioned("text", 41)

    asyncio.run(scenario())
