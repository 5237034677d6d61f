"""How do the settings' words for a store become the address that its driver wants?"""

from pathlib import Path

from howdah.configuration.schema import EtcdStore, SqliteStore
from howdah.stores.settings import EtcdSettings, EtcdTls, SqliteSettings, StoreSettings


def store_address(store: SqliteStore | EtcdStore, cluster: str, request_timeout_ms: int) -> StoreSettings:
    """The same for agents and routers."""
    match store:
        case SqliteStore(directory=directory):
            return SqliteSettings(Path(directory), request_timeout_ms=request_timeout_ms)
        case EtcdStore() as etcd:
            files = (etcd.ca_file, etcd.cert_file, etcd.key_file)
            tls = EtcdTls(*files) if any(files) else None
            return EtcdSettings(
                tuple(etcd.endpoints),
                cluster,
                tls,
                user=etcd.username or None,
                password=etcd.password.get_secret_value() if etcd.password else None,
                prefix=etcd.prefix,
                request_timeout_ms=request_timeout_ms,
            )
