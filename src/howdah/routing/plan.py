"""What has to be known of a statement's text when it comes by: where it may run, and what to look at in its reply?"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from howdah.sql.sessioneffect import SequenceState

if TYPE_CHECKING:
    from howdah.sql.statement import Hint, Script


class Ends(Enum):
    """What a text does to a transaction, as far as a lost server is concerned."""

    NOTHING = "nothing"
    BEGINS = "begins"
    COMMITS = "commits"
    ROLLS_BACK = "rolls back"


class Plan:
    """Made once for each text and used for every message that carries it.

    `read`: a standby may run it. `plain`: it does nothing to the session, so its reply is only counted. `why`: for
    SHOW ROUTE. `ends`: of a text that is one statement; NOTHING for several. `script` None: it was not read.
    `unsettled`: which function in it may leave anything on its connection. `hint`: what its comment asks for.
    `recalls`: it asks for what only the connection knows on which a sequence was used. `writes`: data may be other data
    after it."""

    def __init__(
        self,
        read: bool,
        plain: bool,
        why: str,
        ends: Ends = Ends.NOTHING,
        script: Script | None = None,
        unsettled: str = "",
    ) -> None:
        self.read = read
        self.plain = plain
        self.why = why
        self.ends = ends
        self.script = script
        self.unsettled = unsettled
        self.hint: Hint | None = script.hint if script is not None else None
        self.writes = not read
        self.recalls = script is not None and any(
            isinstance(effect, SequenceState) and effect.reads
            for statement in script.statements
            for effect in statement.session
        )


UNKNOWN = Plan(read=False, plain=True, why="it was not read")
