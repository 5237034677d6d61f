"""How does one get from settings to the store they describe?"""

from typing import assert_never

from howdah.ports.store import Store
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.kubernetes.client import KubernetesStore
from howdah.stores.settings import EtcdSettings, KubernetesSettings, SqliteSettings, StoreSettings
from howdah.stores.sqlite.client import SqliteStore


def open_store(settings: StoreSettings) -> Store:
    """A client of the store. Connects when it is first asked. Raises OSError if a certificate cannot be read."""
    match settings:
        case SqliteSettings():
            return SqliteStore(settings)
        case EtcdSettings():
            return EtcdStore(settings)
        case KubernetesSettings():
            return KubernetesStore(settings)
        case _:
            assert_never(settings)
