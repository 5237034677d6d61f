"""What becomes of the `REPMGR_*` and `POSTGRESQL_*` variables that people have from the Bitnami chart?

Each is a setting of Howdah (`MEANT`), or is ignored for a reason that is reported (`IGNORED`). Every `POSTGRESQL_*`
name also exists as `POSTGRES_*`. Empty ones count as not set: the chart sets many so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from howdah.configuration.environment import SERVICE_LINK
from howdah.configuration.faults import Fault, SettingsRefused
from howdah.configuration.keys import Path
from howdah.configuration.source import Source

CONFIG: Path = ("initial", "config")
PARAMETERS: Path = (*CONFIG, "postgresql", "parameters")
FAMILIES = ("REPMGR_", "REPMGRD_", "POSTGRESQL_")
LOG_LEVELS = {"debug": "debug", "info": "info", "notice": "info", "warning": "warning"}  # others: error
TRUE = frozenset(("yes", "true", "1", "on"))


@dataclass(frozen=True, slots=True)
class Alias:
    """A variable that is a setting. `read` turns its text into the setting's value; None: leaves it unset."""

    path: Path
    read: Callable[[str], Any] = str
    secret: bool = False


def _first_label(host: str) -> str:
    """The pod's name from its full one: "pg-0.pg-headless.dev.svc.cluster.local:5432" is "pg-0"."""
    return host.strip().split(":")[0].split(".")[0]


def _labels(hosts: str) -> list[str]:
    return [_first_label(host) for host in hosts.split(",") if host.strip()]


def _without_repmgr(libraries: str) -> str | None:
    kept = [name.strip() for name in libraries.split(",") if name.strip() not in ("", "repmgr")]
    return ", ".join(kept) or None


def _flag(text: str) -> str:
    return "on" if text.strip().lower() in TRUE else "off"


def _debug(text: str) -> str | None:
    return "debug" if text.strip().lower() in TRUE else None


def _some(text: str) -> str | None:
    return None if text.strip() == "0" else text


def _log_level(text: str) -> str:
    return LOG_LEVELS.get(text.strip().lower(), "error")


def _parameter(name: str, read: Callable[[str], Any] = str) -> Alias:
    return Alias((*PARAMETERS, name), read)


MEANT: Mapping[str, Alias] = {
    "BITNAMI_DEBUG": Alias(("log", "level"), _debug),
    "REPMGR_LOG_LEVEL": Alias(("log", "level"), _log_level),
    "REPMGR_NODE_NAME": Alias(("node", "name"), _first_label),
    "REPMGR_NODE_NETWORK_NAME": Alias(("postgresql", "advertised")),
    "REPMGR_NODE_PRIORITY": Alias(("node", "tags", "priority")),
    "REPMGR_PARTNER_NODES": Alias((*CONFIG, "nodes"), _labels),
    "REPMGR_PRIMARY_HOST": Alias(("initial", "node"), _first_label),
    "REPMGR_FAILOVER": Alias((*CONFIG, "paused"), lambda text: text.strip().lower() == "manual"),
    "REPMGR_PASSWORD": Alias(("secrets", "replication"), secret=True),
    "REPMGR_PORT_NUMBER": Alias(("postgresql", "port")),
    "REPMGRD_START_DELAY": Alias(("node", "start_delay")),
    "POSTGRESQL_PORT_NUMBER": Alias(("postgresql", "port")),
    "POSTGRESQL_POSTGRES_PASSWORD": Alias(("secrets", "superuser"), secret=True),
    "POSTGRESQL_NUM_SYNCHRONOUS_REPLICAS": Alias((*CONFIG, "k"), _some),
    "POSTGRESQL_MAX_CONNECTIONS": _parameter("max_connections"),
    "POSTGRESQL_SHARED_PRELOAD_LIBRARIES": _parameter("shared_preload_libraries", _without_repmgr),
    "POSTGRESQL_STATEMENT_TIMEOUT": _parameter("statement_timeout"),
    "POSTGRESQL_LOG_HOSTNAME": _parameter("log_hostname", _flag),
    "POSTGRESQL_LOG_CONNECTIONS": _parameter("log_connections", _flag),
    "POSTGRESQL_LOG_DISCONNECTIONS": _parameter("log_disconnections", _flag),
    "POSTGRESQL_LOG_LINE_PREFIX": _parameter("log_line_prefix"),
    "POSTGRESQL_LOG_TIMEZONE": _parameter("log_timezone"),
    "POSTGRESQL_TIMEZONE": _parameter("timezone"),
    "POSTGRESQL_PGAUDIT_LOG": _parameter("pgaudit.log"),
    "POSTGRESQL_PGAUDIT_LOG_CATALOG": _parameter("pgaudit.log_catalog", _flag),
    "POSTGRESQL_TCP_KEEPALIVES_IDLE": _parameter("tcp_keepalives_idle"),
    "POSTGRESQL_TCP_KEEPALIVES_INTERVAL": _parameter("tcp_keepalives_interval"),
    "POSTGRESQL_TCP_KEEPALIVES_COUNT": _parameter("tcp_keepalives_count"),
    "POSTGRESQL_DEFAULT_TOAST_COMPRESSION": _parameter("default_toast_compression"),
    "POSTGRESQL_DEFAULT_TRANSACTION_ISOLATION": _parameter("default_transaction_isolation"),
    "POSTGRESQL_ENABLE_TLS": _parameter("ssl", _flag),
    "POSTGRESQL_TLS_CERT_FILE": _parameter("ssl_cert_file"),
    "POSTGRESQL_TLS_KEY_FILE": _parameter("ssl_key_file"),
    "POSTGRESQL_TLS_CA_FILE": _parameter("ssl_ca_file"),
    "POSTGRESQL_TLS_CRL_FILE": _parameter("ssl_crl_file"),
    "POSTGRESQL_TLS_PREFER_SERVER_CIPHERS": _parameter("ssl_prefer_server_ciphers", _flag),
}

_ALWAYS = "Howdah always does that"
_DETECTION = "detection goes by initial.config.policy; slower values would only lengthen an outage"
_REPMGR_ROLE = "there is no repmgr database; replication has a role of its own"
_DIRECTORY = "data lies under node.root; to take an existing data directory over, set initial.adopt"
_APPLICATION = "Howdah makes no application roles or databases: CREATE them on the primary, once"
_CHILDREN = "in mode quorum a primary without its voters acknowledges nothing"
_PROTOCOL = "the safety protocol owns it"

IGNORED: Mapping[str, str] = {
    "REPMGR_NODE_ID": "nodes are known by name",
    "REPMGR_NODE_ID_START_SEED": "nodes are known by name",
    "REPMGR_NODE_LOCATION": "elections go by what each server has, not by location; use node.tags",
    "REPMGR_PRIMARY_PORT": "every node's port is learned from its agent",
    "REPMGR_NAMESPACE": "nodes are reached at their advertised addresses",
    "REPMGR_USERNAME": _REPMGR_ROLE,
    "REPMGR_DATABASE": _REPMGR_ROLE,
    "REPMGR_USE_PASSFILE": "passwords always go through a file that only the server can read",
    "REPMGR_PASSFILE_PATH": "passwords always go through a file that only the server can read",
    "REPMGR_USE_PGREWIND": _ALWAYS,
    "REPMGR_USE_REPLICATION_SLOTS": _ALWAYS,
    "REPMGR_FENCE_OLD_PRIMARY": _ALWAYS,
    "REPMGR_PRIMARY_VISIBILITY_CONSENSUS": _ALWAYS,
    "REPMGR_UPGRADE_EXTENSION": "there is no repmgr extension",
    "REPMGR_PGHBA_TRUST_ALL": "nobody is trusted without a password",
    "REPMGR_CONNECT_TIMEOUT": _DETECTION,
    "REPMGR_RECONNECT_ATTEMPTS": _DETECTION,
    "REPMGR_RECONNECT_INTERVAL": _DETECTION,
    "REPMGR_MASTER_RESPONSE_TIMEOUT": _DETECTION,
    "REPMGR_MONITOR_INTERVAL_SECS": _DETECTION,
    "REPMGR_DEGRADED_MONITORING_TIMEOUT": _DETECTION,
    "REPMGR_CHILD_NODES_CHECK_INTERVAL": _CHILDREN,
    "REPMGR_CHILD_NODES_CONNECTED_MIN_COUNT": _CHILDREN,
    "REPMGR_CHILD_NODES_DISCONNECT_TIMEOUT": _CHILDREN,
    "REPMGR_MONITORING_HISTORY": "see `howdah history` and /metrics",
    "REPMGR_SWITCH_ROLE": "use `howdah switchover`",
    "REPMGR_START_OPTIONS": "there is no repmgrd to start",
    "REPMGR_MOUNTED_CONF_DIR": "settings come from Howdah's own file",
    "REPMGR_DATA_DIR": _DIRECTORY,
    "POSTGRESQL_DATA_DIR": _DIRECTORY,
    "POSTGRESQL_VOLUME_DIR": _DIRECTORY,
    "PGDATA": _DIRECTORY,
    "POSTGRESQL_CLIENT_MIN_MESSAGES": "a router learns from a warning that the outcome of a commit is unknown",
    "POSTGRESQL_DB": _APPLICATION,
    "POSTGRESQL_DATABASE": _APPLICATION,
    "POSTGRESQL_POSTGRES_CONNECTION_LIMIT": "use ALTER ROLE postgres CONNECTION LIMIT",
    "POSTGRESQL_USERNAME_CONNECTION_LIMIT": "use ALTER ROLE ... CONNECTION LIMIT",
    "POSTGRESQL_PGHBA_REMOVE_FILTERS": "Howdah writes pg_hba.conf itself, with SCRAM for everybody",
    "POSTGRESQL_SYNCHRONOUS_REPLICAS_MODE": "a quorum is always ANY k",
    "POSTGRESQL_SYNCHRONOUS_COMMIT_MODE": _PROTOCOL,
    "POSTGRESQL_FSYNC": _PROTOCOL,
    "POSTGRESQL_WAL_LEVEL": _PROTOCOL,
    "POSTGRESQL_PASSWORD_ENCRYPTION": "always scram-sha-256",
    "POSTGRESQL_SHUTDOWN_MODE": "always fast, then a kill after policy.stop_limit",
    "POSTGRESQL_PGCTLTIMEOUT": "see initial.config.policy.start_limit and stop_limit",
    "POSTGRESQL_INIT_MAX_TIMEOUT": "see initial.config.policy.start_limit",
    "POSTGRESQL_PERFORM_RESTORE": "what becomes of a returned server is decided from what it has",
}


@dataclass(frozen=True, slots=True)
class _Variable:
    """One variable of the environment under its `POSTGRESQL_*` name."""

    given: str
    name: str
    value: str
    file: bool


def from_aliases(environment: Mapping[str, str]) -> tuple[Source, tuple[str, ...]]:
    """The settings that aliases make, and one sentence for each that was ignored. Raises SettingsRefused."""
    source, notes = Source({}), []
    owner = environment.get("POSTGRESQL_USERNAME") or environment.get("POSTGRES_USER") or "postgres"
    for given, value in sorted(environment.items()):
        if not value.strip() or SERVICE_LINK.fullmatch(given):
            continue
        variable = _canonical(given, value, owner)
        if alias := MEANT.get(variable.name):
            notes += _apply(source, variable, alias)
        elif variable.name == "REPMGR_NODE_TYPE":
            _refuse_witness(variable)
        elif reason := _reason(variable, owner):
            notes.append(f"{given} is ignored: {reason}")
    return source, tuple(notes)


def _canonical(given: str, value: str, owner: str) -> _Variable:
    name = given
    if name.startswith("POSTGRES_"):
        name = "POSTGRESQL_" + name.removeprefix("POSTGRES_")
    file = name.endswith("_FILE") and name not in MEANT
    name = name.removesuffix("_FILE") if file else name
    if name == "POSTGRESQL_PASSWORD" and owner == "postgres":
        name = "POSTGRESQL_POSTGRES_PASSWORD"
    return _Variable(given, name, value, file)


def _apply(source: Source, variable: _Variable, alias: Alias) -> list[str]:
    if variable.file and not alias.secret:
        return [f"{variable.given} is ignored: only passwords are read from files"]
    path = (*alias.path[:-1], f"{alias.path[-1]}_file") if variable.file else alias.path
    value = variable.value if variable.file else alias.read(variable.value)
    if value is not None and path not in source.origins:
        source.set(path, value, variable.given)
    if variable.name == "POSTGRESQL_NUM_SYNCHRONOUS_REPLICAS" and value is not None:
        source.set((*CONFIG, "mode"), "quorum", variable.given)
    return []


def _refuse_witness(variable: _Variable) -> None:
    if variable.value.strip().lower() != "data":
        sentence = f"is {variable.value!r}: Howdah needs no witness, the store breaks ties; do not start this node"
        raise SettingsRefused([Fault(variable.given, sentence, "the environment")])


def _reason(variable: _Variable, owner: str) -> str:
    """Why a variable is ignored; "" if it is none of the chart's."""
    if variable.name in ("POSTGRESQL_USERNAME", "POSTGRESQL_USER", "POSTGRESQL_PASSWORD"):
        return "" if owner == "postgres" else _APPLICATION
    if variable.name.startswith("POSTGRESQL_SR_CHECK"):
        return "agents need no check user"
    if variable.name in IGNORED:
        return IGNORED[variable.name]
    return "Howdah has no such setting" if variable.given.startswith(FAMILIES) else ""
