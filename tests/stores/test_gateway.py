"""When an endpoint of etcd fails, is it exactly known what became of the request?

The endpoints are real sockets that behave as a test says: silent, cut off, or answering one prepared reply.
"""

import asyncio
import json
from pathlib import Path

import pytest

from howdah.ports.store import Conflict, StoreUnavailable, Swapped, Unknown, Versioned
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.settings import EtcdSettings
from tests.stores.contract import closing
from tests.stores.endpoint import Endpoint, nobody

HEADER = {"cluster_id": "7", "member_id": "8", "revision": "42", "raft_term": "2"}
SWAPPED = json.dumps({"header": HEADER, "succeeded": True}).encode()
FOUND = json.dumps({"header": HEADER, "kvs": [{"mod_revision": "41", "value": "dGV4dA=="}], "count": "1"}).encode()


def error(code: int, message: str) -> bytes:
    return json.dumps({"error": message, "code": code, "message": message}).encode()


PATIENT_MS = 20_000
"""Where an answer is sure to come, however busy the machine is."""


def store_of(*endpoints: str, timeout_ms: int = 400) -> EtcdStore:
    return EtcdStore(EtcdSettings(endpoints, "test", request_timeout_ms=timeout_ms))


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint(b""),
        Endpoint(None),
        Endpoint(error(14, "etcdserver: request timed out"), "503 Service Unavailable"),
        Endpoint(error(14, "etcdserver: no leader"), "503 Service Unavailable"),
        Endpoint(error(8, "etcdserver: mvcc: database space exceeded"), "429 Too Many Requests"),
        Endpoint(error(2, "context canceled"), "500 Internal Server Error"),
        Endpoint(error(3, "auth: revision in header is old"), "400 Bad Request"),
        Endpoint(b"<html>a proxy's page</html>", "502 Bad Gateway"),
        Endpoint(b"<html>a login page</html>"),
        Endpoint(b"[]"),
        Endpoint(b"{}"),
    ],
    ids=[
        "silent",
        "cut off",
        "timed out",
        "no leader",
        "no space",
        "canceled",
        "old token",
        "proxy",
        "page",
        "list",
        "no header",
    ],
)
def test_a_write_that_may_have_left_is_unknown_and_is_not_sent_again(endpoint: Endpoint) -> None:
    async def scenario() -> None:
        other = Endpoint(SWAPPED)
        async with endpoint.serving(), other.serving(), closing(store_of(endpoint.address, other.address)) as store:
            assert isinstance(await store.compare_and_swap("record", None, "text"), Unknown)
            assert len(endpoint.requests) == 1
            assert other.requests == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (error(8, "etcdserver: too many requests"), "429 Too Many Requests"),
        (error(16, "etcdserver: invalid auth token"), "401 Unauthorized"),
    ],
    ids=["too many", "login"],
)
def test_a_write_that_certainly_did_nothing_goes_to_the_next_endpoint(reply: bytes, status: str) -> None:
    async def scenario() -> None:
        endpoint, other = Endpoint(reply, status), Endpoint(SWAPPED)
        async with (
            endpoint.serving(),
            other.serving(),
            closing(store_of(endpoint.address, other.address, timeout_ms=PATIENT_MS)) as store,
        ):
            assert await store.compare_and_swap("record", None, "text") == Swapped(42)
            assert (len(endpoint.requests), len(other.requests)) == (1, 1)

    asyncio.run(scenario())


def test_a_write_passes_by_an_endpoint_that_refuses_connections() -> None:
    async def scenario() -> None:
        other = Endpoint(SWAPPED)
        async with (
            other.serving(),
            closing(store_of(nobody(), nobody(), other.address, timeout_ms=PATIENT_MS)) as store,
        ):
            assert await store.compare_and_swap("record", None, "text") == Swapped(42)

    asyncio.run(scenario())


def test_when_all_endpoints_refuse_connections_nothing_was_written_and_each_is_named() -> None:
    async def scenario() -> None:
        addresses = nobody(), nobody()
        async with closing(store_of(*addresses)) as store:
            with pytest.raises(StoreUnavailable) as failure:
                await store.compare_and_swap("record", None, "text")
            assert all(address in str(failure.value) for address in addresses)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "endpoint",
    [Endpoint(b""), Endpoint(None), Endpoint(error(14, "no leader"), "503 Service Unavailable"), Endpoint(b"<html>")],
    ids=["silent", "cut off", "no leader", "page"],
)
def test_a_read_goes_on_to_the_next_endpoint_and_later_requests_begin_there(endpoint: Endpoint) -> None:
    async def scenario() -> None:
        other = Endpoint(FOUND)
        async with (
            endpoint.serving(),
            other.serving(),
            closing(store_of(endpoint.address, other.address, timeout_ms=4_000)) as store,
        ):
            assert await store.read("record") == Versioned("text", 41)
            assert await store.read("record") == Versioned("text", 41)
            assert (len(endpoint.requests), len(other.requests)) == (1, 2)

    asyncio.run(scenario())


def test_a_refusal_that_every_endpoint_would_repeat_is_told_at_once() -> None:
    async def scenario() -> None:
        endpoint = Endpoint(error(3, "etcdserver: user name is empty"), "400 Bad Request")
        async with endpoint.serving(), closing(store_of(endpoint.address, nobody())) as store:
            with pytest.raises(StoreUnavailable, match="set the etcd user and its password"):
                await store.compare_and_swap("record", None, "text")
            with pytest.raises(StoreUnavailable, match="set the etcd user and its password"):
                await store.read("record")

    asyncio.run(scenario())


def test_a_conflict_is_what_etcd_leaves_out() -> None:
    async def scenario() -> None:
        endpoint = Endpoint(json.dumps({"header": HEADER}).encode())
        async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
            assert await store.compare_and_swap("record", 3, "text") == Conflict()

    asyncio.run(scenario())


def test_a_login_from_before_a_change_of_rights_is_renewed_by_the_next_request(tmp_path: Path) -> None:
    async def scenario() -> None:
        password_file = tmp_path / "password"
        password_file.write_text("secret")
        endpoint = TokenEndpoint()
        async with endpoint.serving():
            settings = EtcdSettings((endpoint.address,), "test", user="howdah", password_file=password_file)
            async with closing(EtcdStore(settings)) as store:
                assert await store.read("record") == Versioned("text", 41)
                endpoint.change_rights()
                assert isinstance(await store.compare_and_swap("record", 41, "new"), Unknown)
                assert await store.read("record") == Versioned("text", 41)
                endpoint.change_rights()
                with pytest.raises(StoreUnavailable):
                    await store.read("record")
                assert await store.read("record") == Versioned("text", 41)

    asyncio.run(scenario())


class TokenEndpoint(Endpoint):
    """An etcd whose tokens carry the revision of its rights, as its JWT ones do."""

    def __init__(self) -> None:
        super().__init__(b"")
        self._rights = 1

    def change_rights(self) -> None:
        self._rights += 1

    def reply_to(self, head: bytes) -> bytes:
        if b"/v3/auth/authenticate" in head:
            self._status = "200 OK"
            return json.dumps({"header": HEADER, "token": f"token-{self._rights}"}).encode()
        if f"token-{self._rights}".encode() not in head:
            self._status = "400 Bad Request"
            return error(3, "auth: revision in header is old")
        self._status = "200 OK"
        return FOUND


def test_a_silent_or_broken_watch_is_unavailable() -> None:
    async def scenario() -> None:
        for watch_line, words in (
            (b'{"result":{"header":{},"canceled":true,"compact_revision":"9"}}\n', "compacted"),
            (b'{"error":{"grpc_code":14,"message":"etcdserver: no leader"}}\n', "no leader"),
            (b"garbage\n", "cannot be read"),
        ):
            endpoint = WatchEndpoint(FOUND, watch_line)
            async with endpoint.serving(), closing(store_of(endpoint.address)) as store:
                watch = store.watch("record")
                assert await anext(watch) == Versioned("text", 41)
                with pytest.raises(StoreUnavailable, match=words):
                    await anext(watch)
        silent = Endpoint(b"")
        async with silent.serving(), closing(store_of(silent.address)) as store:
            with pytest.raises(StoreUnavailable, match="in time"):
                await anext(store.watch("record"))

    asyncio.run(scenario())


class WatchEndpoint(Endpoint):
    """Answers a range with a reply, and a watch with one line."""

    def __init__(self, reply: bytes, line: bytes) -> None:
        super().__init__(reply)
        self._replies = {b"/v3/kv/range": reply, b"/v3/watch": line}

    def reply_to(self, head: bytes) -> bytes:
        return self._replies[head.split(b" ")[1]]
