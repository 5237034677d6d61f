"""How far has a server come: in which term was its last WAL record's timeline promoted, and where does it end?"""

from dataclasses import dataclass

from howdah.values.lsn import Lsn, format_lsn


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """(term of the WAL, LSN), compared in that order.

    `term` is the term in which the timeline of the last WAL record was promoted (TERM OF THE WAL): never a
    promise and never the store's current term. A longer log of an older term is behind.
    """

    term: int
    lsn: Lsn

    def __str__(self) -> str:
        return f"term {self.term} at {format_lsn(self.lsn)}"
