"""Does an etcd of our own come up where it was, and say why when it cannot?"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from howdah.stores.etcd.server import EtcdFailed, LocalEtcd, find_etcd
from tests.stores.contract import closing, swap
from tests.stores.etcdrig import START_SECONDS, EtcdRig


@pytest.fixture
def rig() -> Iterator[EtcdRig]:
    rig = EtcdRig()
    try:
        yield rig
    finally:
        rig.close()


def test_the_program_on_the_path_comes_before_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "etcd"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", directory)
        assert find_etcd() == program
        monkeypatch.setenv("PATH", "")
        assert find_etcd() != program


def test_it_stops_and_comes_back_on_its_ports_with_its_documents(rig: EtcdRig) -> None:
    rig.start()
    process = psutil.Process(rig.pid)
    assert any(str(rig.root) in argument for argument in process.cmdline())

    async def write() -> None:
        async with closing(rig.client()) as store:
            await swap(store, "record", None, "kept")

    asyncio.run(write())
    rig.etcd.stop()
    assert not process.is_running()
    ports = rig.etcd.ports
    rig.etcd = LocalEtcd(rig.root / "etcd")
    assert rig.etcd.ports == ports
    rig.start()

    async def read() -> None:
        async with closing(rig.client()) as store:
            document = await store.read("record")
            assert document is not None
            assert document.text == "kept"

    asyncio.run(read())


def test_a_second_one_on_the_same_directory_fails_with_its_last_words(rig: EtcdRig) -> None:
    rig.start()
    second = LocalEtcd(rig.root / "etcd")
    second.start()
    try:
        # The first one answers on that address; what counts is that ours has ended.
        assert second.pid is not None
        assert os.waitid(os.P_PID, second.pid, os.WEXITED | os.WNOWAIT) is not None
        with pytest.raises(EtcdFailed, match="address already in use"):
            asyncio.run(second.wait_until_healthy(START_SECONDS))
    finally:
        second.kill()
