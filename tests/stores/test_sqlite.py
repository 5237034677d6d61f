"""Does the store process keep the contract, also when it is killed, stopped and wiped?"""

from collections.abc import Iterator

import pytest

from tests.stores.contract import StoreContract
from tests.stores.faults import LandsLateContract, ServerFaultContract
from tests.stores.sqliterig import SqliteRig


@pytest.fixture(scope="module")
def shared() -> Iterator[SqliteRig]:
    rig = SqliteRig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


@pytest.fixture
def own() -> Iterator[SqliteRig]:
    rig = SqliteRig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def rig(self, shared: SqliteRig) -> SqliteRig:
        return shared


class TestSqliteStoreUnderFaults(ServerFaultContract):
    @pytest.fixture
    def server(self, own: SqliteRig) -> SqliteRig:
        return own


class TestSqliteStoreOnASlowNetwork(LandsLateContract):
    @pytest.fixture
    def server(self, shared: SqliteRig) -> SqliteRig:
        return shared
