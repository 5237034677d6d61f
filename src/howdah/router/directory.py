"""Is a password right, as an LDAP directory sees it?

python-ldap waits for its answers, so each question has a thread; there are few, so that a directory that hangs costs
nothing but the logins that ask it. Certificates are checked as the machine's ldap.conf says (TLS_CACERT).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog

from howdah.routing.ldaprule import LdapRule

try:
    import ldap
except ImportError:  # the extra howdah[ldap] is not installed
    ldap = None

THREADS: Final = 8
LIMIT_S: Final = 5.0
"""For each step of a question."""
log = structlog.get_logger(__name__)


def is_there() -> bool:
    """Whether directories can be asked at all."""
    return ldap is not None


class Directories:
    """Asks them. Each question has a connection of its own, since a bind belongs to its connection."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "ldap")

    async def check(self, rule: LdapRule, user: str, password: bytes) -> str:
        """ "" if that is this user's password, else why it is not taken for it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _check, rule, user, password)

    def close(self) -> None:
        """Ask nothing more; what is under way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _check(rule: LdapRule, user: str, password: bytes) -> str:
    if ldap is None:
        return "python-ldap is not installed: pip install 'howdah[ldap]'"
    if not password:
        return "an empty password is nobody's"
    why = "no server was named"
    for server in rule.servers:
        try:
            return _ask(server, rule, user, password)
        except (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.CONNECT_ERROR, ldap.UNAVAILABLE, ldap.BUSY) as away:
            why = f"{server} does not answer: {_words(away)}"
            log.warning(why, part="logins")
        except ldap.LDAPError as error:
            return f"{server} refuses: {_words(error)}"
    return why


def _ask(server: str, rule: LdapRule, user: str, password: bytes) -> str:
    connection = ldap.initialize(server)
    try:
        connection.set_option(ldap.OPT_PROTOCOL_VERSION, 3)
        connection.set_option(ldap.OPT_REFERRALS, 0)
        connection.set_option(ldap.OPT_NETWORK_TIMEOUT, LIMIT_S)
        connection.set_option(ldap.OPT_TIMEOUT, LIMIT_S)
        if rule.starts_tls:
            connection.start_tls_s()
        name = rule.name(user)
        if rule.base:
            found = _find(connection, rule, user)
            if found is None:
                return f"there is not exactly one entry for {user!r} below {rule.base}"
            name = found
        try:
            connection.simple_bind_s(name, password)
        except ldap.INVALID_CREDENTIALS:
            return f"{server} says that the password is wrong, or that there is no {name}"
        return ""
    finally:
        connection.unbind_ext_s()


def _find(connection: Any, rule: LdapRule, user: str) -> str | None:
    """The one entry of that user; None if there is none, or more than one."""
    words = rule.search(user)
    if words is None:
        return None
    connection.simple_bind_s(rule.binds_as, rule.bind_password)
    scope = {"base": ldap.SCOPE_BASE, "one": ldap.SCOPE_ONELEVEL, "sub": ldap.SCOPE_SUBTREE}[rule.scope]
    answers = connection.search_ext_s(rule.base, scope, words, ["1.1"], sizelimit=2)
    entries = [name for name, _ in answers if name is not None]  # without references to other servers
    return entries[0] if len(entries) == 1 else None


def _words(error: Exception) -> str:
    """python-ldap's errors carry a dictionary."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return "; ".join(str(told[key]) for key in ("desc", "info") if key in told) or str(error)
