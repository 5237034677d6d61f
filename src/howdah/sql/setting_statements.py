"""How are SET, RESET and SHOW read from the parse tree?"""

from howdah.sql.control import ISOLATION, modes_of, set_transaction
from howdah.sql.functions import PRIMARY_SETTINGS
from howdah.sql.sessioneffect import (
    ResetAll,
    ResetSetting,
    SessionEffect,
    SetRole,
    SetSessionAuthorization,
    SetSetting,
    Unknown,
)
from howdah.sql.settings import OF_TRANSACTION, joined
from howdah.sql.statement import Reach, Statement
from howdah.sql.transaction import Isolation, Modes
from howdah.sql.tree import Node, boolean, constant, flag, items, tagged, text

OF_SESSION = "it concerns the session, not data"
"""Why SET and its like are neither reads nor writes: they run where the session's next statement does."""


def set_statement(fields: Node, query: str) -> Statement:
    """SET and RESET in all their forms. `query` is the statement's text, kept for replaying."""
    name = text(fields, "name").lower()
    match text(fields, "kind"):
        case "VAR_SET_MULTI" if name == "transaction":
            return set_transaction(modes_of(items(fields, "args")))
        case "VAR_SET_MULTI" if name == "transaction snapshot":
            snapshot = [constant(value) or "" for value in items(fields, "args")]
            return set_transaction(Modes(), ", ".join(snapshot))
        case "VAR_SET_MULTI" if name == "session characteristics":
            effects = _characteristics(items(fields, "args"))
            return Statement("SET", Reach.READ, OF_SESSION, session=effects)
        case "VAR_RESET_ALL":
            return Statement("RESET", Reach.READ, OF_SESSION, session=(ResetAll(),))
        case "VAR_RESET":
            return _reset(name)
        case "VAR_SET_DEFAULT":
            return _set_value(fields, name, query, None)
        case "VAR_SET_VALUE":
            return _set_value(fields, name, query, _plain_value(name, items(fields, "args")))
        case _:
            effect = Unknown("a form of SET that is not followed")
            return Statement("SET", Reach.WRITE, effect.what, session=(effect,))


def _plain_value(name: str, arguments: list[object]) -> str | None:
    """The value as set_config() takes it; None if there is a cast in it (SET TIME ZONE INTERVAL...)."""
    values: list[str] = []
    for argument in arguments:
        value = constant(argument)
        if value is None or tagged(argument)[0] == "TypeCast":
            return None
        values.append(value)
    return joined(name, values)


def _set_value(fields: Node, name: str, query: str, value: str | None) -> Statement:
    """SET name = value; None: DEFAULT, or a value that only its text can say."""
    local = flag(fields, "is_local")
    default = text(fields, "kind") == "VAR_SET_DEFAULT"
    if name in OF_TRANSACTION:
        return set_transaction(_mode(name, value))
    effect: SessionEffect
    if name == "role":
        role = None if value is None or value.lower() == "none" else value
        effect = SetRole(role, local)
    elif name == "session_authorization":
        effect = SetSessionAuthorization(value, local)
    elif name == "seed":
        effect = Unknown("SET SEED changes the random numbers of its connection")
    elif name == "search_path" and value is not None and "pg_temp" in value.lower():
        effect = Unknown("search_path names pg_temp: tables without a schema may be temporary")
    else:
        effect = SetSetting(name, value, local, default, query)
    return Statement("SET", Reach.READ, OF_SESSION, session=(effect,))


def _mode(name: str, value: str | None) -> Modes:
    """SET transaction_isolation = 'serializable' and its like."""
    match name:
        case "transaction_isolation":
            # A level that is not known is refused by the server; until then the strictest is meant.
            return Modes(isolation=ISOLATION.get((value or "").lower(), Isolation.SERIALIZABLE))
        case "transaction_read_only":
            return Modes(read_only=boolean(value) or False)
        case _:
            return Modes(deferrable=boolean(value))


def _reset(name: str) -> Statement:
    """RESET name."""
    if name in OF_TRANSACTION:
        return set_transaction(_mode(name, None))
    effect: SessionEffect
    if name == "role":
        effect = SetRole(None, False)
    elif name == "session_authorization":
        effect = SetSessionAuthorization(None, False)
    else:
        effect = ResetSetting(name)
    return Statement("RESET", Reach.READ, OF_SESSION, session=(effect,))


def _characteristics(options: list[object]) -> tuple[SessionEffect, ...]:
    """SET SESSION CHARACTERISTICS AS TRANSACTION sets the default_transaction_* settings."""
    modes = modes_of(options)
    found: list[SessionEffect] = []
    if modes.isolation is not None:
        found.append(_plain("default_transaction_isolation", modes.isolation.value))
    if modes.read_only is not None:
        found.append(_plain("default_transaction_read_only", "on" if modes.read_only else "off"))
    if modes.deferrable is not None:
        found.append(_plain("default_transaction_deferrable", "on" if modes.deferrable else "off"))
    return tuple(found)


def _plain(name: str, value: str) -> SetSetting:
    return SetSetting(name, value, False, False, f"SET {name} = '{value}'")


def show_statement(fields: Node) -> Statement:
    """SHOW. What tells a standby from a primary is asked of the primary."""
    name = text(fields, "name").lower()
    if name in PRIMARY_SETTINGS or name == "all":
        why = f"SHOW {name} tells of the server it is asked on, and the client talks to the primary"
        return Statement("SHOW", Reach.WRITE, why, setting=name)
    return Statement("SHOW", Reach.READ, "SHOW only reads", setting=name)
