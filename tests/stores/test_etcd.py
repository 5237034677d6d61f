"""Does a real etcd keep the contract, also when it is killed, stopped and wiped?"""

from collections.abc import Iterator

import pytest

from tests.stores.contract import StoreContract
from tests.stores.etcdrig import EtcdRig
from tests.stores.faults import LandsLateContract, ServerFaultContract


@pytest.fixture(scope="module")
def shared() -> Iterator[EtcdRig]:
    rig = EtcdRig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


@pytest.fixture
def own() -> Iterator[EtcdRig]:
    rig = EtcdRig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


class TestEtcdStore(StoreContract):
    @pytest.fixture
    def rig(self, shared: EtcdRig) -> EtcdRig:
        return shared


class TestEtcdStoreUnderFaults(ServerFaultContract):
    @pytest.fixture
    def server(self, own: EtcdRig) -> EtcdRig:
        return own


class TestEtcdStoreOnASlowNetwork(LandsLateContract):
    @pytest.fixture
    def server(self, shared: EtcdRig) -> EtcdRig:
        return shared
