"""What does Howdah need of a consistent store, whichever it is?

A store keeps a few small named documents. Every method's outcome is exact about what is known; a driver never
guesses. The same contract suite runs against each implementation.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Versioned:
    """A document's text with the store's version of it. Versions of one document only grow; 0 is never used."""

    text: str
    version: int


@dataclass(frozen=True, slots=True)
class Swapped:
    """The swap happened; the document now has this version."""

    version: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The swap did not and will not happen: the document was at another version than expected."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The swap may have happened, may not, and may still land later (SETTLE)."""

    reason: str


SwapOutcome = Swapped | Conflict | Unknown


class StoreUnavailable(Exception):
    """The store did not answer a read, or refused a request that had certainly no effect."""


class Store(Protocol):
    """Named documents with linearizable reads and compare-and-swap. Names match [a-z][a-z0-9-]*."""

    async def read(self, name: str) -> Versioned | None:
        """The newest committed document, by a linearizable read; None if there is none.

        Raises StoreUnavailable when no answer came within the store's request timeout."""
        ...

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """Write `text` if the document is still at `expected_version` (None: if it does not exist).

        A timeout after the request may have left this machine is Unknown. Raises StoreUnavailable only where
        it is certain that nothing was or will be written."""
        ...

    def watch(self, name: str) -> AsyncIterator[Versioned | None]:
        """Hints that the document changed: may be late, lost, repeated or out of order; first the present state.

        Ends or raises StoreUnavailable when the connection breaks; the caller starts another."""
        ...

    async def close(self) -> None:
        """Release connections. Waits for nothing."""
        ...
