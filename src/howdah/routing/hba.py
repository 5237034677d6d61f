"""Who may log in to the router from where, and how does he show who he is?

Rules as in pg_hba.conf, one a line: the first that fits decides, and if none does, nobody gets in. They are the
router's own: PostgreSQL sees only the router's address. What a router cannot do is refused when the settings are read,
with the line, and never skipped: a rule that is left out would let the next one decide.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from howdah.routing.credentials import NAME_BYTES_MAX, bytes_in
from howdah.routing.hbatokens import Field, Item, RuleFault, compiled, each_line
from howdah.routing.ldaprule import ldap_rule

Ip = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_RULES = (
    "local all all scram-sha-256",
    "local replication all scram-sha-256",
    "host all all all scram-sha-256",
    "host replication all all scram-sha-256",
)
"""Everybody with a password, as the servers' own rules. Not `peer` for local clients: they would be let in, and then
the router could not log in to the servers for them, who ask for a password."""


class Method(StrEnum):
    """How a client shows who it is."""

    TRUST = "trust"
    REJECT = "reject"
    SCRAM = "scram-sha-256"
    MD5 = "md5"
    """SCRAM for those whose verifier is one, MD5 for roles that still have an MD5 hash."""
    PEER = "peer"
    CERT = "cert"
    LDAP = "ldap"


NOT_HERE = ("password", "gss", "sspi", "ident", "pam", "radius", "bsd", "oauth")
"""Methods of PostgreSQL that the router does not have. `password` would send it in the clear and have the router derive
keys from it, which takes milliseconds; every client that knows a password knows SCRAM."""

_KINDS = ("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
_CERTIFICATE_OPTIONS = frozenset(("clientcert", "clientname"))
_LDAP_OPTIONS = frozenset(
    (
        "ldapserver",
        "ldapport",
        "ldapscheme",
        "ldaptls",
        "ldapprefix",
        "ldapsuffix",
        "ldapbasedn",
        "ldapbinddn",
        "ldapbindpasswd",
        "ldapsearchattribute",
        "ldapsearchfilter",
        "ldapurl",
    )
)
_OPTIONS: Mapping[Method, frozenset[str]] = {
    Method.PEER: frozenset(("map",)),
    Method.CERT: frozenset(("map",)),
    Method.LDAP: _LDAP_OPTIONS,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as it is known before he proved anything. `address` None: the Unix socket. `member_of`: the
    roles that his role is a member of, itself left out."""

    user: str
    database: str
    address: Ip | None = None
    tls: bool = False
    physical_replication: bool = False
    member_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One line. `network` None: every address."""

    line: str
    kind: str
    databases: Field
    users: Field
    network: Network | None
    method: Method
    options: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict, repr=False)

    def fits(self, caller: Caller) -> bool:
        """Whether it decides about this caller."""
        return (
            self._fits_way(caller)
            and any(self._fits_database(item, caller) for item in self.databases)
            and any(self._fits_user(item, caller) for item in self.users)
        )

    @property
    def wants_certificate(self) -> bool:
        """Whether the client has to show a certificate that our authority signed."""
        return self.method is Method.CERT or "clientcert" in self.options

    @property
    def certificate_names_user(self) -> bool:
        """Whether that certificate has to be the role's own."""
        return self.method is Method.CERT or self.options.get("clientcert") == "verify-full"

    def _fits_way(self, caller: Caller) -> bool:
        if (self.kind == "local") != (caller.address is None):
            return False
        if (self.kind == "hostssl" and not caller.tls) or (self.kind == "hostnossl" and caller.tls):
            return False
        if self.kind == "hostgssenc":
            return False  # the router never encrypts with GSSAPI
        return self.network is None or (caller.address is not None and caller.address in self.network)

    def _fits_database(self, item: Item, caller: Caller) -> bool:
        if item.is_word("replication"):
            return caller.physical_replication
        if caller.physical_replication:
            return False  # only that word stands for it, "all" does not
        if item.is_word("all"):
            return True
        if item.is_word("sameuser"):
            return caller.database == caller.user
        if item.is_word("samerole") or item.is_word("samegroup"):
            return caller.database == caller.user or caller.database in caller.member_of
        return self._is(item, caller.database)

    def _fits_user(self, item: Item, caller: Caller) -> bool:
        if item.is_word("all"):
            return True
        if item.text.startswith("+") and not item.quoted:
            return caller.user == item.text[1:] or item.text[1:] in caller.member_of
        return self._is(item, caller.user)

    def _is(self, item: Item, name: str) -> bool:
        if item.pattern is None:
            return item.text == name
        return bytes_in(name) <= NAME_BYTES_MAX and self.patterns[item.pattern].search(name) is not None


class AccessRules:
    """The rules in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)

    def first(self, caller: Caller) -> Rule | None:
        """The rule that decides; None: nobody is let in."""
        for rule in self.rules:
            if rule.fits(caller):
                return rule
        return None


def parse_rules(lines: Sequence[str]) -> AccessRules:
    """From the settings. Raises RuleFault."""
    return AccessRules(each_line(lines, "access rule", _rule))


def peer_address(text: str) -> Ip | None:
    """A client's address as its socket tells it; None for a Unix socket (""). IPv4 that came over an IPv6 socket is
    IPv4, and a zone ("%eth0") is left out."""
    if not text:
        return None
    address = ip_address(text.partition("%")[0])
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _rule(line: str, fields: list[Field]) -> Rule:
    kind = _single(fields[0], line)
    if kind not in _KINDS:
        raise RuleFault(f"{line!r} begins with {kind!r}; it must be one of {', '.join(_KINDS)}")
    rest = fields[1:]
    if len(rest) < (3 if kind == "local" else 4):
        raise RuleFault(f"{line!r} is too short: type, database, user, address (not for local), method")
    databases, users, rest = rest[0], rest[1], rest[2:]
    network = None
    if kind != "local":
        network, rest = _network(line, rest)
    if not rest:
        raise RuleFault(f"{line!r} has no method")
    method = _method(_single(rest[0], line), line)
    rule = Rule(
        line, kind, databases, users, network, method, _options(rest[1:], line), _patterns(line, databases, users)
    )
    _check(rule)
    return rule


def _single(items: Field, line: str) -> str:
    if len(items) != 1:
        raise RuleFault(f"{line!r}: {', '.join(item.text for item in items)!r} cannot be a list")
    return items[0].text


def _network(line: str, rest: list[Field]) -> tuple[Network | None, list[Field]]:
    """The address field, and the mask if it is one of its own; and what follows them."""
    text = _single(rest[0], line)
    if rest[0][0].is_word("all"):
        return None, rest[1:]
    if text in ("samehost", "samenet"):
        raise RuleFault(f"{line!r}: {text} is not known here; write the addresses")
    mask = _single(rest[1], line) if "/" not in text and len(rest) > 1 else ""
    try:
        if "/" not in text:
            ip_address(text)
    except ValueError:
        raise RuleFault(f"{line!r}: {text!r} is no address, and names are not looked up: write its numbers") from None
    try:
        if "/" in text:
            return ip_network(text, strict=False), rest[1:]
        if not re.fullmatch(r"[0-9a-fA-F.:]+", mask):
            raise RuleFault(
                f"{line!r}: an address needs its mask: {text}/{32 if '.' in text else 128} for this one alone"
            )
        bits = bin(int(ip_address(mask)))[2:].count("1")
        return ip_network(f"{text}/{mask if '.' in mask else bits}", strict=False), rest[2:]
    except ValueError as error:
        raise RuleFault(f"{line!r}: {text!r} is no network ({error})") from None


def _method(word: str, line: str) -> Method:
    if word in NOT_HERE:
        raise RuleFault(f"{line!r}: the router has no method {word}; it has {', '.join(Method)}")
    try:
        return Method(word)
    except ValueError:
        raise RuleFault(f"{line!r}: there is no method {word!r}; the router has {', '.join(Method)}") from None


def _options(rest: list[Field], line: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for items in rest:
        name, equals, value = ",".join(item.text for item in items).partition("=")
        if not equals or not name or name in options:
            raise RuleFault(f"{line!r}: {name!r} must be an option name=value, and given once")
        options[name] = value
    return options


def _patterns(line: str, *fields: Field) -> dict[str, re.Pattern[str]]:
    found = (item.pattern for items in fields for item in items)
    return {pattern: compiled(pattern, line) for pattern in found if pattern is not None}


def _check(rule: Rule) -> None:
    """What cannot be meant, or would be unsafe."""
    line, method, options = rule.line, rule.method, rule.options
    for item in (*rule.databases, *rule.users):
        if item.text.startswith("@") and not item.quoted:
            raise RuleFault(f"{line!r}: files of names ({item.text}) are not read; write the names")
    if method is Method.PEER and rule.kind != "local":
        raise RuleFault(f"{line!r}: peer is for local: over a network nobody knows the other's account")
    if rule.wants_certificate and rule.kind != "hostssl":
        raise RuleFault(f"{line!r}: a client's certificate is seen with TLS only: begin the rule with hostssl")
    if method is Method.LDAP and rule.kind not in ("hostssl", "local"):
        raise RuleFault(f"{line!r}: ldap has the client send its password as it is: begin the rule with hostssl")
    if method is Method.LDAP:
        ldap_rule({name: options[name] for name in _LDAP_OPTIONS if name in options}, line)
    known = _OPTIONS.get(method, frozenset()) | _CERTIFICATE_OPTIONS
    if unknown := [name for name in options if name not in known]:
        raise RuleFault(f"{line!r}: {method} has no option {unknown[0]!r}")
    if options.get("clientcert", "verify-ca") not in ("verify-ca", "verify-full"):
        raise RuleFault(f"{line!r}: clientcert is verify-ca or verify-full")
    if method is Method.CERT and options.get("clientcert") == "verify-ca":
        raise RuleFault(f"{line!r}: cert always compares the name: leave clientcert=verify-ca out")
    if options.get("clientname", "CN") not in ("CN", "DN"):
        raise RuleFault(f"{line!r}: clientname is CN or DN")
    if "clientname" in options and not rule.certificate_names_user:
        raise RuleFault(f"{line!r}: clientname says what is compared: it needs cert or clientcert=verify-full")
