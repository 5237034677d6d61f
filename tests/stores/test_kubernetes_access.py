"""Do few rights suffice, is each one that is missing named, and are slices and Events as Kubernetes wants them?"""

import asyncio
import datetime
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

import pytest

from howdah.cluster.services import Author
from howdah.ports.store import StoreUnavailable, Versioned
from howdah.stores.http import JsonObject
from howdah.stores.kubernetes.api import Deed, Forbidden, KubernetesApi
from howdah.stores.kubernetes.client import KubernetesStore
from howdah.stores.kubernetes.events import Pod, event_deed, write_event
from howdah.stores.kubernetes.health import examine, store_deeds, version_warning
from howdah.stores.kubernetes.slices import Slice, family_of, put_slice, slice_deeds
from tests.stores.contract import closing, hint, swap
from tests.stores.kubernetesrig import KubernetesRig, make_user

pytestmark = pytest.mark.timeout(600)

DOCUMENTS = ("record", "config", "node-n1")
AGENT_DEEDS = (
    *store_deeds("default", "test-", DOCUMENTS, writes=True),
    *slice_deeds("default", ("db-ipv4", "db-read-ipv4")),
    event_deed("default"),
)
OLD, NEW = Author("7", 4), Author("7", 5)


@pytest.fixture(scope="module")
def rig() -> Iterator[KubernetesRig]:
    rig = KubernetesRig()
    try:
        rig.start()
        make_user(rig.settings(), "agent", rules_of(AGENT_DEEDS))
        make_user(rig.settings(), "router", rules_of(store_deeds("default", "test-", DOCUMENTS, writes=False)))
        yield rig
    finally:
        rig.close()


def rules_of(deeds: Iterable[Deed]) -> list[JsonObject]:
    """The rules of a Role that allows just these."""

    def kind(deed: Deed) -> tuple[str, str, str]:
        return deed.group, deed.resource, deed.verb

    return [
        {
            "apiGroups": [group],
            "resources": [resource],
            "verbs": [verb],
            **({"resourceNames": names} if (names := [deed.name for deed in same if deed.name]) else {}),
        }
        for (group, resource, verb), same in groupby(sorted(deeds, key=kind), key=kind)
    ]


def a_slice(*addresses: str, author: Author = NEW) -> Slice:
    return Slice("db", "IPv4", addresses, 5432, "postgresql", author)


async def standing(api: KubernetesApi) -> list[str]:
    """The addresses behind the Service db."""
    found = await api.read(Deed("get", "discovery.k8s.io", "endpointslices", "default", "db-ipv4"))
    return [address for endpoint in found.get("endpoints") or [] for address in endpoint["addresses"]]


def test_an_agent_with_the_rights_of_its_role_reads_swaps_and_watches(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        async with closing(KubernetesStore(rig.settings(token="agent-token"))) as store:
            watch = store.watch("record")
            assert await anext(watch) is None
            version = await swap(store, "record", None, "first")
            version = await swap(store, "record", version, "second")
            await hint(watch, "second")
            assert await examine(store.api, AGENT_DEEDS) == ()
        async with closing(KubernetesStore(rig.settings(token="router-token"))) as router:
            assert await router.read("record") == Versioned("second", version)
            assert await anext(router.watch("record")) == Versioned("second", version)
            with pytest.raises(Forbidden, match="may not patch configmaps test-record in namespace default"):
                await router.compare_and_swap("record", version, "third")

    asyncio.run(scenario())


def test_each_missing_right_is_named_before_it_is_needed(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        async with closing(KubernetesStore(rig.settings(token="nobody-token"))) as store:
            with pytest.raises(StoreUnavailable, match="may not get configmaps test-record in namespace default"):
                await store.read("record")
            with pytest.raises(StoreUnavailable, match="may not create configmaps"):
                await store.compare_and_swap("record", None, "text")
            with pytest.raises(StoreUnavailable, match="may not list configmaps test-record"):
                await anext(store.watch("record"))
            found = await examine(store.api, AGENT_DEEDS)
            assert len(found) == len(AGENT_DEEDS)
            assert "may not update endpointslices.discovery.k8s.io db-ipv4 in namespace default" in " ".join(found)

    asyncio.run(scenario())


def test_a_token_nobody_knows_is_told_and_a_good_one_in_its_place_works_at_once(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        settings = rig.settings(token="wrong")
        assert settings.token_file is not None
        async with closing(KubernetesStore(settings)) as store:
            with pytest.raises(StoreUnavailable, match="is not accepted"):
                await store.read("config")
            settings.token_file.write_text("agent-token\n")
            assert await store.read("config") is None

    asyncio.run(scenario())


def test_a_token_of_a_service_account_works_and_its_successor_too(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        admin = KubernetesApi(rig.settings())
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pod"}}
        await admin.write(Deed("create", "", "serviceaccounts", "default"), "POST", account)
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "pod"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "router"},
            "subjects": [{"kind": "ServiceAccount", "name": "pod", "namespace": "default"}],
        }
        await admin.write(Deed("create", "rbac.authorization.k8s.io", "rolebindings", "default"), "POST", binding)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        deed = Deed("update", "", "serviceaccounts", "default", "pod/token")
        tokens = [(await admin.write(deed, "POST", request))["status"]["token"] for _ in range(2)]
        await admin.close()
        settings = rig.settings(token=tokens[0])
        assert settings.token_file is not None
        async with closing(KubernetesStore(settings)) as store:
            first = await store.read("record")
            settings.token_file.write_text(tokens[1])
            assert await store.read("record") == first

    asyncio.run(scenario())


def test_a_slice_is_made_and_changed_and_a_lower_term_never_replaces_a_higher_one(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        api = KubernetesApi(rig.settings(token="agent-token"))
        assert await put_slice(api, "default", a_slice("10.0.0.1", author=OLD))
        assert await standing(api) == ["10.0.0.1"]
        assert await put_slice(api, "default", a_slice())
        assert await standing(api) == []
        assert await put_slice(api, "default", a_slice("10.0.0.2", "10.0.0.3"))
        assert not await put_slice(api, "default", a_slice("10.0.0.1", author=OLD))
        assert await standing(api) == ["10.0.0.2", "10.0.0.3"]
        before = await api.read(Deed("get", "discovery.k8s.io", "endpointslices", "default", "db-ipv4"))
        assert await put_slice(api, "default", a_slice("10.0.0.2", "10.0.0.3"))
        after = await api.read(Deed("get", "discovery.k8s.io", "endpointslices", "default", "db-ipv4"))
        assert before == after
        assert before["metadata"]["labels"]["kubernetes.io/service-name"] == "db"
        assert await put_slice(api, "default", a_slice("10.0.0.9", author=Author("8", 1)))
        assert await standing(api) == ["10.0.0.9"]
        await api.close()

    asyncio.run(scenario())


def test_addresses_of_the_other_family_stand_in_a_slice_of_their_own(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        api = KubernetesApi(rig.settings())
        assert await put_slice(api, "default", Slice("six", "IPv6", ("fd00::1",), 5432, "postgresql", NEW))
        found = await api.read(Deed("get", "discovery.k8s.io", "endpointslices", "default", "six-ipv6"))
        assert found["addressType"] == family_of("fd00::1") == "IPv6"
        assert found["endpoints"][0]["addresses"] == ["fd00::1"]
        await api.close()

    asyncio.run(scenario())


def test_a_client_certificate_is_as_good_as_a_token(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        pair = rig.server.authority.issue("howdah-client")
        settings = replace(rig.settings(), token_file=None, certificate=pair.certificate, key=pair.key)
        async with closing(KubernetesStore(settings)) as store:
            # The API server knows who it is, and that it may nothing.
            with pytest.raises(Forbidden, match='User "howdah-client" cannot get'):
                await store.read("record")

    asyncio.run(scenario())


def test_of_two_terms_that_write_at_once_the_higher_one_stands_there(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        apis = [KubernetesApi(rig.settings(token="agent-token")) for _ in range(3)]
        system = "10"
        for round_number in range(5):
            terms = [3 * round_number + number for number in (1, 2, 3)]
            slices = [a_slice(f"10.1.{round_number}.{term}", author=Author(system, term)) for term in terms]
            await asyncio.gather(*(put_slice(api, "default", one) for api, one in zip(apis, slices, strict=True)))
            assert await standing(apis[0]) == list(slices[2].addresses)
        for api in apis:
            await api.close()

    asyncio.run(scenario())


def test_an_event_is_about_the_pod_and_says_what_happened(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        agent, admin = KubernetesApi(rig.settings(token="agent-token")), KubernetesApi(rig.settings())
        at = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
        await write_event(agent, Pod("default", "db-0", "some-uid"), "RolePrimary", "serves" + "\u00e9" * 2000, at)
        found = await admin.read(Deed("list", "", "events", "default"), "fieldSelector=involvedObject.name%3Ddb-0")
        event = found["items"][0]
        assert (event["reason"], event["type"], event["involvedObject"]["uid"]) == ("RolePrimary", "Normal", "some-uid")
        assert event["message"].startswith("serves\u00e9")
        assert event["firstTimestamp"] == "2026-11-23T12:00:00Z"
        for api in (agent, admin):
            await api.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("version", "words"), [("v1.24.9", "too old"), ("v1.9.1", "too old"), ("banana", "judged")])
def test_a_version_that_is_too_old_is_told_in_a_sentence(version: str, words: str) -> None:
    assert words in (version_warning(version) or "")


@pytest.mark.parametrize("version", ["v1.25.0", "v1.34.4+k3s1", "v1.31.2-gke.100", "v2.0.0"])
def test_a_version_that_will_do_is_no_news(version: str) -> None:
    assert version_warning(version) is None
