"""Does the process beside an agent tell Prometheus of PostgreSQL, and of PostgreSQL's absence?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx

from howdah.api.exporter import StatisticsView, exporter_app
from howdah.api.server import ApiServer
from howdah.ports.postgres import SqlFailed
from howdah.telemetry.statistics import Rows
from howdah.values.address import Address

ROWS: Mapping[str, Rows] = {"server": [{"is_replica": 1}]}


def scrape(read: Callable[[], Awaitable[Mapping[str, Rows]]], path: str = "/metrics", times: int = 1) -> list[str]:
    """What so many scrapes at a time get."""

    async def run() -> list[str]:
        server = ApiServer(exporter_app(StatisticsView(read, own)), Address("127.0.0.1", 0))
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://{server.address}", trust_env=False) as client:
                answers = await asyncio.gather(*(client.get(path) for _ in range(times)))
                assert {answer.status_code for answer in answers} == {200}
                return [answer.text for answer in answers]
        finally:
            await server.stop()

    return asyncio.run(run())


async def rows() -> Mapping[str, Rows]:
    return ROWS


async def own() -> str:
    return "howdah_term 3.0\n"


async def away() -> Mapping[str, Rows]:
    raise SqlFailed("nobody listens there")


def test_statistics_have_postgres_exporter_s_names() -> None:
    (text,) = scrape(rows)
    assert "pg_up 1.0" in text and "pg_replication_is_replica 1.0" in text


def test_the_agent_s_own_metrics_are_in_the_same_scrape() -> None:
    assert scrape(rows)[0].endswith("howdah_term 3.0\n") and scrape(away)[0].endswith("howdah_term 3.0\n")


def test_a_server_that_is_away_is_down_and_the_exporter_lives() -> None:
    assert "pg_up 0.0" in scrape(away)[0]
    assert scrape(away, "/liveness") == ['{"alive":true}']


def test_scrapes_at_the_same_time_read_once() -> None:
    asked, go_on = 0, asyncio.Event()

    async def slow() -> Mapping[str, Rows]:
        nonlocal asked
        asked += 1
        asyncio.get_running_loop().call_later(0.3, go_on.set)
        await go_on.wait()
        return ROWS

    assert len(scrape(slow, times=3)) == 3 and asked == 1
