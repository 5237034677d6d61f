"""Is the store that answers still the one that answered before, or was it wiped, replaced or put back to an old copy?

The rules of the cluster notice such a store by what the record says; this tells the operator what happened to it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreMoment:
    """The store's own id (made anew when it is made anew) and its revision, which every write raises."""

    store_id: str
    revision: int


class Lineage:
    """The newest moment seen of a store, and what of its answers contradicts it."""

    def __init__(self, what: str = "the store") -> None:
        """`what` is followed: the store itself, or one document where each has an id and revisions of its own."""
        self._what = what
        self._newest: StoreMoment | None = None
        self._break: str | None = None

    @property
    def newest(self) -> StoreMoment | None:
        """The highest revision seen so far, and of which store; None before the first answer."""
        return self._newest

    @property
    def broken(self) -> str | None:
        """A sentence about the last time the store was another or an older one; None if it never was."""
        return self._break

    def observe(self, answer: StoreMoment, before_asking: StoreMoment | None) -> None:
        """Take in the moment that an answer carries.

        `before_asking` is `newest` as it was when the question was sent: an answer that merely overtook another
        one is not older than that, since reads are linearizable.
        """
        newest = self._newest
        if newest is None:
            self._newest = answer
        elif answer.store_id != newest.store_id:
            self._break = (
                f"{self._what} is another one now: its id was {newest.store_id} and is {answer.store_id}. "
                "It was wiped and made anew, or the address leads elsewhere"
            )
            self._newest = answer
        elif before_asking is not None and answer.revision < before_asking.revision:
            self._break = (
                f"{self._what} went back from revision {before_asking.revision} to {answer.revision}: "
                "it was wiped or restored from an old copy"
            )
            self._newest = answer
        elif answer.revision > newest.revision:
            self._newest = answer

    def lost(self) -> None:
        """Take in that what was there is not there any more."""
        if self._newest is not None:
            self._break = f"{self._what} is gone: it was deleted, or it was wiped with everything beside it"
            self._newest = None
