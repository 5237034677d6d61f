"""How does a rule with the method ldap have a password checked? (PostgreSQL's options and their meaning.)

With `ldapprefix` and `ldapsuffix` the name is put between them, and that is bound with the password. With `ldapbasedn`
the name is searched for, and the one entry that is found is bound. RFC 4513 takes a bind without a password for one of
nobody, which succeeds: so an empty password is wrong before anybody is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from howdah.routing.hbatokens import RuleFault

ATTRIBUTE: Final = "uid"
SCOPES: Final = ("base", "one", "sub")
IN_FILTERS: Final = frozenset("*()\\/\0")
"""PostgreSQL takes no name with one of these into a search: it would mean something there."""
_OF_SEARCHES: Final = ("ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter")
_OF_BINDS: Final = ("ldapprefix", "ldapsuffix")
_USERNAME: Final = "$username"


@dataclass(frozen=True, slots=True)
class LdapRule:
    """`servers`: URIs, one after the other until one answers. `base` "": nothing is searched for, `prefix`, name and
    `suffix` are bound. `words`: the search's filter with $username in it. `binds_as`: who searches; "": nobody."""

    servers: tuple[str, ...]
    starts_tls: bool = False
    prefix: str = ""
    suffix: str = ""
    base: str = ""
    scope: str = "sub"
    words: str = f"({ATTRIBUTE}={_USERNAME})"
    binds_as: str = ""
    bind_password: str = field(default="", repr=False)

    def name(self, user: str) -> str:
        """What is bound, where nothing is searched for."""
        return f"{self.prefix}{user}{self.suffix}"

    def search(self, user: str) -> str | None:
        """The filter that finds this user; None: the name cannot be searched for."""
        return None if IN_FILTERS & set(user) else self.words.replace(_USERNAME, user)


def ldap_rule(options: Mapping[str, str], line: str) -> LdapRule:
    """Of a rule's options. Raises RuleFault."""
    if "ldapurl" in options:
        if found := [name for name in options if name in ("ldapserver", "ldapport", "ldapscheme", *_OF_BINDS)]:
            raise RuleFault(f"{line!r}: {found[0]} is said by ldapurl already: leave one of them out")
        options = {**_of_url(options["ldapurl"], line), **options}
    if not options.get("ldapserver"):
        raise RuleFault(f"{line!r}: ldap needs ldapserver or ldapurl")
    scheme = options.get("ldapscheme", "ldap")
    if scheme not in ("ldap", "ldaps"):
        raise RuleFault(f"{line!r}: ldapscheme is ldap or ldaps")
    port = options.get("ldapport") or ("636" if scheme == "ldaps" else "389")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise RuleFault(f"{line!r}: ldapport {port!r} is no port")
    if options.get("ldaptls", "0") not in ("0", "1") or (options.get("ldaptls") == "1" and scheme == "ldaps"):
        raise RuleFault(f"{line!r}: ldaptls is 1 to begin TLS on a connection without it, and goes with ldap only")
    base = options.get("ldapbasedn", "")
    searches, binds = ([n for n in names if n in options] for names in (_OF_SEARCHES, _OF_BINDS))
    if searches and binds:
        raise RuleFault(f"{line!r}: {binds[0]} binds and {searches[0]} searches: it is the one or the other")
    if searches and not base:
        raise RuleFault(f"{line!r}: {searches[0]} needs ldapbasedn, below which is searched")
    if not searches and not binds:
        raise RuleFault(f"{line!r}: ldap needs ldapprefix or ldapsuffix, or ldapbasedn")
    if "ldapsearchattribute" in options and "ldapsearchfilter" in options:
        raise RuleFault(f"{line!r}: ldapsearchattribute and ldapsearchfilter cannot be used together")
    words = options.get("ldapsearchfilter") or f"({options.get('ldapsearchattribute') or ATTRIBUTE}={_USERNAME})"
    return LdapRule(
        tuple(f"{scheme}://{_host(server)}:{port}" for server in options["ldapserver"].split()),
        options.get("ldaptls") == "1",
        options.get("ldapprefix", ""),
        options.get("ldapsuffix", ""),
        base,
        options.get("scope", "sub"),
        words,
        options.get("ldapbinddn", ""),
        options.get("ldapbindpasswd", ""),
    )


def _host(server: str) -> str:
    return f"[{server}]" if ":" in server and not server.startswith("[") else server


def _of_url(url: str, line: str) -> dict[str, str]:
    """ldap://host:port/base?attribute?scope?filter (RFC 4516), as options."""
    scheme, found, rest = url.partition("://")
    if scheme not in ("ldap", "ldaps") or not found:
        raise RuleFault(f"{line!r}: ldapurl begins with ldap:// or ldaps://")
    place, _, rest = rest.partition("/")
    base, attribute, scope, words = [*rest.split("?", 3), "", "", ""][:4]
    host, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = place, ""
    if scope and scope not in SCOPES:
        raise RuleFault(f"{line!r}: the scope of ldapurl is one of {', '.join(SCOPES)}")
    said = {
        "ldapscheme": scheme,
        "ldapserver": host,
        "ldapport": port,
        "ldapbasedn": base,
        "ldapsearchattribute": attribute,
        "scope": scope or "base",
        "ldapsearchfilter": words,
    }
    return {name: value for name, value in said.items() if value}
