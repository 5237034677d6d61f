"""What is known of a query text: which statements it holds, what each reads, writes, and leaves behind in its session?

Two things are told apart. `Reach` is what a statement does to data: it decides between a standby and the primary. Its
`session` effects are what it leaves on the server connection: they decide what a router has to replay, or whether the
connection can be given to another client at all. Both hold only if the statement succeeds.
"""

from dataclasses import dataclass, field
from enum import Enum

from howdah.sql.sessioneffect import SessionEffect
from howdah.sql.transaction import NO_CONTROL, TransactionControl


class Reach(Enum):
    """What a statement does to data, as far as its text tells. Functions are judged apart (`volatility.judge`)."""

    READ = "read"
    """A standby can run it, unless a function or relation that it names says otherwise."""
    WRITE = "write"
    """Only the primary may run it."""


class Hint(Enum):
    """What a comment in front of the text asks for: `/* howdah: primary */`."""

    PRIMARY = "primary"
    STANDBY = "standby"


class CopyDirection(Enum):
    """Which way a COPY moves rows."""

    FROM_CLIENT = "from the client"
    TO_CLIENT = "to the client"
    SERVER_FILE = "a file or program of the server"


@dataclass(frozen=True, slots=True, order=True)
class FunctionCall:
    """A function that is called: schema (empty if none is given), name as PostgreSQL stores it, arguments written."""

    schema: str
    name: str
    arguments: int


@dataclass(frozen=True, slots=True, order=True)
class RelationName:
    """A table, view or sequence that is named; schema empty if none is given.

    Names of common table expressions are among them: to take one for a relation errs towards the primary.
    """

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """What a statement names whose meaning only the database knows, each name once, in order of appearance."""

    functions: tuple[FunctionCall, ...] = ()
    relations: tuple[RelationName, ...] = ()
    operators: tuple[str, ...] = ()
    """Without schemas."""
    types: tuple[str, ...] = ()
    """Of casts, without schemas."""


NO_NAMES = Names()


@dataclass(frozen=True, slots=True)
class Statement:
    """What one SQL statement would do."""

    kind: str
    """For people and counters: `SELECT`, `INSERT`, `CREATE TABLE`..."""
    reach: Reach
    why: str
    """One plain sentence: why this reach."""
    names: Names = NO_NAMES
    transaction: TransactionControl = NO_CONTROL
    session: tuple[SessionEffect, ...] = ()
    copy: CopyDirection | None = None
    prepared: "Statement | None" = None
    """Of PREPARE: what its EXECUTE would do."""
    any_literal: bool = False
    """Whether another literal (number or string) in its place leaves everything here as it is."""
    setting: str = ""
    """Of SHOW: what it shows, in lower case."""

    @property
    def functions(self) -> tuple[FunctionCall, ...]:
        """The functions it calls."""
        return self.names.functions

    @property
    def relations(self) -> tuple[RelationName, ...]:
        """The relations it names."""
        return self.names.relations


@dataclass(frozen=True, slots=True)
class Script:
    """A whole query text. A simple query may hold several statements, a prepared one at most one."""

    statements: tuple[Statement, ...]
    hint: Hint | None = None
    understood: bool = True
    """False: not parsed. Then one statement stands for all of it, reaching for the primary."""
    why: str = ""
    """One plain sentence about the whole text."""
    backslashes: bool = field(default=False)
    """It holds a backslash: what is said here holds only while standard_conforming_strings is on (its default)."""

    @property
    def empty(self) -> bool:
        """Nothing but white space, comments and semicolons: PostgreSQL answers EmptyQueryResponse."""
        return not self.statements

    @property
    def reach(self) -> Reach:
        """WRITE if any part is."""
        for statement in self.statements:
            if statement.reach is Reach.WRITE:
                return Reach.WRITE
        return Reach.READ
