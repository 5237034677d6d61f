"""What binds a session to the server connection that it has, and is it still so?

Each thing has a kind and a name, so that what takes it away again (UNLISTEN, DEALLOCATE, CLOSE, DISCARD...) also
takes the reason away.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Kind(Enum):
    """Of things that bind."""

    LISTEN = "listen"
    TEMPORARY = "temporary"
    CURSOR = "cursor"
    PREPARED = "prepared"
    LOCK = "lock"
    LIBRARY = "library"
    OTHER = "other"


TRANSACTIONAL: Final = (Kind.LISTEN, Kind.TEMPORARY, Kind.CURSOR)
"""A rollback undoes these; it undoes neither PREPARE nor a lock of the session."""
STAYS: Final = (Kind.LIBRARY,)
"""DISCARD ALL takes everything else away."""


class Pins:
    """`why`: the first reason; "" where nothing binds. `since_ms`: since when there is one."""

    def __init__(self) -> None:
        self.why = ""
        self.since_ms = 0.0
        self._held: dict[tuple[Kind, str], str] = {}
        self._committed: dict[tuple[Kind, str], str] = {}

    def add(self, kind: Kind, name: str, why: str, now_ms: float) -> None:
        """One more thing."""
        self._held.setdefault((kind, name), why)
        if not self.why:
            self.since_ms = now_ms
        self._say()

    def drop(self, kind: Kind, name: str | None = None) -> None:
        """One thing of a kind is gone; None: all of them."""
        for key in [key for key in self._held if key[0] is kind and name in (None, key[1])]:
            del self._held[key]
        self._say()

    def kinds(self) -> set[Kind]:
        """Of what binds now."""
        return {kind for kind, _ in self._held}

    def drop_all(self) -> None:
        """DISCARD ALL."""
        self._held = {key: why for key, why in self._held.items() if key[0] in STAYS}
        self._say()

    def ended(self, rolled_back: bool) -> None:
        """The transaction is over."""
        if not self._held and not self._committed:
            return
        if rolled_back:
            kept = {key: why for key, why in self._held.items() if key[0] not in TRANSACTIONAL}
            self._held = {**self._committed, **kept}
        self._committed = {key: why for key, why in self._held.items() if key[0] in TRANSACTIONAL}
        self._say()

    def _say(self) -> None:
        self.why = next(iter(self._held.values()), "")
