"""Is a router of several processes one router?"""

import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest

from tests.ports import free_port
from tests.realcluster.processes import eventually
from tests.router.lonerouter import Lone, LoneRouter, router_of

Connection = psycopg.Connection[tuple[Any, ...]]
RULES = ["host all trusted,postgres all trust", "host all all all scram-sha-256"]
OPEN = {"login": {"hba": RULES, "admins": ["postgres"]}}


@contextlib.contextmanager
def workers_of(lone: Lone, number: int, **settings: Any) -> Iterator[LoneRouter]:
    """All of them take clients."""
    with router_of(lone, **{"workers": number, **OPEN, **settings}) as router:
        eventually(lambda: router.log.count("takes clients at") == number, f"all workers begin: {router.log[-2000:]}")
        yield router


def asked(admin: Connection, command: str) -> list[dict[str, Any]]:
    found = admin.execute(command)
    return [dict(zip([column.name for column in found.description or ()], row, strict=True)) for row in found]


def queries(admin: Connection) -> int:
    (stats,) = [row for row in asked(admin, "SHOW STATS") if row["database"] == "postgres"]
    return int(stats["total_query_count"])


def worker_of(client: Connection) -> int:
    """By the key that it was given for cancels."""
    return int(client.pgconn.backend_pid) >> 24


def clients_of_each(router: LoneRouter, stack: ExitStack, workers: int, most: int = 200) -> list[Connection]:
    """One client at each worker."""
    found: dict[int, Connection] = {}
    for _ in range(most):
        client = stack.enter_context(router.connect())
        found.setdefault(worker_of(client), client)
        if len(found) == workers:
            return [found[number] for number in sorted(found)]
    raise AssertionError(f"all clients came to the workers {sorted(found)}")


def processes(router: LoneRouter) -> dict[int, int]:
    """The workers' process numbers, the newest ones."""
    return {int(number): int(pid) for number, pid in re.findall(r"worker (\d+) is process (\d+)", router.log)}


def test_clients_are_shared_out_and_the_admin_database_and_the_metrics_tell_of_all(lone: Lone) -> None:
    health = free_port()
    with ExitStack() as stack:
        router = stack.enter_context(workers_of(lone, 2, health={"port": health}))
        clients = clients_of_each(router, stack, 2)
        for client in clients:
            assert client.execute("SELECT 1").fetchone() == (1,)
        admin = stack.enter_context(router.connect("postgres", dbname="howdah"))
        rows = [row for row in asked(admin, "SHOW CLIENTS") if row["user"] == "trusted"]
        assert {int(row["id"]) >> 40 for row in rows} == {0, 1}
        (pool,) = [row for row in asked(admin, "SHOW POOLS") if row["user"] == "trusted"]
        assert pool["cl_active"] == len(rows)
        before = queries(admin)
        for client in clients * 50:
            client.execute("SELECT 1")
        assert queries(admin) >= before + 100
        counted = 'howdah_router_clients{cluster="test",database="postgres",router='
        metrics = httpx.get(f"http://127.0.0.1:{health}/metrics").text
        (line,) = [line for line in metrics.splitlines() if line.startswith(counted) and 'state="idle"' in line]
        assert float(line.split()[-1]) == len(rows), metrics
        assert httpx.get(f"http://127.0.0.1:{health}/readiness").json()["clients"] == len(rows)


def test_limits_count_what_all_workers_have(lone: Lone) -> None:
    limits = {"clients": 20, "reserved": 2, "clients_per_user": 12}
    with ExitStack() as stack:
        router = stack.enter_context(workers_of(lone, 3, limits=limits, pools={"size": 2}))
        for _ in range(12):
            stack.enter_context(router.connect())
        assert 'too many connections for role "trusted"' in str(router.refusal())
        busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'anna'"
        seen: list[int] = []
        slow = [stack.enter_context(router.connect("anna")) for _ in range(6)]
        threads = [threading.Thread(target=client.execute, args=("SELECT pg_sleep(0.3)",)) for client in slow]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen.append(int(lone.sql(busy)))
        assert max(seen) == 2, "two connections of one pool, whichever workers ask for them"


def test_a_cancel_reaches_the_worker_whose_client_it_is(lone: Lone) -> None:
    with ExitStack() as stack:
        router = stack.enter_context(workers_of(lone, 2))
        for client in clients_of_each(router, stack, 2):
            for _ in range(6):  # by whichever worker it comes
                thread = threading.Thread(target=_cancelled, args=(client,))
                thread.start()
                running = (
                    "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(61)' AND state = 'active'"
                )
                eventually(partial(_is_one, lone, running), "it runs")
                client.cancel_safe()
                thread.join()
            assert client.execute("SELECT 1").fetchone() == (1,)


def _is_one(lone: Lone, count: str) -> bool:
    return lone.sql(count) == "1"


def _cancelled(client: Connection) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        client.execute("SELECT pg_sleep(61)")


def test_a_worker_that_dies_is_started_again_and_its_clients_alone_are_lost(lone: Lone) -> None:
    limits = {"clients": 50, "clients_per_user": 40}
    with ExitStack() as stack:
        router = stack.enter_context(workers_of(lone, 2, limits=limits))
        one, other = clients_of_each(router, stack, 2)
        admin = _admin_at(router, stack, 1)
        admin.execute("SET pools.size = 3")
        admin.execute("DISABLE closed")
        os.kill(processes(router)[0], signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            one.execute("SELECT 1")
        assert other.execute("SELECT 1").fetchone() == (1,)
        eventually(lambda: router.log.count("takes clients at") == 3, "it is started again")
        assert "worker 0 was killed by signal 9; its clients are gone, and it is started again" in router.log
        again = clients_of_each(router, stack, 2)[0]
        assert again.execute("SELECT 1").fetchone() == (1,)
        new = _admin_at(router, stack, 0)
        sizes = [row["value"] for row in asked(new, "SHOW CONFIG") if row["key"] == "pools.size"]
        assert sizes == ["3"], "it goes by what the others were told meanwhile"
        assert 'database "closed" is disabled' in str(router.refusal(dbname="closed"))
        for client in (one, other, again, admin, new):
            client.close()


def _admin_at(router: LoneRouter, stack: ExitStack, worker: int) -> Connection:
    """An admin's client of this worker, by its own row."""
    for number in range(200):
        name = f"admin {worker} {number}"
        admin = stack.enter_context(router.connect("postgres", dbname="howdah", application_name=name))
        (serial,) = [row["id"] for row in asked(admin, "SHOW CLIENTS") if row["application_name"] == name]
        if int(serial) >> 40 == worker:
            return admin
    raise AssertionError(f"no client came to worker {worker}")


def test_what_an_admin_asks_for_is_done_by_every_worker(lone: Lone) -> None:
    with ExitStack() as stack:
        router = stack.enter_context(workers_of(lone, 2))
        clients = clients_of_each(router, stack, 2)
        admin = stack.enter_context(router.connect("postgres", dbname="howdah"))
        serials = {
            int(row["id"]) >> 40: int(row["id"]) for row in asked(admin, "SHOW CLIENTS") if row["user"] == "trusted"
        }
        admin.execute("PAUSE")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="paused already"):
            admin.execute("PAUSE")
        done: list[int] = []
        threads = [threading.Thread(target=_ask, args=(client, done)) for client in clients]
        for thread in threads:
            thread.start()
        eventually(lambda: len(asked(admin, "SHOW HELD")) == 2, "both wait")
        assert not done
        admin.execute("RESUME")
        for thread in threads:
            thread.join()
        assert done == [1, 1]
        newest = {
            int(row["id"]) >> 40: int(row["id"]) for row in asked(admin, "SHOW CLIENTS") if row["user"] == "trusted"
        }
        assert set(serials) == set(newest) == {0, 1}
        before = len(asked(admin, "SHOW CLIENTS"))
        for serial in newest.values():
            admin.execute(f"KILL_CLIENT {serial}")
        eventually(lambda: len(asked(admin, "SHOW CLIENTS")) == before - 2, "both are gone")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="there is no client with the id 5"):
            admin.execute("KILL_CLIENT 5")


def _ask(client: Connection, done: list[int]) -> None:
    row = client.execute("SELECT 1").fetchone()
    assert row is not None
    done.append(row[0])


def test_all_workers_end_when_they_are_told_to(lone: Lone) -> None:
    with workers_of(lone, 2) as router:
        pids = processes(router)
        with router.connect() as client:
            client.execute("BEGIN")
            router.signal(signal.SIGTERM)
            eventually(lambda: router.log.count("stops: clients may end") == 2, "both are told")
            client.execute("COMMIT")
        assert router.end() == 0
        assert not any(_lives(pid) for pid in pids.values())
    with workers_of(lone, 2) as router:
        with contextlib.suppress(psycopg.Error), router.connect("postgres", dbname="howdah") as admin:
            admin.execute("SHUTDOWN")
        assert router.end() == 0
    with workers_of(lone, 2) as router:
        pids = processes(router)
        router.signal(signal.SIGKILL)
        eventually(lambda: not any(_lives(pid) for pid in pids.values()), "workers end with who looks after them")


def _lives(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def test_a_router_whose_workers_cannot_begin_ends_and_says_why(lone: Lone) -> None:
    with router_of(lone, workers=2, health={"port": lone.server.port}) as router:
        assert router.end() == 1
        assert "health checks cannot listen on 127.0.0.1" in router.log
    tls = {"clients": {"mode": "allow", "cert_file": "/nowhere/cert.pem", "key_file": "/nowhere/key.pem"}}
    with router_of(lone, workers=2, tls=tls) as router:
        assert router.end() == 1
        assert "/nowhere/cert.pem" in router.log


def test_all_workers_read_their_settings_again(lone: Lone) -> None:
    with workers_of(lone, 2) as router:
        router.write(limits={"clients_per_user": 1}, workers=3)
        router.signal(signal.SIGHUP)
        eventually(lambda: router.log.count("the settings were read again") == 2, "both read them")
        assert router.log.count("workers was changed, which takes effect when the router is started again") == 2
        with router.connect():
            assert "too many connections for role" in str(router.refusal())
