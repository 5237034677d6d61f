"""How are a running router's settings shown and changed one by one, under our names and PgBouncer's?"""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from howdah.configuration.document import text_of_value
from howdah.configuration.faults import Fault, SettingsRefused, checked
from howdah.configuration.keys import Key, keys_of, kind_of, meant
from howdah.configuration.router import RouterSettings
from howdah.configuration.routerrelations import router_faults

PGBOUNCER: Final = {
    "admin_users": "login.admins",
    "client_idle_timeout": "limits.client_idle_timeout",
    "client_login_timeout": "limits.login_timeout",
    "default_pool_size": "pools.size",
    "idle_transaction_timeout": "limits.transaction_idle_timeout",
    "listen_addr": "listen.listen",
    "listen_port": "listen.port",
    "max_client_conn": "limits.clients",
    "max_db_client_connections": "limits.clients_per_database",
    "max_prepared_statements": "pools.prepared_max",
    "max_user_client_connections": "limits.clients_per_user",
    "min_pool_size": "pools.min_size",
    "pool_mode": "pools.mode",
    "query_timeout": "limits.query_timeout",
    "query_wait_timeout": "pools.wait_timeout",
    "reserve_pool_size": "pools.reserve",
    "reserve_pool_timeout": "pools.reserve_after",
    "server_check_delay": "pools.check_after",
    "server_connect_timeout": "pools.connect_timeout",
    "server_idle_timeout": "pools.idle_timeout",
    "server_lifetime": "pools.lifetime",
    "stats_users": "login.observers",
    "unix_socket_dir": "listen.socket_directory",
}
"""PgBouncer's name for a key. Its times are numbers of seconds."""
ABSENT: Final = {"max_db_connections": "0", "max_user_connections": "0", "stats_period": "60"}
"""What dashboards ask for and has no key here: PgBouncer's "no limit", and the period of averages."""


def shown(settings: RouterSettings) -> Iterator[tuple[str, str, str, str]]:
    """(name, value, default, key) of each setting; secrets are not told. Those with PgBouncer's names come first."""
    keys = {key.dotted: key for key in keys_of(RouterSettings) if not key.variant}
    for name, dotted in PGBOUNCER.items():
        key = keys[dotted]
        yield name, _seconds(key, _value(settings, key)), _seconds(key, _default(key)), dotted
    for name, value in ABSENT.items():
        yield name, value, value, ""
    for dotted, key in keys.items():
        yield dotted, _text(key, _value(settings, key)), _text(key, _default(key)), dotted


def with_value(settings: RouterSettings, name: str, text: str) -> RouterSettings:
    """The settings with one of them changed. Raises SettingsRefused."""
    keys = {key.dotted: key for key in keys_of(RouterSettings) if not key.variant}
    dotted = PGBOUNCER.get(name, name)
    key = keys.get(dotted)
    if key is None:
        raise SettingsRefused((Fault(name, f"is no setting of a router{meant(name, (*keys, *PGBOUNCER))}"),))
    if name in PGBOUNCER and kind_of(key.field) == "duration" and text.isdecimal():
        text += "s"
    try:
        changed: RouterSettings = _with(settings, key.path, text)
    except SettingsRefused as refused:
        raise SettingsRefused(Fault(name, fault.sentence) for fault in refused.faults) from None
    faults = tuple(router_faults(changed))
    if faults:
        raise SettingsRefused(faults)
    return changed


def _with(section: Any, path: tuple[str, ...], text: str) -> Any:
    """The section with the value below it. Raises SettingsRefused."""
    kind: type[BaseModel] = type(section)
    name = next(field for field, info in kind.model_fields.items() if (info.alias or field) == path[0])
    if len(path) > 1:
        return section.model_copy(update={name: _with(getattr(section, name), path[1:], text)})
    return section.model_copy(update={name: getattr(checked(kind, {path[0]: text}), name)})


def _value(settings: Any, key: Key) -> Any:
    for step in key.path:
        if settings is None:
            return None
        kind: type[BaseModel] = type(settings)
        settings = getattr(settings, next(n for n, info in kind.model_fields.items() if (info.alias or n) == step))
    return settings


def _default(key: Key) -> Any:
    value = key.field.get_default(call_default_factory=True, validated_data={})
    return None if value is PydanticUndefined else value


def _text(key: Key, value: Any) -> str:
    if key.secret:
        return "(hidden)" if value is not None else ""
    return text_of_value(key, value)


def _seconds(key: Key, value: Any) -> str:
    """As PgBouncer writes it."""
    if kind_of(key.field) == "duration" and value is not None:
        return f"{value / 1000:g}"
    return _text(key, value)
