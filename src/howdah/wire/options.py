"""Which settings stand in the startup parameter `options`?

PostgreSQL reads it as a command line (pg_split_opts, process_postgres_switches): split at white space, a backslash
takes the next character as it is, then `-c name=value`, `--name=value`, and some old switches of one letter. It is
what a stranger sends before logging in, so every form ends in settings or in a clean error.
"""

from typing import Final

from howdah.wire.sqlstate import INVALID_PARAMETER_VALUE, SYNTAX_ERROR, UNDEFINED_OBJECT
from howdah.wire.violation import ProtocolViolation

Setting = tuple[str, str]

_WHITE: Final = " \t\n\v\f\r"

_FLAGS: Final[dict[str, Setting]] = {
    "e": ("datestyle", "euro"),
    "F": ("fsync", "false"),
    "l": ("ssl", "true"),
    "O": ("allow_system_table_mods", "true"),
    "P": ("ignore_system_indexes", "true"),
    "i": ("listen_addresses", "*"),
    "s": ("log_statement_stats", "true"),
}
"""Switches without a value. That most of these settings cannot be changed by a session, the server says."""

_VALUES: Final[dict[str, str]] = {
    "B": "shared_buffers",
    "h": "listen_addresses",
    "k": "unix_socket_directories",
    "N": "max_connections",
    "p": "port",
    "S": "work_mem",
    "W": "post_auth_delay",
}
"""Switches whose value is that of a setting."""

_PLANS: Final[dict[str, str]] = {
    "s": "enable_seqscan",
    "i": "enable_indexscan",
    "o": "enable_indexonlyscan",
    "b": "enable_bitmapscan",
    "t": "enable_tidscan",
    "n": "enable_nestloop",
    "m": "enable_mergejoin",
    "h": "enable_hashjoin",
}
"""-f forbids a kind of plan by its letter."""

_STATISTICS: Final[dict[str, str]] = {
    "pa": "log_parser_stats",
    "pl": "log_planner_stats",
    "e": "log_executor_stats",
}
"""-t switches statistics on, by the beginning of their name."""


def split_options(text: str) -> tuple[str, ...]:
    """The words of the text, as pg_split_opts cuts them."""
    words: list[str] = []
    word: list[str] = []
    inside = False
    escaped = False
    for letter in text:
        if escaped:
            word.append(letter)
            escaped = False
        elif letter == "\\":
            escaped = inside = True
        elif letter in _WHITE:
            if inside:
                words.append("".join(word))
            word, inside = [], False
        else:
            word.append(letter)
            inside = True
    if inside:
        words.append("".join(word))
    return tuple(words)


def parse_options(text: str) -> tuple[Setting, ...]:
    """(name, value) of each setting, in order; of several with one name the last counts.

    Raises ProtocolViolation with PostgreSQL's SQLSTATE for what is no setting. Whether a setting exists and may have
    this value, only the server knows."""
    words = split_options(text)
    settings: list[Setting] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--" and at == len(words):
            break
        if word.startswith("--") and word != "--":
            settings.append(_assignment(word[2:], "--" + word[2:]))
        elif word.startswith("-") and word not in ("-", "--"):
            at += _read_switches(word[1:], words[at] if at < len(words) else None, settings)
        else:
            raise _invalid(word)
    return tuple(settings)


def _read_switches(letters: str, following: str | None, settings: list[Setting]) -> int:
    """Read one word of switches; returns how many of the following words it took (0 or 1)."""
    for place, letter in enumerate(letters):
        if letter in _FLAGS:
            settings.append(_FLAGS[letter])
            continue
        if letter not in _VALUES and letter not in "-cdft":
            raise _invalid("-" + letters)
        value = letters[place + 1 :] or following
        if value is None:
            raise _invalid("-" + letters)
        settings += _with_value(letter, value)
        return 0 if letters[place + 1 :] else 1
    return 0


def _with_value(letter: str, value: str) -> list[Setting]:
    """The settings of a switch that has a value."""
    if letter == "c":
        return [_assignment(value, f"-c {value}")]
    if letter == "-":
        return [_assignment(value, f"--{value}")]
    if letter in _VALUES:
        return [(_VALUES[letter], value)]
    if letter == "f" and value in _PLANS:
        return [(_PLANS[value], "false")]
    if letter == "t":
        for beginning, name in _STATISTICS.items():
            if value.startswith(beginning):
                return [(name, "true")]
    if letter == "d" and value.isascii() and value.isdigit() and len(value) < 6:
        return _debugging(int(value))
    raise ProtocolViolation(f"invalid value for switch -{letter}: {value}", INVALID_PARAMETER_VALUE)


def _debugging(level: int) -> list[Setting]:
    """-d sets several settings, more of them with each level (set_debug_options)."""
    settings = [("log_min_messages", f"debug{level}" if level else "notice")]
    if level >= 2:
        settings.append(("log_statement", "all"))
    more = ((3, "debug_print_parse"), (4, "debug_print_plan"), (5, "debug_print_rewritten"))
    settings += [(name, "true") for least, name in more if level >= least]
    return settings


def _assignment(text: str, shown: str) -> Setting:
    """`name=value`; a `-` in the name means `_`."""
    name, equals, value = text.partition("=")
    name = name.replace("-", "_")
    if not equals:
        raise ProtocolViolation(f"{shown} requires a value", SYNTAX_ERROR)
    if not name:
        raise ProtocolViolation('unrecognized configuration parameter ""', UNDEFINED_OBJECT)
    return name, value


def _invalid(word: str) -> ProtocolViolation:
    return ProtocolViolation(
        f"invalid command-line argument for server process: {word}",
        SYNTAX_ERROR,
        hint="In `options`, write settings as -c name=value.",
    )
