"""What does the process beside an agent serve that only reads PostgreSQL's statistics?

A slow query of a scrape must not keep an agent's loop waiting, so in Kubernetes it is a container of its own.
"""

import asyncio
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping

import httpx
from fastapi import FastAPI

from howdah.api import metrics
from howdah.api.server import ApiServer, CannotListen
from howdah.ports.postgres import SqlFailed
from howdah.postgres.connection import LocalSql
from howdah.postgres.statistics import read_statistics
from howdah.telemetry import statistics
from howdah.telemetry.metrics import exposition
from howdah.telemetry.release import release
from howdah.values.address import Address

Read = Callable[[], Awaitable[Mapping[str, statistics.Rows]]]
"""Reads the rows of all statistics. Raises SqlFailed."""
Own = Callable[[], Awaitable[str]]
"""Asks the agent for its own metrics; "" if it does not answer."""
OWN_LIMIT_S = 2


class StatisticsView:
    """`metrics.Measured` for a server. One scrape reads at a time: a second one waits and gets the same."""

    def __init__(self, read: Read, own: Own) -> None:
        """`own`: what the agent beside says of itself."""
        self._read = read
        self._own = own
        self._reading: asyncio.Task[str] | None = None

    async def metrics_text(self) -> str:
        """The pg_* metrics, `pg_up 0` while the server does not answer; and the agent's own, while that does."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._text())
        return await asyncio.shield(self._reading)

    async def _text(self) -> str:
        try:
            rows = await self._read()
        except SqlFailed:
            rows = {}
        return exposition(list(statistics.collect(rows))) + await self._own()


def exporter_app(view: metrics.Measured) -> FastAPI:
    """/metrics, and /liveness, which asks nobody."""
    app = FastAPI(title="Howdah exporter", version=release(), summary="PostgreSQL's statistics", redoc_url=None)
    app.include_router(metrics.routes(view))

    @app.get("/liveness")
    async def liveness() -> dict[str, bool]:
        return {"alive": True}

    return app


def run_exporter(sql: LocalSql, agent: str, checks: ssl.SSLContext | None, address: Address) -> int:
    """Serve until told to stop. `agent` is the URL of the agent beside, whose certificate is checked by `checks`. The
    process's exit status."""
    try:
        return asyncio.run(_run(sql, agent, checks, address))
    except CannotListen as refused:
        sys.stderr.write(f"howdah exporter: {refused}\n")
        return 1


async def _run(sql: LocalSql, agent: str, checks: ssl.SSLContext | None, address: Address) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def read() -> Mapping[str, statistics.Rows]:
        return await read_statistics(sql)

    async with httpx.AsyncClient(verify=checks or False, timeout=OWN_LIMIT_S, trust_env=False) as client:

        async def own() -> str:
            try:
                answer = await client.get(agent + metrics.OWN)
            except httpx.HTTPError:
                return ""
            return answer.text if answer.is_success else ""

        server = ApiServer(exporter_app(StatisticsView(read, own)), address, called="exporter")
        await server.start()
        try:
            await stop.wait()
        finally:
            await server.stop()
    return 0
