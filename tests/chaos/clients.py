"""Which clients move money, append to one long list, and append to and read many lists, until they are stopped?

- **bank**: transfers at REPEATABLE READ, which write back balances that the client computed: the level that forbids
  lost updates. A look is one statement, so one snapshot, at whatever level, on standbys too.
- **one list**: a statement is a transaction; READ COMMITTED is enough, since PostgreSQL appends to the newest row.
- **many lists**: two to four reads and appends in a transaction at SERIALIZABLE, the only level that forbids circles
  with missed writes.
"""

import asyncio
import itertools
import random
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.bank import Look, wrong_with_bank
from tests.chaos.histories import Append, Read, Step, Transaction
from tests.chaos.lists import wrong_with_lists
from tests.chaos.session import Session, open_session
from tests.realcluster.checker import Outcome

ACCOUNTS = 10
OPENED = dict.fromkeys(range(ACCOUNTS), 100)
MOST = 30
LONG, SHORT = 600, 40
"""Appends to a list before the next one is begun."""
AT_ONCE = 4
"""Of the many lists, so many are in use at a time."""
PAUSE_S = 0.1
RETRY_S = 0.15
TRANSFERRERS, TELLERS, APPENDERS, READERS, MIXERS = 2, 1, 2, 1, 3

ASK_ACCOUNTS = "SELECT id, balance FROM bank_{0}"
ASK_LISTS = "SELECT key, list FROM {1}_{0}"
TABLES = """
CREATE TABLE bank_{0} (id int PRIMARY KEY, balance int NOT NULL);
INSERT INTO bank_{0} SELECT id, 100 FROM generate_series(0, 9) id;
CREATE TABLE one_{0} (key int PRIMARY KEY, list text NOT NULL);
CREATE TABLE many_{0} (key int PRIMARY KEY, list text NOT NULL);
"""
APPEND = """
INSERT INTO {1}_{0} AS t VALUES (%s, %s)
ON CONFLICT (key) DO UPDATE SET list = t.list || ',' || excluded.list
"""
Act = Callable[[Session], Awaitable[None]]
Ask = Callable[[str], list[tuple[Any, ...]]]
"""Runs a statement on one server."""


@dataclass(slots=True)
class Histories:
    """What was done and seen. Complete once the clients have ended."""

    looks: list[Look] = field(default_factory=list)
    moved: list[Outcome] = field(default_factory=list)
    one: list[Transaction] = field(default_factory=list)
    many: list[Transaction] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """Transactions that succeeded, of all kinds."""
        outcomes = [*self.moved, *(each.outcome for each in (*self.one, *self.many))]
        return len(self.looks) + outcomes.count(Outcome.OK)


class Clients:
    """Nine of them in a thread of their own. `name` ends the names of their tables, which `TABLES` makes."""

    def __init__(
        self, conninfos: Sequence[str], name: str, enter: Callable[[], None] | None = None, seed: int = 0
    ) -> None:
        """Client by client goes to the next of `conninfos`; `enter` is called first in the thread."""
        self.histories = Histories()
        self.name = name
        self._conninfos = conninfos
        self._enter = enter
        self._chance = random.Random(seed)
        self._values = itertools.count(1)
        self._ends = threading.Event()
        self._thread = ThreadPoolExecutor(1, "clients")
        self._ended: Future[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._ended = self._thread.submit(self._work)

    def stop(self) -> None:
        """End; every transaction has its outcome afterwards. Raises what a client died of."""
        self._ends.set()
        self._thread.shutdown()
        if self._ended is not None:
            self._ended.result()

    def _work(self) -> None:
        if self._enter is not None:
            self._enter()
        asyncio.run(self._run())

    async def _run(self) -> None:
        acts = (
            *[self._transfer] * TRANSFERRERS,
            *[self._look] * TELLERS,
            *[self._append_to_one] * APPENDERS,
            *[self._read_one] * READERS,
            *[self._mix] * MIXERS,
        )
        async with asyncio.TaskGroup() as group:
            for act, conninfo in zip(acts, itertools.cycle(self._conninfos), strict=False):
                group.create_task(self._go_on(act, conninfo))

    async def _go_on(self, act: Act, conninfo: str) -> None:
        session: Session | None = None
        while not self._ends.is_set():
            if session is None:
                session = await open_session(conninfo)
            if session is None:
                await asyncio.sleep(RETRY_S)
                continue
            await act(session)
            if not session.usable:
                session.close()
                session = None
            await asyncio.sleep(PAUSE_S)
        if session is not None:
            session.close()

    async def _transfer(self, session: Session) -> None:
        giver, taker = self._chance.sample(sorted(OPENED), 2)
        amount = self._chance.randint(1, MOST)

        async def move(session: Session) -> None:
            ask = f"SELECT id, balance FROM bank_{self.name} WHERE id IN (%s, %s)"
            balances = {int(row[0]): int(row[1]) for row in await session.rows(ask, (giver, taker))}
            taken = min(amount, balances[giver])
            change = f"UPDATE bank_{self.name} SET balance = %s WHERE id = %s"
            await session.rows(change, (balances[giver] - taken, giver))
            await session.rows(change, (balances[taker] + taken, taker))

        self.histories.moved.append(await session.transaction("REPEATABLE READ", move))

    async def _look(self, session: Session) -> None:
        async def look(session: Session) -> None:
            rows = await session.rows(ASK_ACCOUNTS.format(self.name))
            self.histories.looks.append(Look({int(row[0]): int(row[1]) for row in rows}, session.server))

        await session.single(look)

    async def _append_to_one(self, session: Session) -> None:
        value = next(self._values)
        append = Append(len(self.histories.one) // LONG, value)
        outcome = await session.single(lambda s: self._append(s, "one", append))
        self.histories.one.append(Transaction(session.number, (append,), outcome))

    async def _read_one(self, session: Session) -> None:
        key = len(self.histories.one) // LONG
        seen: list[Read] = []

        async def read(session: Session) -> None:
            seen.append(await self._read(session, "one", key))

        if await session.single(read) is Outcome.OK:
            self.histories.one.append(Transaction(session.number, tuple(seen)))

    async def _mix(self, session: Session) -> None:
        first = len(self.histories.many) // SHORT
        chosen = [self._chance.randrange(first, first + AT_ONCE) for _ in range(self._chance.randint(2, 4))]
        steps: list[Step] = []

        async def mix(session: Session) -> None:
            for key in chosen:
                if self._chance.random() < 0.5:
                    append = Append(key, next(self._values))
                    steps.append(append)  # known as attempted before it is sent
                    await self._append(session, "many", append)
                else:
                    steps.append(await self._read(session, "many", key))

        outcome = await session.transaction("SERIALIZABLE", mix)
        self.histories.many.append(Transaction(session.number, tuple(steps), outcome))

    async def _append(self, session: Session, table: str, step: Append) -> None:
        await session.rows(APPEND.format(self.name, table), (step.key, str(step.value)))

    async def _read(self, session: Session, table: str, key: int) -> Read:
        rows = await session.rows(f"SELECT list FROM {table}_{self.name} WHERE key = %s", (key,))
        return Read(key, _values(str(rows[0][0])) if rows else ())


def wrong_with_clients(clients: Clients, primary: Ask, standbys: Mapping[str, Ask]) -> tuple[str, ...]:
    """Judge what they saw, and what every server holds at the end (standbys having caught up)."""
    seen, name = clients.histories, clients.name
    ends = {"the primary": primary, **standbys}
    looks = [Look(_accounts(ask(ASK_ACCOUNTS.format(name))), f"the end of {who}") for who, ask in ends.items()]
    found = [f"bank: {wrong}" for wrong in wrong_with_bank([*seen.looks, *looks], OPENED)]
    for table, history in (("one", seen.one), ("many", seen.many)):
        query = ASK_LISTS.format(name, table)
        final = _lists(primary(query))
        found += [f"{table}: {wrong}" for wrong in wrong_with_lists(history, final)]
        found += [f"{table}: {who} has other lists" for who, ask in standbys.items() if _lists(ask(query)) != final]
    return tuple(found)


def _accounts(rows: list[tuple[Any, ...]]) -> dict[int, int]:
    return {int(str(row[0])): int(str(row[1])) for row in rows}


def _lists(rows: list[tuple[Any, ...]]) -> dict[int, tuple[int, ...]]:
    return {int(str(key)): _values(str(text)) for key, text in rows}


def _values(text: str) -> tuple[int, ...]:
    return tuple(int(value) for value in text.split(","))
