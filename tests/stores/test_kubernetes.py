"""Does the real Kubernetes API keep the contract, also when it is killed, stopped, wiped and put back?"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from howdah.ports.store import Store, StoreUnavailable, Versioned
from howdah.stores.kubernetes.api import Deed
from howdah.stores.kubernetes.client import KubernetesStore
from tests.stores.contract import StoreContract, closing, hint, swap
from tests.stores.faults import LandsLateContract, ServerFaultContract
from tests.stores.kubernetesrig import ApiServerProcess, KubernetesRig

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def shared() -> Iterator[KubernetesRig]:
    rig = KubernetesRig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


@pytest.fixture
def hurt(shared: KubernetesRig) -> KubernetesRig:
    """The same server, begun again if a test left it dead: each begins with documents of its own."""
    shared.start()
    return shared


class TestKubernetesStore(StoreContract):
    @pytest.fixture
    def rig(self, hurt: KubernetesRig) -> KubernetesRig:
        return hurt


class TestKubernetesStoreUnderFaults(ServerFaultContract):
    @pytest.fixture
    def server(self, hurt: KubernetesRig) -> KubernetesRig:
        return hurt


class TestKubernetesStoreOnASlowNetwork(LandsLateContract):
    @pytest.fixture
    def server(self, hurt: KubernetesRig) -> KubernetesRig:
        return hurt


def test_writing_the_same_text_again_is_a_new_version(hurt: KubernetesRig) -> None:
    """Else an earlier swap of unknown outcome, which a later one is to make impossible, could still land."""

    async def scenario(store: Store, name: str) -> None:
        first = await swap(store, name, None, "same")
        assert await swap(store, name, first, "same") > first

    hurt.run(scenario)


def test_a_document_that_was_deleted_by_hand_is_gone_and_its_next_version_is_higher(hurt: KubernetesRig) -> None:
    async def scenario(_: Store, name: str) -> None:
        async with closing(hurt.client()) as store:
            version = await swap(store, name, None, "first")
            watch = store.watch(name)
            assert await anext(watch) == Versioned("first", version)
            await store.api.write(Deed("delete", "", "configmaps", "default", f"test-{name}"), "DELETE", None)
            await hint(watch, None)
            assert await store.read(name) is None
            assert store.broken is not None
            assert f"test-{name} is gone" in store.broken
            assert await swap(store, name, None, "second") > version

    hurt.run(scenario)


def test_a_watch_from_a_version_that_is_too_old_says_so_and_another_one_goes_on(hurt: KubernetesRig) -> None:
    async def scenario(_: Store, name: str) -> None:
        async with closing(hurt.client()) as store:
            version = await swap(store, name, None, "first")
            query = f"fieldSelector=metadata.name%3Dtest-{name}&resourceVersion=1"
            with pytest.raises(StoreUnavailable, match=r"too old|compacted|expired"):
                await anext(store.api.watch(Deed("watch", "", "configmaps", "default", f"test-{name}"), query))
            assert await anext(store.watch(name)) == Versioned("first", version)

    hurt.run(scenario)


def test_a_configmap_that_was_made_by_hand_is_told_and_never_written_over(hurt: KubernetesRig) -> None:
    async def scenario(_: Store, name: str) -> None:
        async with closing(hurt.client()) as store:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"test-{name}"}}
            made = await store.api.write(Deed("create", "", "configmaps", "default"), "POST", body)
            with pytest.raises(StoreUnavailable, match=r"needs data\.text"):
                await store.read(name)
            outcome = await store.compare_and_swap(name, None, "text")
            assert not hasattr(outcome, "version"), outcome
            found = await store.api.read(Deed("get", "", "configmaps", "default", f"test-{name}"))
            assert found["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]

    hurt.run(scenario)


def test_a_document_that_may_not_be_changed_is_refused_with_the_reason(hurt: KubernetesRig) -> None:
    async def scenario(_: Store, name: str) -> None:
        async with closing(hurt.client()) as store:
            version = await swap(store, name, None, "first")
            deed = Deed("patch", "", "configmaps", "default", f"test-{name}")
            frozen = await store.api.write(deed, "PATCH", {"immutable": True}, "application/merge-patch+json")
            version = int(frozen["metadata"]["resourceVersion"])
            with pytest.raises(StoreUnavailable, match="immutable"):
                await store.compare_and_swap(name, version, "second")
            assert await store.read(name) == Versioned("first", version)

    hurt.run(scenario)


def test_a_missing_namespace_is_named(hurt: KubernetesRig) -> None:
    async def scenario() -> None:
        store = KubernetesStore(replace(hurt.settings(), namespace="nowhere"))
        async with closing(store):
            with pytest.raises(StoreUnavailable, match='namespaces "nowhere" not found'):
                await store.compare_and_swap("record", None, "text")

    asyncio.run(scenario())


def test_what_was_swapped_at_one_api_server_is_read_and_swapped_at_another_one_at_once(
    hurt: KubernetesRig, tmp_path: Path
) -> None:
    """Each has a cache of its own, which lags; the documents do not come from it."""
    other_server = ApiServerProcess(tmp_path, beside=hurt.server)
    other_server.start()

    async def scenario(store: Store, name: str) -> None:
        async with closing(KubernetesStore(other_server.settings())) as other:
            version = None
            for number in range(0, 100, 2):
                version = await swap(store, name, version, str(number))
                assert await other.read(name) == Versioned(str(number), version)
                version = await swap(other, name, version, str(number + 1))
                assert await store.read(name) == Versioned(str(number + 1), version)

    try:
        hurt.run(scenario)
    finally:
        other_server.kill()
