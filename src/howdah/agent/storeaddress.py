"""How do the settings' words for a store become the address that its driver wants?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from howdah.configuration.schema import AnyStore, EtcdStore, KubernetesStore, SqliteStore
from howdah.stores.kubernetes.pod import api_address, own_authority, own_namespace, own_token
from howdah.stores.settings import EtcdSettings, EtcdTls, KubernetesSettings, SqliteSettings, StoreSettings


def store_address(
    store: AnyStore, cluster: str, request_timeout_ms: int, environment: Mapping[str, str] = os.environ
) -> StoreSettings:
    """The same for agents and routers. Raises ValueError for what a pod would know and nobody has set."""
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
        case KubernetesStore() as kubernetes:
            return _kubernetes(kubernetes, cluster, request_timeout_ms, environment)
        case _:
            assert_never(store)


def _kubernetes(
    store: KubernetesStore, cluster: str, request_timeout_ms: int, environment: Mapping[str, str]
) -> KubernetesSettings:
    plain = store.api.startswith("http:")  # a proxy on this machine that shows who it is itself
    token = None if store.cert_file or plain else store.token_file or own_token()
    return KubernetesSettings(
        api=store.api or api_address(environment),
        namespace=store.namespace or own_namespace(),
        cluster=cluster,
        prefix=store.prefix or f"{cluster}-",
        authority=store.ca_file or own_authority(),
        token_file=token,
        certificate=store.cert_file,
        key=store.key_file,
        request_timeout_ms=request_timeout_ms,
    )
