"""How is the store port kept on the Kubernetes API?

A document is a ConfigMap; its version is the object's resourceVersion, which is the revision of Kubernetes' etcd and so
grows over all objects, also when one was deleted by hand. A read without a resourceVersion is answered by etcd's
quorum. Each write carries a mark of its own: it makes every write a change (Kubernetes leaves the version as it is
where nothing differs, and an earlier write of unknown outcome could then still land), tells a version from another of
the same number in an etcd that was restored, and shows whether a write that seems refused had landed after all.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from howdah.ports.store import Conflict, StoreUnavailable, SwapOutcome, Swapped, Unknown, Versioned
from howdah.stores.documents import check_document_name, encode_document
from howdah.stores.http import JsonObject, OutcomeUnknown
from howdah.stores.kubernetes.api import JSON_PATCH, Deed, Differs, KubernetesApi, NotThere, Refused
from howdah.stores.lineage import Lineage, StoreMoment
from howdah.stores.settings import KubernetesSettings

LABELS = {"app.kubernetes.io/managed-by": "howdah"}
CLUSTER_LABEL = "howdah/cluster"


@dataclass(frozen=True, slots=True)
class _Found:
    """A ConfigMap as it was read. `mark` is of the write that made it so; "" where a hand did."""

    document: Versioned
    mark: str
    uid: str


class KubernetesStore:
    """The port `Store`, on the Kubernetes API. Raises OSError if a certificate cannot be read."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self.api = KubernetesApi(settings)
        self._settings = settings
        self._closed = False
        self._seen: dict[str, _Found] = {}
        self._lineages: dict[str, Lineage] = {}
        self._broken = ""

    @property
    def namespace(self) -> str:
        """Where its objects are."""
        return self._settings.namespace

    @property
    def prefix(self) -> str:
        """What their names begin with."""
        return self._settings.prefix

    @property
    def broken(self) -> str | None:
        """A sentence about the last time that a document was another or an older one; None if it never was."""
        return self._broken or None

    async def read(self, name: str) -> Versioned | None:
        """See the port."""
        found = await self._read(check_document_name(name))
        if found is not None:
            self._seen[name] = found
        return found.document if found else None

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """See the port."""
        check_document_name(name)
        encode_document(text)
        self._check_open()
        seen, mark = self._seen.get(name), secrets.token_hex(8)
        compared = seen.mark if seen is not None and seen.document.version == expected_version else ""
        try:
            if expected_version is None:
                answer = await self._create(name, text, mark)
            else:
                answer = await self._patch(name, expected_version, compared, text, mark)
            return self._swapped(name, answer, seen)
        except NotThere:
            self._saw_nothing(name)
            return Conflict()
        except Differs as refusal:
            return await self._why_not(name, (expected_version, compared), mark, refusal)
        except OutcomeUnknown as error:
            return Unknown(str(error))

    def watch(self, name: str) -> AsyncIterator[Versioned | None]:
        """See the port."""
        return self._watch(check_document_name(name))

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        await self.api.close()

    async def _read(self, name: str) -> _Found | None:
        self._check_open()
        seen = self._seen.get(name)
        try:
            answer = await self.api.read(self._deed("get", name))
        except NotThere:
            self._saw_nothing(name)
            return None
        return self._saw(name, answer, seen)

    async def _create(self, name: str, text: str, mark: str) -> JsonObject:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self._object(name),
                "namespace": self._settings.namespace,
                "labels": {**LABELS, CLUSTER_LABEL: self._settings.cluster},
            },
            "data": _data(text, mark),
        }
        return await self.api.write(self._deed("create", name), "POST", body)

    async def _patch(self, name: str, expected_version: int, compared: str, text: str, mark: str) -> JsonObject:
        """Write if the object is as expected. Its mark is compared as well, if it is known: an etcd that was restored
        counts through the same revisions again, and the same number can then stand for another text."""
        body: list[JsonObject] = [{"op": "test", "path": "/metadata/resourceVersion", "value": str(expected_version)}]
        if compared:
            body.append({"op": "test", "path": "/data/mark", "value": compared})
        body.append({"op": "add", "path": "/data", "value": _data(text, mark)})
        return await self.api.write(self._deed("patch", name), "PATCH", body, JSON_PATCH)

    def _swapped(self, name: str, answer: JsonObject, before: _Found | None) -> Swapped:
        """What was written carries the version of it. Raises OutcomeUnknown."""
        try:
            self._seen[name] = found = self._saw(name, answer, before)
        except StoreUnavailable as error:
            raise OutcomeUnknown(str(error)) from error
        return Swapped(found.document.version)

    async def _why_not(self, name: str, expected: tuple[int | None, str], mark: str, refusal: Refused) -> SwapOutcome:
        """A write was refused: is the object another one than was expected (version, mark), or is there another
        reason? Where something on the way sent the request twice, the second is refused because of the first.

        What is read here is not what the caller knows: it goes on expecting the version, and the mark, of before."""
        try:
            found = await self._read(name)
        except StoreUnavailable as error:
            return Unknown(f"{refusal}, and then: {error}")
        if found is None:
            return Conflict()
        if found.mark == mark:
            self._seen[name] = found
            return Swapped(found.document.version)
        if found.document.version == expected[0] and expected[1] in ("", found.mark):
            raise refusal
        return Conflict()

    async def _watch(self, name: str) -> AsyncIterator[Versioned | None]:
        self._check_open()
        selector = f"fieldSelector=metadata.name%3D{self._object(name)}"
        listed = await self.api.read(self._deed("list", name), selector)
        try:
            items, version = listed["items"] or [], str(listed["metadata"]["resourceVersion"])
        except (LookupError, TypeError) as error:
            raise StoreUnavailable(f"Kubernetes gave a list that cannot be read: {error}") from error
        yield _found(items[0]).document if items else None
        query = f"{selector}&resourceVersion={version}"
        async with aclosing(self.api.watch(self._deed("watch", name), query)) as events:
            async for event in events:
                match event["type"]:
                    case "ADDED" | "MODIFIED":
                        yield _found(event["object"]).document
                    case "DELETED":
                        yield None

    def _saw(self, name: str, answer: JsonObject, before: _Found | None) -> _Found:
        """Take in what an answer carries; `before` is what was known when it was asked for."""
        found = _found(answer)
        lineage = self._lineages.setdefault(name, Lineage(f"the ConfigMap {self._object(name)}"))
        asked = StoreMoment(before.uid, before.document.version) if before is not None else None
        told = lineage.broken
        lineage.observe(StoreMoment(found.uid, found.document.version), asked)
        if lineage.broken != told:
            self._broken = lineage.broken or ""
        return found

    def _saw_nothing(self, name: str) -> None:
        lineage = self._lineages.get(name)
        if lineage is not None and lineage.newest is not None:
            lineage.lost()
            self._broken = lineage.broken or ""

    def _deed(self, verb: str, name: str) -> Deed:
        return Deed(verb, "", "configmaps", self._settings.namespace, self._object(name))

    def _object(self, name: str) -> str:
        return self._settings.prefix + name

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("this client of the store is closed")


def _data(text: str, mark: str) -> dict[str, str]:
    return {"text": text, "mark": mark}


def _found(answer: JsonObject) -> _Found:
    """Raises StoreUnavailable if it is no document of ours."""
    try:
        metadata, data = answer["metadata"], answer.get("data") or {}
        version = int(metadata["resourceVersion"])
        return _Found(Versioned(str(data["text"]), version), str(data.get("mark", "")), str(metadata["uid"]))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StoreUnavailable(
            f"Kubernetes gave a ConfigMap that cannot be read ({error!r}): it needs data.text; put it back as it was, "
            "or delete it if it was made by hand"
        ) from error
