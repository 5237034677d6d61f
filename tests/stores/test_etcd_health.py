"""Is what is wrong with an etcd told in a sentence?"""

import asyncio
from collections.abc import Iterator

import pytest

from howdah.ports.store import Unknown
from howdah.stores.etcd.health import (
    EndpointSilent,
    EndpointState,
    EtcdAlarm,
    EtcdHealth,
    EtcdMember,
    examine,
    version_warning,
    warnings,
)
from howdah.stores.etcd.server import LocalEtcd
from howdah.stores.lineage import StoreMoment
from tests.stores.contract import closing
from tests.stores.etcdrig import EtcdRig


@pytest.fixture
def rig() -> Iterator[EtcdRig]:
    rig = EtcdRig()
    try:
        yield rig
    finally:
        rig.close()


def _state(endpoint: str = "a", version: str = "3.6.9", cluster: str = "7", leader: str | None = "8") -> EndpointState:
    return EndpointState(endpoint, version, "8", leader, StoreMoment(cluster, 42), 20_480)


THREE = tuple(EtcdMember(str(number), f"e{number}", (), learner=False) for number in range(3))


def test_three_good_members_need_no_word() -> None:
    assert warnings(EtcdHealth((_state("a"), _state("b"), _state("c")), THREE, ())) == ()


@pytest.mark.parametrize("version", ["3.5.0", "3.5.1", "3.5.2"])
def test_the_versions_that_corrupt_data_are_told(version: str) -> None:
    sentence = version_warning(version)
    assert sentence is not None
    assert "corrupts data" in sentence


@pytest.mark.parametrize("version", ["3.4.37", "3.5.3", "3.5.27", "3.6.0", "3.6.8"])
def test_old_versions_are_told(version: str) -> None:
    sentence = version_warning(version)
    assert sentence is not None
    assert "recommended" in sentence


@pytest.mark.parametrize("version", ["3.5.28", "3.5.100", "3.6.9", "3.6.10", "3.7.0", "4.0.0"])
def test_good_versions_need_no_word(version: str) -> None:
    assert version_warning(version) is None


def test_every_trouble_has_its_sentence() -> None:
    health = EtcdHealth(
        endpoints=(_state("a"), _state("b", cluster="9"), _state("c", leader=None), EndpointSilent("d", "no answer")),
        members=(*THREE[:2], EtcdMember("4", "e4", (), learner=True)),
        alarms=(EtcdAlarm("1", "NOSPACE"), EtcdAlarm("2", "CORRUPT")),
    )
    told = "\n".join(warnings(health))
    for words in (
        "member 1 is out of space",
        "member 2 is corrupt",
        "belong to different clusters",
        "c knows no leader",
        "endpoint d does not answer",
        "2 voting members",
    ):
        assert words in told


def test_a_real_etcd_is_examined(rig: EtcdRig) -> None:
    async def scenario() -> None:
        async with closing(rig.client()) as store:
            rig.start()
            health = await examine(store.gateway)
            (state,) = health.states
            assert state.leader_id == state.member_id
            assert health.members is not None
            assert [member.name for member in health.members] == ["howdah"]
            assert health.alarms == ()
            await store.read("record")
            assert store.lineage.newest == state.moment
            assert any("1 voting member:" in sentence for sentence in warnings(health))
            rig.kill()
            dead = await examine(store.gateway)
            assert (dead.states, dead.members, dead.alarms) == ((), None, None)
            assert "does not answer" in warnings(dead)[0]

    asyncio.run(scenario())


def test_a_full_etcd_makes_writes_unknown_and_raises_its_alarm(rig: EtcdRig) -> None:
    rig.etcd = LocalEtcd(rig.root / "etcd", options=("--quota-backend-bytes", "1000000"))

    async def scenario() -> None:
        async with closing(rig.client()) as store:
            rig.start()
            for number in range(20):
                outcome = await store.compare_and_swap(f"big-{number}", None, "x" * 200_000)
                if isinstance(outcome, Unknown):
                    break
            else:
                raise AssertionError("etcd took more than its quota")
            assert "space exceeded" in outcome.reason
            assert any("out of space" in sentence for sentence in warnings(await examine(store.gateway)))

    asyncio.run(scenario())
