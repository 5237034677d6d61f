"""What becomes, on a router, of the `PGPOOL_*` variables that people have from the Bitnami chart?

As in `aliases.py`: each is a setting, or is ignored for a reason that is reported. Empty ones count as not set.
"""

from collections.abc import Mapping

from howdah.configuration.aliases import TRUE, Alias
from howdah.configuration.environment import SERVICE_LINK
from howdah.configuration.source import Source

FAMILY = "PGPOOL_"


def _seconds(text: str) -> str | None:
    return None if text.strip() == "0" else f"{text.strip()}s"


def _if_off(word: str, text: str) -> str | None:
    return None if text.strip().lower() in TRUE else word


def _reads(text: str) -> str | None:
    return _if_off("primary", text)


def _mode(text: str) -> str | None:
    return _if_off("session", text)


def _tls(text: str) -> str | None:
    return "allow" if text.strip().lower() in TRUE else None


def _reserved(text: str) -> str:
    return str(max(3, int(text))) if text.strip().isdecimal() else text


MEANT: Mapping[str, Alias] = {
    "PGPOOL_PORT_NUMBER": Alias(("listen", "port")),
    "PGPOOL_SR_CHECK_PASSWORD": Alias(("secrets", "router"), secret=True),
    "PGPOOL_NUM_INIT_CHILDREN": Alias(("limits", "clients")),
    "PGPOOL_RESERVED_CONNECTIONS": Alias(("limits", "reserved"), _reserved),
    "PGPOOL_CLIENT_IDLE_LIMIT": Alias(("limits", "client_idle_timeout"), _seconds),
    "PGPOOL_CONNECTION_LIFE_TIME": Alias(("pools", "idle_timeout"), _seconds),
    "PGPOOL_ENABLE_CONNECTION_CACHE": Alias(("pools", "mode"), _mode),
    "PGPOOL_ENABLE_LOAD_BALANCING": Alias(("routing", "reads"), _reads),
    "PGPOOL_ENABLE_TLS": Alias(("tls", "clients", "mode"), _tls),
    "PGPOOL_TLS_CERT_FILE": Alias(("tls", "clients", "cert_file")),
    "PGPOOL_TLS_KEY_FILE": Alias(("tls", "clients", "key_file")),
    "PGPOOL_TLS_CA_FILE": Alias(("tls", "clients", "ca_file")),
}

_LOGINS = "every role of PostgreSQL can log in, checked by PostgreSQL's own verifiers"
_PROBES = "how servers are watched is the section knowledge"
_AGENTS = "agents elect and follow by themselves"
_CHILDREN = "there are no child processes"
_LDAP = "nothing asks LDAP"

IGNORED: Mapping[str, str] = {
    "PGPOOL_BACKEND_NODES": "servers are known from the cluster's record",
    "PGPOOL_SR_CHECK_USER": "routers look with the role howdah_router",
    "PGPOOL_SR_CHECK_DATABASE": "routers look in the database postgres",
    "PGPOOL_SR_CHECK_PERIOD": _PROBES,
    "PGPOOL_HEALTH_CHECK_PERIOD": _PROBES,
    "PGPOOL_HEALTH_CHECK_TIMEOUT": _PROBES,
    "PGPOOL_HEALTH_CHECK_MAX_RETRIES": _PROBES,
    "PGPOOL_HEALTH_CHECK_RETRY_DELAY": _PROBES,
    "PGPOOL_HEALTH_CHECK_PSQL_TIMEOUT": _PROBES,
    "PGPOOL_CONNECT_TIMEOUT": "see pools.connect_timeout",
    "PGPOOL_POSTGRES_USERNAME": _LOGINS,
    "PGPOOL_POSTGRES_PASSWORD": _LOGINS,
    "PGPOOL_POSTGRES_CUSTOM_USERS": _LOGINS,
    "PGPOOL_POSTGRES_CUSTOM_PASSWORDS": _LOGINS,
    "PGPOOL_AUTHENTICATION_METHOD": _LOGINS,
    "PGPOOL_ENABLE_POOL_HBA": "see login.hba",
    "PGPOOL_ENABLE_POOL_PASSWD": _LOGINS,
    "PGPOOL_AES_KEY": "no passwords are kept",
    "PGPOOL_USER_CONF_FILE": "settings come from Howdah's own file",
    "PGPOOL_USER_HBA_FILE": "see login.hba",
    "PGPOOL_ADMIN_USERNAME": "see login.admins",
    "PGPOOL_ADMIN_PASSWORD": "admins log in with their PostgreSQL password",
    "PGPOOL_DISABLE_LOAD_BALANCE_ON_WRITE": "a session reads its own writes, wherever: see routing.consistency",
    "PGPOOL_ENABLE_STATEMENT_LOAD_BALANCING": "always so",
    "PGPOOL_MAX_POOL": "connections are shared between clients: see pools.size",
    "PGPOOL_CHILD_MAX_CONNECTIONS": _CHILDREN,
    "PGPOOL_CHILD_LIFE_TIME": _CHILDREN,
    "PGPOOL_ENABLE_LOG_CONNECTIONS": "see log.level",
    "PGPOOL_ENABLE_LOG_HOSTNAME": "addresses are logged",
    "PGPOOL_ENABLE_LOG_PCP_PROCESSES": "there are no PCP processes",
    "PGPOOL_ENABLE_LOG_PER_NODE_STATEMENT": "SHOW ROUTE says where a statement goes",
    "PGPOOL_LOG_LINE_PREFIX": "see log.format",
    "PGPOOL_TLS_PREFER_SERVER_CIPHERS": "ciphers are those of the TLS library",
    "PGPOOL_AUTO_FAILBACK": _AGENTS,
    "PGPOOL_FAILOVER_ON_BACKEND_SHUTDOWN": _AGENTS,
    "PGPOOL_FAILOVER_ON_BACKEND_ERROR": _AGENTS,
    "PGPOOL_DISCARD_STATUS": "a router keeps no state",
    "PGPOOL_ENABLE_LDAP": _LDAP,
}


def from_pgpool(environment: Mapping[str, str]) -> tuple[Source, tuple[str, ...]]:
    """The settings that the variables make, and one sentence for each that is ignored."""
    source, notes = Source({}), []
    for given, value in sorted(environment.items()):
        if not given.startswith(FAMILY) or not value.strip() or SERVICE_LINK.fullmatch(given):
            continue
        file = given.endswith("_FILE") and given not in {**MEANT, **IGNORED}
        name = given.removesuffix("_FILE") if file else given
        alias = MEANT.get(name)
        if alias is None:
            notes.append(f"{given} is ignored: {IGNORED.get(name, 'Howdah has no such setting')}")
        elif file and alias.secret:
            source.set((*alias.path[:-1], f"{alias.path[-1]}_file"), value, given)
        elif file:
            notes.append(f"{given} is ignored: only passwords are read from files")
        elif (meant := alias.read(value)) is not None:
            source.set(alias.path, meant, given)
    return source, tuple(notes)
