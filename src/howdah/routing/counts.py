"""How much was done for which database on which server, and how long did it take?

On a statement's way nothing but numbers is added to. Times are found without a clock there: several times a second it
is looked how many statements, transactions and clients that wait are under way, and each counts for the time since the
last look. For the distribution of answer times the first few statements after each look are timed exactly, so that
with little to do all of them are, and with much to do a sample.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

from howdah.wire import codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from howdah.routing.pool import Pool

TIMED_PER_LOOK: Final = 5
"""So many statements of one database on one server are timed after each look: at twenty looks a second, a hundred."""
ANSWER_BOUNDS_S: Final[tuple[float, ...]] = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
HOLD_BOUNDS_S: Final[tuple[float, ...]] = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)
PERIOD_MS: Final = 60_000.0
"""Averages are those of the last such period that is over, as PgBouncer's stats_period."""


class Times:
    """A histogram. `numbers[i]` fell at or below `bounds_s[i]` and above the bound before; the last one above all."""

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        self.bounds_s = bounds_s
        self.numbers = [0] * (len(bounds_s) + 1)
        self.sum_s = 0.0

    def add(self, time_s: float) -> None:
        """One more."""
        self.numbers[bisect_left(self.bounds_s, time_s)] += 1
        self.sum_s += time_s


@dataclass(frozen=True, slots=True)
class Totals:
    """Since the router began; PgBouncer's definitions. Bytes are those passed on; times in milliseconds."""

    reads: int = 0
    writes: int = 0
    transactions: int = 0
    received: int = 0
    sent: int = 0
    lent: int = 0
    client_parses: int = 0
    server_parses: int = 0
    binds: int = 0
    query_ms: float = 0.0
    transaction_ms: float = 0.0
    wait_ms: float = 0.0

    @property
    def queries(self) -> int:
        """Everything that was sent to servers: simple queries, and extended batches."""
        return self.reads + self.writes

    def plus(self, other: Totals, sign: int = 1) -> Totals:
        """The sum, or with -1 the difference."""
        return Totals(*(getattr(self, f.name) + sign * getattr(other, f.name) for f in fields(self)))


class Counts:
    """Of one database on one server; every name of `Totals`, kept as plain numbers. `to_time`: so many statements more
    are timed before the next look."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self.transactions = 0
        self.received = 0
        self.sent = 0
        self.lent = 0
        self.client_parses = 0
        self.server_parses = 0
        self.binds = 0
        self.query_ms = 0.0
        self.transaction_ms = 0.0
        self.wait_ms = 0.0
        self.to_time = TIMED_PER_LOOK
        self.answers = Times(ANSWER_BOUNDS_S)

    def totals(self) -> Totals:
        """As it is now."""
        return Totals(*(getattr(self, f.name) for f in fields(Totals)))


@dataclass(slots=True)
class Ledger:
    """Everything that is counted. `logins`: clients that were let in; `refused`: those that were not. `role_changes`:
    other primaries that were seen to serve, the first one too. `cut`: server connections that were ended because their
    server leads no more, or is gone. `held`: statements that waited for a primary; of them `hold_expired` in vain, and
    `hold_refused` because too many waited."""

    logins: int = 0
    refused: int = 0
    role_changes: int = 0
    cut: int = 0
    held: int = 0
    hold_expired: int = 0
    hold_refused: int = 0
    holds: Times = field(default_factory=lambda: Times(HOLD_BOUNDS_S))
    counts: dict[tuple[str, str], Counts] = field(default_factory=dict)
    _looked_ms: float | None = None
    _period_ms: float | None = None
    _before: dict[str, Totals] = field(default_factory=dict)
    _last: dict[str, Totals] = field(default_factory=dict)
    _lasted_ms: float = 0.0

    def of(self, database: str, server: str) -> Counts:
        """Those of one database on one server; they stay as long as the router runs."""
        found = self.counts.get((database, server))
        if found is None:
            found = self.counts[database, server] = Counts()
        return found

    def forget(self, database: str) -> None:
        """No server ever ran anything for it."""
        for key in [key for key, counts in self.counts.items() if key[0] == database and not counts.lent]:
            del self.counts[key]

    def look(self, pools: Iterable[Pool], now_ms: float) -> None:
        """What is under way has been so since the last look."""
        since_ms = 0.0 if self._looked_ms is None else now_ms - self._looked_ms
        self._looked_ms = now_ms
        for counts in self.counts.values():
            counts.to_time = TIMED_PER_LOOK
        for pool in pools:
            if pool.links or pool.waiting:
                _look_at(pool, since_ms)
        if self._period_ms is None:
            self._period_ms = now_ms
        elif now_ms - self._period_ms >= PERIOD_MS:
            now = self.by_database()
            nothing = Totals()
            self._last = {name: each.plus(self._before.get(name, nothing), -1) for name, each in now.items()}
            self._lasted_ms = now_ms - self._period_ms
            self._before, self._period_ms = now, now_ms

    def by_database(self) -> dict[str, Totals]:
        """Summed over the servers."""
        found: dict[str, Totals] = {}
        for (database, _), counts in self.counts.items():
            found[database] = found.get(database, Totals()).plus(counts.totals())
        return found

    def last_period(self) -> tuple[dict[str, Totals], float]:
        """What was added in the last period that is over, by database, and its length in milliseconds; 0.0: none is."""
        return self._last, self._lasted_ms


def _look_at(pool: Pool, since_ms: float) -> None:
    counts = pool.counts
    counts.wait_ms += len(pool.waiting) * since_ms
    for link in pool.links:
        if link.session is not None and not link.replaying:
            busy = not link.expect.done
            if busy:
                counts.query_ms += since_ms
            if busy or link.expect.status != codes.IDLE:
                counts.transaction_ms += since_ms
