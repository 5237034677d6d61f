"""Do login and TLS work with a real etcd, and do wrong ones say what to mend?"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from howdah.ports.store import StoreUnavailable, Versioned
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.etcd.server import LocalEtcd
from howdah.stores.settings import EtcdSettings, EtcdTls
from tests.stores.contract import closing, hint, swap
from tests.stores.etcdrig import START_SECONDS, EtcdRig

PASSWORD = "correct horse"


@pytest.fixture
def rig() -> Iterator[EtcdRig]:
    rig = EtcdRig()
    try:
        yield rig
    finally:
        rig.close()


def _with_login(rig: EtcdRig, password: str, user: str = "root") -> EtcdStore:
    file = rig.root / "password"
    file.write_text(password + "\n")
    return EtcdStore(EtcdSettings((rig.etcd.ports.endpoint,), "test", user=user, password_file=file))


async def _want_logins(rig: EtcdRig) -> None:
    """Make root, and a user who may use the keys of our cluster alone; then switch logins on."""
    keys = {"key": "L2hvd2RhaC90ZXN0Lw==", "range_end": "L2hvd2RhaC90ZXN0MA=="}  # /howdah/test/ to /howdah/test0
    async with closing(rig.client()) as store:
        gateway = rig.client().gateway
        for path, body in (
            ("user/add", {"name": "root", "password": PASSWORD}),
            ("role/add", {"name": "root"}),
            ("user/grant", {"user": "root", "role": "root"}),
            ("user/add", {"name": "howdah", "password": PASSWORD}),
            ("role/add", {"name": "record"}),
            ("role/grant", {"name": "record", "perm": {"permType": "READWRITE", **keys}}),
            ("user/grant", {"user": "howdah", "role": "record"}),
            ("enable", {}),
        ):
            await gateway.write("/v3/auth/" + path, body)
        await gateway.close()
        with pytest.raises(StoreUnavailable, match="set the etcd user and its password"):
            await store.read("record")


def test_a_user_of_few_rights_reads_swaps_and_watches_and_logs_in_again_after_a_restart(rig: EtcdRig) -> None:
    async def scenario() -> None:
        rig.start()
        await _want_logins(rig)
        async with closing(_with_login(rig, PASSWORD, user="howdah")) as store:
            watch = store.watch("record")
            assert await anext(watch) is None
            version = await swap(store, "record", None, "first")
            await hint(watch, "first")
            # A restarted etcd knows none of the logins it gave before.
            rig.kill()
            rig.etcd.start()
            while True:
                try:
                    assert await store.read("record") == Versioned("first", version)
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.02)
            rig.kill()
            rig.etcd.start()
            while True:
                try:
                    version = await swap(store, "record", version, "second")
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.02)
            assert await anext(store.watch("record")) == Versioned("second", version)

    asyncio.run(scenario())


def test_a_password_in_the_settings_and_a_prefix_of_ones_own_are_used(rig: EtcdRig) -> None:
    async def scenario() -> None:
        rig.start()
        await _want_logins(rig)
        settings = EtcdSettings(
            (rig.etcd.ports.endpoint,), "test", user="root", password=PASSWORD, prefix="/databases/howdah/"
        )
        assert PASSWORD not in repr(settings)
        async with closing(EtcdStore(settings)) as store:
            await swap(store, "record", None, "mine")
        async with closing(_with_login(rig, PASSWORD)) as default:
            assert await default.read("record") is None

    asyncio.run(scenario())


def test_a_wrong_password_and_missing_rights_are_told(rig: EtcdRig) -> None:
    async def scenario() -> None:
        rig.start()
        await _want_logins(rig)
        async with closing(_with_login(rig, "wrong")) as store:
            with pytest.raises(StoreUnavailable, match="authentication failed"):
                await store.read("record")
            with pytest.raises(StoreUnavailable, match="authentication failed"):
                await store.compare_and_swap("record", None, "text")
        (rig.root / "password").unlink()
        async with closing(_with_login(rig, PASSWORD)) as store:
            (rig.root / "password").unlink()
            with pytest.raises(StoreUnavailable, match="password cannot be read"):
                await store.read("record")
        password_file = rig.root / "password"
        password_file.write_text(PASSWORD)
        elsewhere = EtcdSettings((rig.etcd.ports.endpoint,), "other", user="howdah", password_file=password_file)
        async with closing(EtcdStore(elsewhere)) as store:
            with pytest.raises(StoreUnavailable, match="permission denied"):
                await store.read("record")
            with pytest.raises(StoreUnavailable, match="permission denied"):
                await store.compare_and_swap("record", None, "text")

    asyncio.run(scenario())


def test_tls_is_used_and_a_server_that_cannot_prove_itself_gets_nothing(rig: EtcdRig) -> None:
    """etcd makes a certificate of its own with --auto-tls: the authority that vouches for it is itself."""
    plain = rig.etcd.ports
    endpoint = f"https://127.0.0.1:{plain.client}"
    urls = ("--listen-client-urls", endpoint, "--advertise-client-urls", endpoint, "--auto-tls")
    rig.etcd = LocalEtcd(rig.root / "etcd", options=urls)
    certificate = rig.root / "etcd" / "data" / "fixtures" / "client" / "cert.pem"

    async def scenario() -> None:
        rig.etcd.start()
        async with asyncio.timeout(START_SECONDS):
            while True:
                if _is_written(certificate):
                    break
                await asyncio.sleep(0.02)
            async with closing(EtcdStore(EtcdSettings((endpoint,), "test", tls=EtcdTls(certificate)))) as store:
                while True:
                    try:
                        await swap(store, "record", None, "secret")
                        break
                    except StoreUnavailable:
                        await asyncio.sleep(0.02)
        async with closing(EtcdStore(EtcdSettings((endpoint,), "test"))) as stranger:
            with pytest.raises(StoreUnavailable, match=r"(?i)certificate"):
                await stranger.compare_and_swap("other", None, "secret")

    asyncio.run(scenario())


def _is_written(certificate: Path) -> bool:
    return certificate.exists() and "END CERTIFICATE" in certificate.read_text()
