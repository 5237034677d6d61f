"""Do a router's settings that are each allowed also fit each other?"""

from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec

from howdah.configuration.faults import Fault
from howdah.configuration.relations import store_faults
from howdah.configuration.router import ListenSettings, RouterSettings, TlsSettings
from howdah.configuration.words import parse_address
from howdah.routing.hba import Method, parse_rules
from howdah.routing.hbatokens import RuleFault
from howdah.routing.identmap import parse_maps
from howdah.values.member import check_name


def router_faults(settings: RouterSettings) -> Iterator[Fault]:
    """What does not fit in one router's settings."""
    yield from _sources(settings)
    yield from _ports(settings.listen, settings.health.port)
    yield from _tls(settings.tls)
    yield from _login(settings)
    yield from _sizes(settings)
    yield from _times(settings)
    if settings.secrets.router is None:
        yield Fault(
            "secrets.router",
            "is required: the password of the role howdah_router; every agent keeps it in secrets/router below its "
            "node.root, so set secrets.router_file to a copy of that file",
        )
    for name in settings.routing.weights:
        try:
            check_name(name)
        except ValueError as wrong:
            yield Fault("routing.weights", str(wrong))


def _sources(settings: RouterSettings) -> Iterator[Fault]:
    if settings.store is None and not settings.agents.addresses:
        yield Fault("store", "and agents.addresses are both unset: give one, or the router cannot know who leads")
    if settings.store is not None and settings.agents.addresses:
        yield Fault("agents.addresses", "and store are both set; keep the store, or take it out to ask the agents")
    for text in settings.agents.addresses:
        try:
            if not parse_address(text).port:
                yield Fault("agents.addresses", f"has {text!r}, which has no port; such as {text}:8008")
        except ValueError as wrong:
            yield Fault("agents.addresses", f"has {text!r}, which {wrong}")
    yield from store_faults(settings.store)


def _ports(listen: ListenSettings, health: int) -> Iterator[Fault]:
    named = {
        "listen.port": listen.port,
        "listen.read_write_port": listen.read_write_port,
        "listen.read_only_port": listen.read_only_port,
        "listen.any_port": listen.any_port,
        "health.port": health,
    }
    counts = Counter(port for port in named.values() if port)
    for key, port in named.items():
        first = next(other for other, there in named.items() if there == port)
        if counts[port] > 1 and key != first:
            yield Fault(key, f"is {port}, which is {first} too; give it another")
    if listen.socket_directory is not None and not listen.socket_directory.is_absolute():
        yield Fault("listen.socket_directory", f"is {str(listen.socket_directory)!r}; it must be an absolute path")


def _tls(tls: TlsSettings) -> Iterator[Fault]:
    for side, found in (("clients", tls.clients), ("servers", tls.servers)):
        if (found.cert_file is None) != (found.key_file is None):
            yield Fault(f"tls.{side}.cert_file", f"and tls.{side}.key_file go together; one of them is missing")
    clients, servers = tls.clients, tls.servers
    if clients.mode != "disable" and clients.cert_file is None:
        yield Fault("tls.clients.mode", f"is {clients.mode!r}, which needs tls.clients.cert_file and key_file")
    if clients.client_certificates != "ignore" and clients.ca_file is None:
        yield Fault("tls.clients.client_certificates", f"is {clients.client_certificates!r}, which needs a ca_file")
    if servers.mode.startswith("verify") and servers.ca_file is None:
        yield Fault("tls.servers.mode", f"is {servers.mode!r}, which needs tls.servers.ca_file")


def _login(settings: RouterSettings) -> Iterator[Fault]:
    """Rules that would refuse whom they are for."""
    try:
        maps = parse_maps(settings.login.ident)
    except RuleFault as fault:
        yield Fault("login.ident", f"cannot be used: {fault}")
        return
    try:
        rules = parse_rules(settings.login.hba).rules
    except RuleFault as fault:
        yield Fault("login.hba", f"cannot be used: {fault}")
        return
    for rule in rules:
        wanted = rule.options.get("map", "")
        if wanted and wanted not in maps.names:
            yield Fault("login.hba", f"has {rule.line!r}, whose map {wanted!r} is not in login.ident")
        if rule.wants_certificate and settings.tls.clients.client_certificates == "ignore":
            yield Fault(
                "login.hba", f"has {rule.line!r}, which needs tls.clients.client_certificates: allow or require"
            )
        if rule.method is Method.LDAP and find_spec("ldap") is None:
            yield Fault(
                "login.hba",
                f"has {rule.line!r}, and python-ldap is not installed: pip install 'howdah[ldap]' (it is built from "
                "source, which needs a C compiler and, on Debian, libldap2-dev and libsasl2-dev), or use scram-sha-256",
            )


def _sizes(settings: RouterSettings) -> Iterator[Fault]:
    pools, limits = settings.pools, settings.limits
    if pools.min_size > pools.size:
        yield Fault("pools.min_size", f"is {pools.min_size}; it must be at most pools.size, {pools.size}")
    if limits.reserved >= limits.clients:
        yield Fault("limits.reserved", f"is {limits.reserved}; it must be below limits.clients, {limits.clients}")


def _times(settings: RouterSettings) -> Iterator[Fault]:
    """Knowledge that lives shorter than it takes to renew it would stop every write now and then."""
    known = settings.knowledge
    zero = {
        "limit": known.limit_ms,
        "poll_interval": known.poll_interval_ms,
        "probe_interval": known.probe_interval_ms,
        "sample_interval": known.sample_interval_ms,
        "sample_idle_interval": known.sample_idle_interval_ms,
        "store_timeout": known.store_timeout_ms,
        "probe_timeout": known.probe_timeout_ms,
    }
    for name, value in zero.items():
        if value <= 0:
            yield Fault(f"knowledge.{name}", "must be larger than 0")
    if known.probe_interval_ms + known.probe_timeout_ms >= known.limit_ms:
        yield Fault(
            "knowledge.limit",
            f"is {known.limit_ms} ms; it must be larger than probe_interval and probe_timeout together, "
            f"{known.probe_interval_ms + known.probe_timeout_ms} ms: one slow answer must not stop writes",
        )
    if known.poll_interval_ms + known.store_timeout_ms >= known.limit_ms:
        yield Fault(
            "knowledge.limit",
            f"is {known.limit_ms} ms; it must be larger than poll_interval and store_timeout together, "
            f"{known.poll_interval_ms + known.store_timeout_ms} ms: one slow answer must not stop writes",
        )
    if known.sample_interval_ms > known.sample_idle_interval_ms:
        yield Fault("knowledge.sample_interval", "must not be larger than knowledge.sample_idle_interval")
