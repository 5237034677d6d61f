"""What may a session ask of the router by settings of its own (`howdah.route` and its like), and in which words?

They are settings as any other to the client: in `options` at its login, with SET, SET LOCAL and RESET, undone by a
rollback. Servers know nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final

from howdah.routing.route import Route

PREFIX: Final = "howdah."
ROUTE: Final = "howdah.route"
CONSISTENCY: Final = "howdah.consistency"
HOLD_TIMEOUT: Final = "howdah.hold_timeout"
NAMES: Final = (ROUTE, CONSISTENCY, HOLD_TIMEOUT)

_DURATION: Final = re.compile(r"\s*(\d{1,9})\s*(ms|s|min|h|)\s*")
_UNIT_MS: Final = {"": 1.0, "ms": 1.0, "s": 1_000.0, "min": 60_000.0, "h": 3_600_000.0}


class Consistency(Enum):
    """What a session's reads are to show."""

    SESSION = "session"
    """Everything that the session wrote."""
    EVENTUAL = "eventual"
    """What any standby within the allowed lag has."""
    PRIMARY = "primary"
    """Everything that anybody wrote: no read goes to a standby."""


class Wishes:
    """None: not said, so that the router's settings hold. `hold_ms`: how long a statement waits for a primary."""

    def __init__(self, route: Route | None, consistency: Consistency | None, hold_ms: float | None) -> None:
        self.route = route
        self.consistency = consistency
        self.hold_ms = hold_ms


def is_wish(name: str) -> bool:
    """Whether a setting of this name is one for the router."""
    return name.lower().startswith(PREFIX)


def wishes_of(settings: Iterable[tuple[str, str]]) -> Wishes:
    """What these settings ask for; what makes no sense is left out, see `objection`."""
    said = {name.lower(): value.strip().lower() for name, value in settings if is_wish(name)}
    hold = _DURATION.fullmatch(said.get(HOLD_TIMEOUT, "-"))
    return Wishes(
        next((each for each in Route if each.value == said.get(ROUTE)), None),
        next((each for each in Consistency if each.value == said.get(CONSISTENCY)), None),
        float(hold[1]) * _UNIT_MS[hold[2]] if hold else None,
    )


def objection(name: str, value: str) -> str:
    """Why there is no such setting with such a value, as a sentence; "" if there is."""
    name = name.lower()
    if name not in NAMES:
        return f'unrecognized configuration parameter "{name}": the router knows {", ".join(NAMES)}'
    wishes = wishes_of(((name, value),))
    if name == ROUTE and wishes.route is None:
        return f'invalid value for parameter "{name}": "{value}"; it may be {_words(Route)}'
    if name == CONSISTENCY and wishes.consistency is None:
        return f'invalid value for parameter "{name}": "{value}"; it may be {_words(Consistency)}'
    if name == HOLD_TIMEOUT and wishes.hold_ms is None:
        return f'invalid value for parameter "{name}": "{value}"; it is a number with ms, s, min or h'
    return ""


def _words(words: type[Enum]) -> str:
    return ", ".join(str(each.value) for each in words)
