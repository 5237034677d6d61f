"""How does the router learn what a database's functions and relations are?

With the clients' own connections: everybody may read the system catalogs. In the background, at the first login to a
database and at intervals; until then what calls a function goes to the primary.
"""

import asyncio
from collections.abc import Iterable

import structlog

from howdah.routing.forgetting import forget_unanswered
from howdah.routing.hub import Hub, Place
from howdah.routing.session import Session
from howdah.sql import catalogqueries as queries
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import FunctionCatalog, catalog_of
from howdah.wire import codes, frame
from howdah.wire.replies import read_report
from howdah.wire.rows import read_data_row

log = structlog.get_logger(__name__)

LIMIT_S = 30.0
RETRY_S = 1.0
KINDS = frame.table(look=b"ENASGHWRKvDctV123CIsTnZ")
HINT = "/* howdah: standby */"


class CatalogUnread(Exception):
    """The sentence says why."""


class _Answer:
    """Takes the place of a client: keeps the rows of one query."""

    def __init__(self) -> None:
        self.rows: list[tuple[str | None, ...]] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._frames = frame.Framer(KINDS, frame.REPLY_MAX_BYTES, whole_max=frame.REPLY_MAX_BYTES)

    def write(self, data: bytes) -> None:
        """What the server answers."""
        frames = self._frames
        frames.feed(data)
        while frames.step() != frame.NOTHING:
            if frames.kind == codes.DATA_ROW:
                row = read_data_row(frames.buffer, frames.start, frames.end)
                self.rows.append(tuple(None if value is None else value.decode() for value in row))
            elif frames.kind == codes.ERROR:
                report = read_report(frames.buffer, frames.start, frames.end)
                self._end(CatalogUnread(report.message or "an error without a word"))
            elif frames.kind == codes.READY:
                self._end(None)

    def _end(self, error: CatalogUnread | None) -> None:
        if self.done.done():
            return
        if error is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)

    def pause(self) -> None:
        """It always reads."""

    def resume(self) -> None:
        """It always reads."""

    def close(self) -> None:
        """The session ended."""
        self._end(CatalogUnread("the connection ended"))

    def abort(self) -> None:
        """The session ended."""
        self._end(CatalogUnread("the connection ended"))


async def read_catalog(hub: Hub, place: Place, harmless: Iterable[str]) -> FunctionCatalog:
    """What the database of this place says now. Raises CatalogUnread."""
    functions = await _ask(hub, place, queries.FUNCTIONS)
    relations = await _ask(hub, place, queries.RELATIONS)
    operators = await _ask(hub, place, queries.OPERATORS)
    types = await _ask(hub, place, queries.TYPES)
    return catalog_of(
        queries.function_facts((str(a), str(b), str(c), d == "t") for a, b, c, d in functions),
        queries.relation_names((str(a), str(b)) for a, b in relations),
        (str(row[0]) for row in operators),
        (str(row[0]) for row in types),
        frozenset(harmless),
    )


async def _ask(hub: Hub, place: Place, query: str) -> list[tuple[str | None, ...]]:
    answer = _Answer()
    session = Session(hub, answer, place, hub.profiles.plain)
    session.skip_greeting()
    body = f"{HINT} {query}".encode() + b"\0"
    try:
        async with asyncio.timeout(LIMIT_S):
            session.receive(b"Q" + (len(body) + 4).to_bytes(4, "big") + body)
            await answer.done
    except TimeoutError as error:
        raise CatalogUnread(f"no answer within {LIMIT_S:g} s") from error
    finally:
        session.leave()
    return answer.rows


class Catalogs:
    """Keeps the verdicts of each database current."""

    def __init__(self, hub: Hub, harmless: Iterable[str], interval_s: float) -> None:
        self._hub = hub
        self.harmless = tuple(harmless)
        self._interval_s = interval_s
        self._jobs: dict[str, asyncio.Task[None]] = {}

    def follow(self, place: Place, verdicts: Verdicts) -> None:
        """From now on, unless that is done already. Called at each login."""
        if place.database not in self._jobs:
            place.lasting = True
            self._jobs[place.database] = asyncio.create_task(self._keep(place, verdicts))

    async def close(self) -> None:
        """Ask no more."""
        for job in self._jobs.values():
            job.cancel()
        await asyncio.gather(*self._jobs.values(), return_exceptions=True)

    async def _keep(self, place: Place, verdicts: Verdicts) -> None:
        while True:
            try:
                catalog = await read_catalog(self._hub, place, self.harmless)
            except CatalogUnread as unread:
                log.info(f"the catalogs of {place.database} were not read: {unread}", part="catalogs")
                await asyncio.sleep(RETRY_S)
                del self._jobs[place.database]  # the next login begins again
                place.lasting = False
                forget_unanswered(self._hub, place)
                return
            verdicts.renew(catalog)
            place.texts.judge_anew()
            self._hub.statements.judge_anew(place.texts)
            await asyncio.sleep(self._interval_s)
