"""Do Services of a real Kubernetes API follow the primary and the standbys, and outlive an API server that is away?"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from howdah.agent.services import Services, ServiceSteering
from howdah.cluster.observation import Observation
from howdah.stores.http import JsonObject
from howdah.stores.kubernetes.api import Deed, KubernetesApi, NotThere
from howdah.values.address import Address
from tests.agent.playbook import SilentJournal
from tests.cluster.builders import N1, N2, SYSTEM, a_local, a_peer, a_primary, a_record, seen_store
from tests.stores.kubernetesrig import KubernetesRig

pytestmark = pytest.mark.timeout(600)

WITHIN_SECONDS = 60.0


@pytest.fixture(scope="module")
def rig() -> Iterator[KubernetesRig]:
    rig = KubernetesRig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


def serving(term: int = 5, **changes: Any) -> Observation:
    """n1 serves in this term, and n2 streams."""
    standby = a_peer(N2, system_identifier=SYSTEM, address=Address("10.0.0.2", 5432))
    record = a_record(term=term, holder=N1)
    return replace(a_primary(peers=(standby,), store=seen_store(record), local=a_local(N1)), **changes)


async def addresses(api: KubernetesApi, service: str) -> list[str] | None:
    """Who stands behind a Service; None if nobody has written it."""
    try:
        found: JsonObject = await api.read(
            Deed("get", "discovery.k8s.io", "endpointslices", "default", f"{service}-ipv4")
        )
    except NotThere:
        return None
    return [address for endpoint in found.get("endpoints") or [] for address in endpoint["addresses"]]


async def until(api: KubernetesApi, service: str, expected: list[str]) -> None:
    """Wait until they stand there."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            if await addresses(api, service) == expected:
                return
            await asyncio.sleep(0.02)


def steering(api: KubernetesApi, name: str, own: str) -> ServiceSteering:
    services = Services("default", name, f"{name}-read", "postgresql", own, 5432)
    return ServiceSteering(api, services, SilentJournal())


def test_the_address_appears_when_it_serves_and_goes_when_its_gate_closes(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        api = KubernetesApi(rig.settings())
        one = steering(api, "first", "10.0.0.1")
        task = asyncio.create_task(one.run())
        one.look(serving(served_term=0))
        await until(api, "first", [])
        one.look(serving())
        await until(api, "first", ["10.0.0.1"])
        await until(api, "first-read", ["10.0.0.2"])
        one.look(serving(gate_open=False))
        await until(api, "first", [])
        task.cancel()
        await api.close()

    asyncio.run(scenario())


def test_who_lost_its_term_neither_stays_there_nor_comes_back(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        api = KubernetesApi(rig.settings())
        old, new = steering(api, "second", "10.0.0.1"), steering(api, "second", "10.0.0.2")
        old.look(serving(5))
        await old.end()
        assert await addresses(api, "second") == ["10.0.0.1"]
        new.look(serving(6, served_term=0))
        await new.end()
        assert await addresses(api, "second") == []
        await old.end()  # it was frozen, and knows of nothing
        assert await addresses(api, "second") == []
        new.look(serving(6))
        await new.end()
        old.look(serving(5, gate_open=False))
        await old.end()
        assert await addresses(api, "second") == ["10.0.0.2"]
        await api.close()

    asyncio.run(scenario())


def test_with_the_api_server_away_it_is_tried_until_it_is_back(rig: KubernetesRig) -> None:
    async def scenario() -> None:
        api = KubernetesApi(rig.settings(timeout_ms=1_000))
        one = steering(api, "third", "10.0.0.1")
        task = asyncio.create_task(one.run())
        await asyncio.to_thread(rig.kill)
        one.look(serving())
        await asyncio.sleep(0.5)
        await asyncio.to_thread(rig.start)
        await until(api, "third", ["10.0.0.1"])
        task.cancel()
        await api.close()

    asyncio.run(scenario())
