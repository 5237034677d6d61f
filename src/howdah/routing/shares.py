"""How many connections may a pool have, of those that its server and all workers together allow?

Where a limit leaves somebody waiting, who has more than an equal share of it gives up what is idle at once, and what
comes back after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from howdah.routing.tally import TAKEN, Tally

if TYPE_CHECKING:
    from howdah.routing.fleet import Target
    from howdah.routing.pool import Pool

OWN: Final = 0
SERVERS: Final = 1
"""Which limit leaves a pool waiting."""


def _no_limit(target: Target) -> int:
    del target
    return 0


class Shares:
    """`server_max`: connections to one server in all; 0: no limit. `workers`: so many processes share that."""

    def __init__(self, tally: Tally, server_max: Callable[[Target], int] = _no_limit, workers: int = 1) -> None:
        self._tally = tally
        self._server_max = server_max
        self._workers = workers
        self._fair: dict[Target, int] = {}  # an equal share, of servers where somebody waits who has less

    def open(self, pool: Pool, most: int) -> bool:
        """Whether one more may be opened, which is counted then. `most`: of that pool."""
        server = pool.target
        fair = self._fair.get(server)
        if fair is not None and len(pool.links) + pool.opening >= fair:
            pool.starved = SERVERS
            return False
        pool.starved = self._tally.take((_pool_name(pool), most), (_server_name(server), self._server_max(server)))
        return pool.starved == TAKEN

    def closed(self, pool: Pool) -> None:
        """One that was opened, or was about to be, is no more."""
        self._tally.give(_pool_name(pool), _server_name(pool.target))

    def settle(self, pools: Iterable[Pool]) -> None:
        """Several times a second: who waits gets room from those who have too much."""
        by_server: dict[Target, list[Pool]] = {}
        for pool in pools:
            by_server.setdefault(pool.target, []).append(pool)
        for server, there in by_server.items():
            for pool in there:
                own = len(pool.waiting) if pool.starved == OWN else 0
                self._tally.press(_pool_name(pool), own)
                pool.surplus = self._tally.owed(_pool_name(pool))
                _give_up(pool)
            self._relieve(server, there)

    def _relieve(self, server: Target, there: list[Pool]) -> None:
        """Make room on one server for pools here that wait for it, and for other workers."""
        here = self._server_max(server) // self._workers
        fair = max(1, here // max(1, sum(1 for pool in there if pool.links or pool.waiting)))
        hungry = [pool for pool in there if pool.waiting and pool.starved == SERVERS and len(pool.links) < fair]
        self._tally.press(_server_name(server), len(hungry))
        wanted = len(hungry) + self._tally.owed(_server_name(server))
        self._fair.pop(server, None)
        if hungry:
            self._fair[server] = fair
        if not wanted:
            return
        idle = [(link.idle_ms, place) for place, pool in enumerate(there) for link in pool.idle if not pool.waiting]
        for _, place in sorted(idle)[:wanted]:
            there[place].discard(there[place].idle[0])
            wanted -= 1
        for pool in sorted(there, key=lambda one: len(one.links), reverse=True):
            over = len(pool.links) - fair
            if wanted > 0 and over > 0:
                pool.surplus = min(over, wanted)
                wanted -= pool.surplus
        for pool in hungry:
            pool.grow()


def _give_up(pool: Pool) -> None:
    """What is idle goes at once; the rest when it comes back."""
    while pool.surplus and pool.idle:
        pool.surplus -= 1
        pool.discard(pool.idle[0])


def _pool_name(pool: Pool) -> str:
    return f"pool {pool.target.name} {pool.place.database} {pool.place.user}"


def _server_name(target: Target) -> str:
    return f"server {target.name}"
