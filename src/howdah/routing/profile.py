"""Which settings does a session go by, and what must be said to a server connection that goes by others?

A profile is interned: two sessions with the same settings have the same object, so that whether a connection fits is
one comparison of identities.
"""

from __future__ import annotations

from howdah.routing.route import Route
from howdah.routing.wishes import ROUTE, is_wish, wishes_of

Settings = tuple[tuple[str, str], ...]

ALONE = frozenset(
    (
        ("default_transaction_isolation", "serializable"),
        *(("standard_conforming_strings", word) for word in ("off", "false", "no", "0", "f", "n")),
    )
)
"""Settings with which everything of a session goes to the primary."""


READING = frozenset(
    (
        "array_nulls",
        "backslash_quote",
        "datestyle",
        "intervalstyle",
        "lc_monetary",
        "standard_conforming_strings",
        "timezone",
        "transform_null_equals",
        "xmloption",
    )
)
"""By these a server reads the literals of a statement, once, when it is prepared: 01/02/2024 is in January or in
February. (Names are looked up again when search_path has changed, by PostgreSQL itself.)"""
READ_ONLY = "default_transaction_read_only"
APPLICATION_NAME = "application_name"
APPLICATION_NAME_BYTES_MAX = 63
"""PostgreSQL cuts a longer one."""


class Profile:
    """`settings`: name and value of each that differs from what the server gives a new connection; sorted by name.
    `role` and `session_authorization` are among them. Compared by identity: see `Profiles`.

    `wishes`: those of the settings that are for the router. `on_server`: what a server is told of it; a session that
    goes to standbys must not write on one that has just become the primary either. `spreads`: whether its reads may go
    to standbys: these know no SERIALIZABLE, and where backslashes escape, texts mean something else than they were read
    as. `reading`: how it reads literals; sessions that differ in it share no prepared statement."""

    def __init__(self, settings: Settings, on_server: Profile | None = None) -> None:
        self.settings = settings
        self.wishes = wishes_of(settings)
        self.on_server = on_server or self
        self.spreads = not any((name, value.lower()) in ALONE for name, value in settings)
        self.reading = "\0".join(f"{name}\0{value}" for name, value in settings if name.lower() in READING).encode(
            "utf-8", "surrogateescape"
        )

    def get(self, name: str) -> str | None:
        """The value as the client gave it; None if it was not set."""
        for known, value in self.settings:
            if known == name:
                return value
        return None


class Profiles:
    """The one object for each combination of settings."""

    def __init__(self) -> None:
        self._known: dict[Settings, Profile] = {}
        self.plain = self.of(())

    def of(self, settings: Settings) -> Profile:
        """The profile with these settings, sorted here."""
        settings = tuple(sorted(settings))
        found = self._known.get(settings)
        if found is None:
            found = self._known[settings] = self._make(settings)
        return found

    def of_login(self, settings: Settings, route: Route = Route.AUTO, address: str = "") -> Profile:
        """Of what a client said when it logged in: names in any case, and of two with one name the last counts.

        `route`: of the port that it came through, for who says nothing else. `address`: what its application_name ends
        with, so that the servers show it; "": nothing."""
        said = {} if route is Route.AUTO else {ROUTE: route.value}
        said |= {name.lower(): value for name, value in settings}
        if address:
            said[APPLICATION_NAME] = name_with_address(said.get(APPLICATION_NAME, ""), address)
        return self.of(tuple(said.items()))

    def _make(self, settings: Settings) -> Profile:
        told = tuple(pair for pair in settings if not is_wish(pair[0]))
        if len(told) == len(settings):
            return Profile(settings)
        on_server = self.of(told)
        if wishes_of(settings).route is Route.STANDBY and on_server.get(READ_ONLY) is None:
            on_server = self.with_setting(on_server, READ_ONLY, "on")
        return Profile(settings, on_server)

    def with_setting(self, profile: Profile, name: str, value: str | None) -> Profile:
        """`profile` with one setting changed; None: back to what the server gives."""
        rest = tuple((known, text) for known, text in profile.settings if known != name)
        return self.of(rest if value is None else (*rest, (name, value)))

    def prune(self, used: set[Profile]) -> None:
        """Forget what nobody goes by."""
        kept = {self.plain, *used, *(p.on_server for p in used)}
        self._known = {s: p for s, p in self._known.items() if p in kept}


FIRST = ("session_authorization", "role")
"""Who it is decides what may be set: said before, and taken back before, everything else. RESET ALL does neither."""


def change(now: Profile, wanted: Profile) -> str:
    """The SQL that takes a connection from one profile to another; "" if they are the same."""
    if now is wanted:
        return ""
    before, after = dict(now.settings), dict(wanted.settings)
    identity = any(before.get(name) != after.get(name) for name in FIRST)
    statements: list[str] = []
    if identity:
        statements += [_reset(name) for name in reversed(FIRST) if name in before]
    statements += [_reset(name) for name in before if name not in after and name not in FIRST]
    ordinary = [name for name in after if name not in FIRST]
    statements += [_set(name, after[name]) for name in ordinary if before.get(name) != after[name]]
    if identity:
        statements += [_set(name, after[name]) for name in FIRST if name in after]
    return ";".join(statements)


def quoted(text: str) -> str:
    """A literal that means the same whatever standard_conforming_strings says."""
    body = text.replace("'", "''")
    return "E'" + body.replace("\\", "\\\\") + "'" if "\\" in body else "'" + body + "'"


def _set(name: str, value: str) -> str:
    # set_config takes the value of a list (search_path) as one text, as the server itself prints it.
    return f"SELECT pg_catalog.set_config({quoted(name)},{quoted(value)},false)"


def _reset(name: str) -> str:
    return f"RESET {identifier(name)}"


def identifier(name: str) -> str:
    """A setting's name in SQL; custom ones have a dot in them."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def name_with_address(application_name: str, address: str) -> str:
    """What pg_stat_activity shows of a client behind the router: its application_name and where it is, the address
    whole."""
    suffix = f" - {address}" if application_name else address
    room = max(APPLICATION_NAME_BYTES_MAX - len(suffix.encode()), 0)
    return application_name.encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + suffix
