"""What does somebody ask of the router itself? (The commands of the admin database; PgBouncer's names, and our own.)"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Subject(Enum):
    """What can be shown, by its word after SHOW."""

    ACTIVE_SOCKETS = "ACTIVE_SOCKETS"
    CLIENTS = "CLIENTS"
    CONFIG = "CONFIG"
    DATABASES = "DATABASES"
    DNS_HOSTS = "DNS_HOSTS"
    DNS_ZONES = "DNS_ZONES"
    HELD = "HELD"
    HELP = "HELP"
    LISTS = "LISTS"
    MEM = "MEM"
    NODES = "NODES"
    PEERS = "PEERS"
    PEER_POOLS = "PEER_POOLS"
    PINS = "PINS"
    POOLS = "POOLS"
    SERVERS = "SERVERS"
    SOCKETS = "SOCKETS"
    STATE = "STATE"
    STATS = "STATS"
    STATS_AVERAGES = "STATS_AVERAGES"
    STATS_TOTALS = "STATS_TOTALS"
    TOTALS = "TOTALS"
    USERS = "USERS"
    VERSION = "VERSION"


class Stop(Enum):
    """How the process ends."""

    NOW = "now"
    WHEN_SERVERS_ARE_FREE = "when no transaction is under way"
    WHEN_CLIENTS_LEFT = "when all clients left"


@dataclass(frozen=True, slots=True)
class Show:
    """A table."""

    subject: Subject


@dataclass(frozen=True, slots=True)
class ShowRoute:
    """Where this text would go, from a session of that user in that database; "" for any."""

    text: str
    user: str = ""
    database: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Lend no server connection, and answer when none is lent any more. `database` "": of all, here and below."""

    database: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """Lend them again."""

    database: str = ""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Close every server connection once it is given back."""

    database: str = ""


@dataclass(frozen=True, slots=True)
class WaitClose:
    """Answer when the connections that were to be closed are closed."""

    database: str = ""


@dataclass(frozen=True, slots=True)
class Kill:
    """End all clients and server connections at once, and pause."""

    database: str = ""


@dataclass(frozen=True, slots=True)
class KillClient:
    """End one client; `serial` is its id in SHOW CLIENTS."""

    serial: int


@dataclass(frozen=True, slots=True)
class Disable:
    """Let no new client into a database."""

    database: str


@dataclass(frozen=True, slots=True)
class Enable:
    """Let them in again."""

    database: str


@dataclass(frozen=True, slots=True)
class Reload:
    """Read the settings again."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the process."""

    how: Stop


@dataclass(frozen=True, slots=True)
class SetSetting:
    """Change a setting of the router until it is restarted or reloaded."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that drivers and health checks ask before they begin, and what they are told."""

    name: str
    value: str | int


@dataclass(frozen=True, slots=True)
class Nothing:
    """Something that drivers send without being asked; it is answered, and has no effect. `status`: of the transaction
    from now on, as in ReadyForQuery; "": unchanged."""

    tag: str
    status: str = ""


Deed = Pause | Resume | Reconnect | WaitClose | Kill | KillClient | Disable | Enable | Reload | Shutdown | SetSetting
"""What changes something: for admins only."""
Command = Show | ShowRoute | Answer | Nothing | Deed

ROUTE_USE: Final = "SHOW ROUTE 'statement' [USER name] [DATABASE name]"
HELP: Final = f"""
\tSHOW {"|".join(("STATS", "STATS_TOTALS", "STATS_AVERAGES", "TOTALS", "POOLS", "DATABASES", "USERS", "LISTS"))}
\tSHOW CLIENTS|SERVERS|SOCKETS|ACTIVE_SOCKETS|CONFIG|STATE|MEM|VERSION|HELP
\tSHOW NODES|PINS|HELD
\t{ROUTE_USE}
\tPAUSE [database]
\tRESUME [database]
\tRECONNECT [database]
\tWAIT_CLOSE [database]
\tKILL [database]
\tKILL_CLIENT id
\tDISABLE database
\tENABLE database
\tSET key = value
\tRELOAD
\tSHUTDOWN [WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS]"""


class NotACommand(ValueError):
    """The sentence says what is wrong with it."""


_TOKEN: Final = re.compile(
    r"""\s+ | --[^\n]* | /\*.*?\*/
    | (?P<quoted>'(?:[^']|'')*' | "(?:[^"]|"")*")
    | (?P<parameter>\$\d+)
    | (?P<word>[A-Za-z0-9_@.\-+:/$\x80-\U0010ffff]+)
    | (?P<sign>[^\s'"])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `quoted`: it was in quotes, so it is no keyword. `parameter`: the number of a value that comes with the
    Bind message; 0: none."""

    text: str
    quoted: bool = False
    parameter: int = 0

    @property
    def keyword(self) -> str:
        """In upper case; "" if it was quoted."""
        return "" if self.quoted else self.text.upper()


def split(text: str) -> list[list[Token]]:
    """The words of each command; empty ones are left out. Raises NotACommand."""
    commands: list[list[Token]] = [[]]
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotACommand(f'syntax error at or near "{text[at : at + 20]}"')
        at = found.end()
        if found["quoted"]:
            quote = found["quoted"][0]
            commands[-1].append(Token(found["quoted"][1:-1].replace(quote * 2, quote), quoted=True))
        elif found["parameter"]:
            commands[-1].append(Token("", quoted=True, parameter=int(found["parameter"][1:])))
        elif found["word"]:
            commands[-1].append(Token(found["word"]))
        elif found["sign"] == ";":
            commands.append([])
        elif found["sign"]:
            commands[-1].append(Token(found["sign"]))
    return [words for words in commands if words]


def parameters_of(words: Sequence[Token]) -> int:
    """How many values come with the Bind message."""
    return max((word.parameter for word in words), default=0)


def bound(words: Sequence[Token], values: Sequence[str]) -> list[Token]:
    """With the values in their places. Raises NotACommand."""
    if parameters_of(words) > len(values):
        raise NotACommand(f"the command has {parameters_of(words)} parameters, and {len(values)} came")
    return [Token(values[word.parameter - 1], quoted=True) if word.parameter else word for word in words]


def understand(words: Sequence[Token]) -> Command:
    """What one command asks. Raises NotACommand."""
    first, rest = words[0], words[1:]
    reader = _READERS.get(first.keyword)
    if reader is None:
        raise NotACommand(f'there is no command "{first.text}" here; SHOW HELP tells which there are')
    return reader(rest)


def _show(rest: Sequence[Token]) -> Command:
    if not rest:
        raise NotACommand("SHOW what? SHOW HELP tells what there is")
    word = rest[0].keyword
    if word == "ROUTE":
        return _route(rest[1:])
    if word == "FDS":
        raise NotACommand("SHOW FDS hands sockets over in PgBouncer; here a new router just listens beside the old one")
    told = _TOLD_TO_DRIVERS.get(word.lower())
    if told is not None:
        return Answer(word.lower(), told)
    if word not in Subject.__members__ or len(rest) > 1:
        asked = " ".join(each.text for each in rest)
        raise NotACommand(f"SHOW {asked} is not known here; SHOW HELP tells what there is")
    return Show(Subject[word])


def _route(rest: Sequence[Token]) -> Command:
    if not rest or not rest[0].quoted:
        raise NotACommand(f"write {ROUTE_USE}, the statement in quotes")
    named = {"USER": "", "DATABASE": ""}
    for place in range(1, len(rest), 2):
        word = rest[place].keyword
        if word not in named or place + 1 == len(rest):
            raise NotACommand(f"write {ROUTE_USE}")
        named[word] = rest[place + 1].text
    return ShowRoute(rest[0].text, named["USER"], named["DATABASE"])


def _of_database(command: str, make: Callable[[str], Command], needed: bool) -> Callable[[Sequence[Token]], Command]:
    def read(rest: Sequence[Token]) -> Command:
        if len(rest) > 1 or (needed and not rest):
            raise NotACommand(f"write {command} {'database' if needed else '[database]'}")
        return make(rest[0].text if rest else "")

    return read


def _kill_client(rest: Sequence[Token]) -> Command:
    if len(rest) != 1 or not rest[0].text.isdecimal():
        if len(rest) == 1 and rest[0].parameter:
            return KillClient(0)
        raise NotACommand("write KILL_CLIENT id, with an id of SHOW CLIENTS")
    return KillClient(int(rest[0].text))


def _shutdown(rest: Sequence[Token]) -> Command:
    ways = {
        (): Stop.NOW,
        ("WAIT_FOR_SERVERS",): Stop.WHEN_SERVERS_ARE_FREE,
        ("WAIT_FOR_CLIENTS",): Stop.WHEN_CLIENTS_LEFT,
    }
    found = ways.get(tuple(word.keyword for word in rest))
    if found is None:
        raise NotACommand("write SHUTDOWN, SHUTDOWN WAIT_FOR_SERVERS or SHUTDOWN WAIT_FOR_CLIENTS")
    return Shutdown(found)


def _reload(rest: Sequence[Token]) -> Command:
    if rest:
        raise NotACommand("RELOAD takes nothing")
    return Reload()


def _set(rest: Sequence[Token]) -> Command:
    """Drivers set PostgreSQL's settings at their start; those of the router have a section in their names, or are
    PgBouncer's."""
    words = list(rest)
    if words and words[0].keyword in ("SESSION", "LOCAL"):
        words = words[1:]
    if len(words) < 2:
        raise NotACommand("write SET key = value")
    key = words[0].text.lower()
    if key in _DRIVERS_SET:
        return Nothing("SET")
    if words[1].keyword in ("=", "TO"):
        del words[1]
    value = "".join(word.text for word in words[1:])
    return SetSetting(key, value)


def _select(rest: Sequence[Token]) -> Command:
    """SELECT 1 of a health check."""
    if len(rest) == 1 and rest[0].text.isdecimal() and not rest[0].quoted:
        return Answer("?column?", int(rest[0].text))
    raise NotACommand("this is the router's own database: it has no tables; SHOW HELP tells what can be asked")


def _nothing(tag: str, status: str = "") -> Callable[[Sequence[Token]], Command]:
    def read(rest: Sequence[Token]) -> Command:
        del rest  # whatever more it says
        return Nothing(tag, status)

    return read


_DRIVERS_SET: Final = frozenset(
    (
        "application_name", "bytea_output", "characteristics", "client_encoding", "client_min_messages", "datestyle",
        "default_transaction_isolation", "default_transaction_read_only", "extra_float_digits",
        "idle_in_transaction_session_timeout", "intervalstyle", "lock_timeout", "names", "search_path",
        "standard_conforming_strings", "statement_timeout", "time", "timezone", "transaction",
    )
)  # fmt: skip
_TOLD_TO_DRIVERS: Final = {
    "client_encoding": "UTF8",
    "server_version": "18.0",
    "standard_conforming_strings": "on",
    "timezone": "UTC",
}
_READERS: Final[dict[str, Callable[[Sequence[Token]], Command]]] = {
    "ABORT": _nothing("ROLLBACK", "I"),
    "BEGIN": _nothing("BEGIN", "T"),
    "CLOSE": _nothing("CLOSE CURSOR"),
    "COMMIT": _nothing("COMMIT", "I"),
    "DEALLOCATE": _nothing("DEALLOCATE"),
    "DISABLE": _of_database("DISABLE", Disable, needed=True),
    "DISCARD": _nothing("DISCARD ALL"),
    "ENABLE": _of_database("ENABLE", Enable, needed=True),
    "END": _nothing("COMMIT", "I"),
    "KILL": _of_database("KILL", Kill, needed=False),
    "KILL_CLIENT": _kill_client,
    "PAUSE": _of_database("PAUSE", Pause, needed=False),
    "RECONNECT": _of_database("RECONNECT", Reconnect, needed=False),
    "RELOAD": _reload,
    "RESET": _nothing("RESET"),
    "RESUME": _of_database("RESUME", Resume, needed=False),
    "ROLLBACK": _nothing("ROLLBACK", "I"),
    "SELECT": _select,
    "SET": _set,
    "SHOW": _show,
    "SHUTDOWN": _shutdown,
    "START": _nothing("BEGIN", "T"),
    "UNLISTEN": _nothing("UNLISTEN"),
    "WAIT_CLOSE": _of_database("WAIT_CLOSE", WaitClose, needed=False),
}
