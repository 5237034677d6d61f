"""What is a fault: what is done, what has to follow, and within which time?"""

import contextlib
import random
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
import psycopg

from howdah.ports.store import StoreUnavailable
from tests.chaos.cluster import ChaosCluster
from tests.chaos.network import NotNow
from tests.realcluster.node import RealNode
from tests.signals import send

Undo = Callable[[], object]
Connect = Callable[[], psycopg.Connection[tuple[Any, ...]]]
"""Of a node or a server."""

BLIP_S = 3.5
"""Writes that only a few clients notice: a lost connection is given up after 2.5 s and opened again."""
FAST_S = 10.0
"""A failover or a restart that nobody has to wait for a lease for, on a busy machine."""
LEASE_S = 15.0
"""A failover after the lease (5 s): it, a revocation, a promotion, and clients that find the new primary."""
BOOT_S = 30.0
"""Servers that have to start, recover and find each other first."""
FIRST_S = 3.0
"""A commit that waits for longer waits for what a fault has cut off."""
PHASE_LIMIT_S = 12.0
"""Within which a phase of an order begins, or it is not waited for any longer."""


class Role(StrEnum):
    """What becomes of the primary role."""

    STAYS = "stays"
    KEPT = "stays, its term may rise"
    MOVES = "moves"
    MAY_MOVE = "may move"


@dataclass(frozen=True, slots=True)
class Fault:
    """`inflict` makes it and returns what ends it.

    Writes are acknowledged again within `bound_s` of any moment; where `blocks`, of the end of the fault. It lasts
    `lasts_s` alone; a random run draws its own time up to twice that. One that is made `alone` is in no random run: it
    waits for a healthy cluster on its way, or does what other faults may make worse by design.
    """

    rows: str
    name: str
    expected: str
    inflict: "Callable[[Scene], Undo]"
    lasts_s: float
    bound_s: float
    role: Role = Role.MAY_MOVE
    blocks: bool = False
    alone: bool = False


@dataclass(slots=True)
class Scene:
    """What a fault is made in. Choices come from `chance`; `notes` and what was `wrong` are told with the result."""

    cluster: ChaosCluster
    chance: random.Random
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _last: str = field(default="n1")

    @property
    def primary(self) -> RealNode:
        """The node that the record names, also a moment ago when the store does not answer."""
        with contextlib.suppress(StoreUnavailable):
            self._last = self.cluster.record().holder.name
        return self.cluster[self._last]

    @property
    def standbys(self) -> list[RealNode]:
        """The others, in an order drawn anew each time."""
        primary = self.primary
        found = [node for node in self.cluster.nodes.values() if node is not primary]
        self.chance.shuffle(found)
        return found

    def stop(self, pids: tuple[int, ...]) -> Undo:
        """SIGSTOP; undone by SIGCONT."""
        found = tuple(pid for pid in pids if pid)
        if not found:
            raise NotNow("there is no such process")
        send(found, signal.SIGSTOP)
        return lambda: send(found, signal.SIGCONT)

    def cut(self, some: tuple[str, ...], others: tuple[str, ...]) -> list[Undo]:
        """No packet passes between these hosts."""
        block = self.cluster.network.block
        return [block(*pair) for a in some for b in others for pair in ((a, b), (b, a))]


def all_of(undos: list[Undo]) -> Undo:
    """Undo each, the latest first."""

    def undo() -> None:
        for each in reversed(undos):
            each()

    return undo


def in_turn(*steps: Callable[[], Undo]) -> Undo:
    """Take every step, or none: where one cannot be taken now, those before it are undone."""
    done: list[Undo] = []
    try:
        for step in steps:
            done.append(step())
    except NotNow:
        all_of(done)()
        raise
    return all_of(done)


def again_and_again(act: Callable[[], object], pause_s: float) -> Undo:
    """Until undone, in a thread of its own on this thread's host. What `act` raises is raised by the undoing."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(pause_s):
            act()

    threads = ThreadPoolExecutor(1, "fault")
    ended = threads.submit(work)

    def undo() -> None:
        over.set()
        threads.shutdown()
        ended.result()

    return undo


def awaited(reached: Callable[[], object], what: str, limit_s: float = PHASE_LIMIT_S) -> None:
    """Wait until a phase begins, looking all the time. Raises NotNow when it does not, or was over too soon."""
    until = time.monotonic() + limit_s
    while not reached():
        if time.monotonic() > until:
            raise NotNow(f"it was not seen that {what}")
        time.sleep(0.001)


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """What needs an answer of a server or an agent. Raises NotNow when there is none."""
    try:
        yield
    except (psycopg.Error, httpx.TransportError) as error:
        raise NotNow(f"no answer: {error}") from error


def write_first(connect: Connect, statement: str) -> None:
    """What a fault needs to have written. Raises NotNow when nobody answers, or it waits for standbys: another fault
    may have cut those off, and the thread that makes faults is the one that ends them."""
    with answering(), connect() as session:
        session.pgconn.send_query(statement.encode())  # statement_timeout ends before the commit does
        if not select.select([session.fileno()], [], [], FIRST_S)[0]:
            session.pgconn.finish()
            raise NotNow(f"no standby lets this commit: {statement}")
        while (result := session.pgconn.get_result()) is not None:
            if result.error_message:
                raise NotNow(result.error_message.decode(errors="replace"))


def nothing() -> None:
    """A fault that ends by itself."""
