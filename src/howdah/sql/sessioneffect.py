"""What can a statement leave behind on its server connection, for whoever uses that connection next?

A closed union. What can be replayed on another connection (settings, prepared statements) carries what is needed for
it; the rest binds the client to its connection for as long as it lasts.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class SetSetting:
    """SET name = value, SET LOCAL, or set_config() with literals."""

    name: str
    """In lower case."""
    value: str | None
    """The text to hand to `set_config(name, value, false)`. None: back to the default (`is_default`), or a form of SET
    that set_config cannot express, which only `statement` replays (SET TIME ZONE INTERVAL...)."""
    local: bool
    """Only until the transaction ends."""
    is_default: bool
    statement: str
    """A SET statement that sets the same, for the session or (`local`) the transaction."""


@dataclass(frozen=True, slots=True)
class ResetSetting:
    """RESET name: back to what the session started with."""

    name: str


@dataclass(frozen=True, slots=True)
class ResetAll:
    """RESET ALL. It leaves role and session authorization alone."""


@dataclass(frozen=True, slots=True)
class SetRole:
    """SET ROLE. None: NONE, back to the session's user."""

    role: str | None
    local: bool


@dataclass(frozen=True, slots=True)
class SetSessionAuthorization:
    """SET SESSION AUTHORIZATION. None: DEFAULT, back to who logged in. It resets the role, too."""

    user: str | None
    local: bool


@dataclass(frozen=True, slots=True)
class Prepare:
    """SQL's PREPARE; its names and those of the protocol's Parse are the same names."""

    name: str
    text: str
    """The whole PREPARE statement, to be replayed as it is."""
    types: tuple[str, ...]
    """Declared parameter types, without schemas. What EXECUTE would do is in `Statement.prepared`."""


@dataclass(frozen=True, slots=True)
class Execute:
    """EXECUTE of a prepared statement: what it does is known only to who has seen the PREPARE."""

    name: str


@dataclass(frozen=True, slots=True)
class Deallocate:
    """DEALLOCATE. None: ALL, the protocol's named statements too."""

    name: str | None


@dataclass(frozen=True, slots=True)
class DeclareCursor:
    """DECLARE CURSOR. Only WITH HOLD outlives the transaction."""

    name: str
    hold: bool
    scroll: bool
    binary: bool


@dataclass(frozen=True, slots=True)
class CloseCursor:
    """CLOSE. None: ALL."""

    name: str | None


@dataclass(frozen=True, slots=True)
class Listen:
    """LISTEN on a channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Unlisten:
    """UNLISTEN. None: all channels."""

    channel: str | None


@dataclass(frozen=True, slots=True)
class CreatesTemporary:
    """A temporary table, view, sequence, function or type, or one in schema pg_temp."""

    names: tuple[str, ...]
    until_commit: bool
    """ON COMMIT DROP: gone with the transaction."""


@dataclass(frozen=True, slots=True)
class Drops:
    """DROP of tables, views or sequences whose names are looked for among temporary ones first: without a schema, or in
    pg_temp."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdvisoryLock:
    """Takes an advisory lock. Those of the transaction (`session` False) end with it and bind nobody."""

    function: str
    session: bool


@dataclass(frozen=True, slots=True)
class AdvisoryUnlock:
    """Gives session advisory locks back: one, or `everything`."""

    function: str
    everything: bool


@dataclass(frozen=True, slots=True)
class SequenceState:
    """nextval() leaves the value that currval() and lastval() read (`reads`) on the same connection."""

    function: str
    reads: bool


class DiscardTarget(Enum):
    """What DISCARD throws away."""

    ALL = "all"
    PLANS = "plans"
    SEQUENCES = "sequences"
    TEMPORARY = "temporary objects"


@dataclass(frozen=True, slots=True)
class Discard:
    """DISCARD. ALL also closes cursors, deallocates, resets settings, role and authorization, unlistens, unlocks."""

    what: DiscardTarget


@dataclass(frozen=True, slots=True)
class Load:
    """LOAD of a library into the server process."""

    library: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could leave anything: DO, setseed(), a SET in a text that was not parsed. `what` says it.

    There may be temporary objects whose names nobody knows, so that even reads belong on that connection from now on.
    """

    what: str


SessionEffect: TypeAlias = (
    SetSetting
    | ResetSetting
    | ResetAll
    | SetRole
    | SetSessionAuthorization
    | Prepare
    | Execute
    | Deallocate
    | DeclareCursor
    | CloseCursor
    | Listen
    | Unlisten
    | CreatesTemporary
    | Drops
    | AdvisoryLock
    | AdvisoryUnlock
    | SequenceState
    | Discard
    | Load
    | Unknown
)
