"""What do sessions of a running router not notice of each other?"""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.realcluster.processes import eventually
from tests.router.lonerouter import Lone, router_of

ONE = {"size": 1, "reserve": 0}
LOGIN = {"hba": ["host all trusted,postgres all trust"], "admins": ["postgres"]}


def test_each_reads_its_own_literals_in_a_statement_that_all_prepare(lone: Lone) -> None:
    text = "SELECT '01/02/2024'::date, '2024-01-01 12:00'::timestamptz AT TIME ZONE 'UTC', '-1 1:00'::interval::text"
    settings = {
        "-c DateStyle=ISO,DMY -c TimeZone=UTC": ("2024-02-01", 12),
        "-c DateStyle=ISO,MDY -c TimeZone=UTC": ("2024-01-02", 12),
        "-c DateStyle=ISO,MDY -c TimeZone=Asia/Tokyo": ("2024-01-02", 3),
    }
    with router_of(lone, login=LOGIN, pools=ONE) as router:
        clients = [(router.connect(options=options), wanted) for options, wanted in settings.items()]
        for prepare in (True, False, True):
            for client, (day, hour) in clients * 2:
                row = client.execute(text, prepare=prepare).fetchone()
                assert row is not None
                assert (str(row[0]), row[1].hour) == (day, hour)
        for client, _ in clients:
            client.close()


def test_a_cancel_ends_the_wait_for_a_connection(lone: Lone) -> None:
    with router_of(lone, login=LOGIN, pools=ONE) as router, router.connect() as busy, router.connect() as waits:
        with ThreadPoolExecutor() as threads, router.connect("postgres", dbname="howdah") as admin:
            threads.submit(busy.execute, "SELECT pg_sleep(60)")
            running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
            eventually(lambda: lone.sql(running) == "1", "the only connection is taken")
            waiting = threads.submit(waits.execute, "SELECT 2")
            eventually(lambda: len(admin.execute("SHOW HELD").fetchall()) == 1, "it waits")
            waits.cancel_safe()
            with pytest.raises(psycopg.errors.QueryCanceled, match="it did not run"):
                waiting.result()
            assert lone.sql(running) == "1", "nobody else was cancelled"
            busy.cancel_safe()
        assert waits.execute("SELECT 3").fetchone() == (3,)


def test_names_of_databases_that_there_are_not_leave_nothing_behind(lone: Lone) -> None:
    with router_of(lone, login=LOGIN) as router, router.connect("postgres", dbname="howdah") as admin:

        def ask(start: int) -> None:
            for number in range(start, start + 25):
                assert 'database "made up ' in str(router.refusal(dbname=f"made up {number}"))

        threads = [threading.Thread(target=ask, args=(start,)) for start in range(0, 100, 25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: "made up" not in str(admin.execute("SHOW DATABASES").fetchall()), "none is remembered")
        assert "made up" not in str(admin.execute("SHOW STATS").fetchall())
