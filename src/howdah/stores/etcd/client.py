"""How is the store port kept on etcd?

A document is the key <prefix><cluster>/<name>; its version is the key's mod_revision, which grows over the whole of
etcd and so for one key, also when it was deleted by hand. No etcd lease is used: observers judge who is alive.
"""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

from howdah.ports.store import Conflict, StoreUnavailable, SwapOutcome, Swapped, Unknown, Versioned
from howdah.stores.documents import check_document_name, encode_document
from howdah.stores.etcd.gateway import Gateway
from howdah.stores.http import JsonObject, OutcomeUnknown
from howdah.stores.lineage import Lineage, StoreMoment
from howdah.stores.settings import EtcdSettings


class EtcdStore:
    """The port `Store`, on an etcd cluster."""

    def __init__(self, settings: EtcdSettings) -> None:
        self.gateway = Gateway(settings)
        self.lineage = Lineage()
        self._prefix = f"{settings.prefix}{settings.cluster}/"
        self._closed = False
        self._seen: dict[str, Versioned] = {}

    async def read(self, name: str) -> Versioned | None:
        """See the port."""
        document, _ = await self._read(self._key(name))
        return document

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """See the port."""
        key = self._key(name)
        self._check_open()
        before = self.lineage.newest
        content = encode_document(text)
        seen = self._seen.get(key)
        expected_text = seen.text if seen is not None and seen.version == expected_version else None
        try:
            answer = await self.gateway.write("/v3/kv/txn", _swap_body(key, expected_version, expected_text, content))
            moment = self._observe(answer, before)
        except OutcomeUnknown as error:
            return Unknown(str(error))
        if answer.get("succeeded") is not True:  # The gateway leaves out what is false.
            return Conflict()
        self._seen[key] = Versioned(text, moment.revision)
        return Swapped(moment.revision)

    def watch(self, name: str) -> AsyncIterator[Versioned | None]:
        """See the port."""
        return self._watch(self._key(name))

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        await self.gateway.close()

    async def _watch(self, key: str) -> AsyncIterator[Versioned | None]:
        document, moment = await self._read(key)
        yield document
        body = {"create_request": {"key": key, "start_revision": str(moment.revision + 1)}}
        async with aclosing(self.gateway.stream("/v3/watch", body)) as lines:
            async for line in lines:
                for change in _changes(line):
                    yield change

    async def _read(self, key: str) -> tuple[Versioned | None, StoreMoment]:
        self._check_open()
        before = self.lineage.newest
        answer = await self.gateway.read("/v3/kv/range", {"key": key})
        try:
            moment = self._observe(answer, before)
            found = answer.get("kvs") or []
            document = _document(found[0]) if found else None
        except (OutcomeUnknown, LookupError, TypeError, ValueError) as error:
            raise StoreUnavailable(f"etcd gave an answer that cannot be read: {error}") from error
        if document is not None:
            self._seen[key] = document
        return document, moment

    def _observe(self, answer: JsonObject, before: StoreMoment | None) -> StoreMoment:
        moment = read_moment(answer)
        self.lineage.observe(moment, before)
        return moment

    def _key(self, name: str) -> str:
        return _base64(f"{self._prefix}{check_document_name(name)}".encode())

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("this client of the store is closed")


def read_moment(answer: JsonObject) -> StoreMoment:
    """The cluster and revision in an answer's header. Raises OutcomeUnknown if there is none."""
    try:
        header = answer["header"]
        return StoreMoment(str(header["cluster_id"]), int(header["revision"]))
    except (LookupError, TypeError, ValueError) as error:
        raise OutcomeUnknown("the answer has no etcd header: is it etcd?") from error


def _swap_body(key: str, expected_version: int | None, expected_text: str | None, content: bytes) -> JsonObject:
    """A transaction that writes if the key is as expected.

    The text is compared as well, if it is known: an etcd that was wiped or put back to an old copy counts through the
    same revisions again, and the same number can then stand for another text.
    """
    compare = [{"key": key, "result": "EQUAL", "target": "CREATE", "create_revision": "0"}]
    if expected_version is not None:
        compare = [{"key": key, "result": "EQUAL", "target": "MOD", "mod_revision": str(expected_version)}]
    if expected_text is not None:
        compare.append({"key": key, "result": "EQUAL", "target": "VALUE", "value": _base64(expected_text.encode())})
    return {"compare": compare, "success": [{"request_put": {"key": key, "value": _base64(content)}}]}


def _changes(line: str) -> list[Versioned | None]:
    """The changes in one line of a watch. Raises StoreUnavailable if etcd ended it."""
    try:
        message = json.loads(line)
        if "error" in message:
            raise StoreUnavailable(f"etcd ended the watch: {message['error']}")
        result = message["result"]
        if result.get("canceled"):
            raise StoreUnavailable(
                f"etcd ended the watch: {result.get('cancel_reason') or 'its history was compacted'}"
            )
        return [
            None if event.get("type") == "DELETE" else _document(event["kv"]) for event in result.get("events") or []
        ]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StoreUnavailable(f"etcd sent a watch line that cannot be read: {error}") from error


def _document(pair: JsonObject) -> Versioned:
    return Versioned(base64.b64decode(pair.get("value", "")).decode(), int(pair["mod_revision"]))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
