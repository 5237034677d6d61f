"""Do settings lead to the right store, and are wrong ones refused with a reason?"""

import asyncio
from pathlib import Path

import pytest

from howdah.stores.etcd.client import EtcdStore
from howdah.stores.open import open_store
from howdah.stores.settings import EtcdSettings, EtcdTls, SqliteSettings, StoreSettings
from howdah.stores.sqlite.client import SqliteStore


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (SqliteSettings(Path("/nowhere")), SqliteStore),
        (EtcdSettings(("http://127.0.0.1:2379",), "main"), EtcdStore),
    ],
)
def test_settings_lead_to_their_store(settings: StoreSettings, kind: type) -> None:
    async def scenario() -> None:
        store = open_store(settings)
        assert isinstance(store, kind)
        await store.close()

    asyncio.run(scenario())


def test_wrong_etcd_settings_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="at least one endpoint"):
        EtcdSettings((), "main")
    with pytest.raises(ValueError, match="must look like http://"):
        EtcdSettings(("127.0.0.1:2379",), "main")
    with pytest.raises(ValueError, match="is not https"):
        EtcdSettings(("http://127.0.0.1:2379",), "main", tls=EtcdTls(Path("ca.pem")))
    with pytest.raises(ValueError, match="cannot stand in an etcd key"):
        EtcdSettings(("http://127.0.0.1:2379",), "a/b")
    with pytest.raises(ValueError, match="together or not at all"):
        EtcdSettings(("http://127.0.0.1:2379",), "main", user="howdah")
    with pytest.raises(ValueError, match="together or not at all"):
        EtcdSettings(("http://127.0.0.1:2379",), "main", user="howdah", password="one", password_file=Path("two"))
    with pytest.raises(ValueError, match="begin and end with '/'"):
        EtcdSettings(("http://127.0.0.1:2379",), "main", prefix="howdah")
    with pytest.raises(ValueError, match="together or not at all"):
        EtcdTls(Path("ca.pem"), certificate=Path("client.pem"))


def test_a_certificate_that_is_missing_is_an_error_at_once() -> None:
    settings = EtcdSettings(("https://127.0.0.1:2379",), "main", tls=EtcdTls(Path("/nowhere/ca.pem")))
    with pytest.raises(OSError, match="No such file"):
        open_store(settings)
