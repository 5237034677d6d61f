"""What does a router do with clients that are too many, too slow, or not what they should be?"""

import select
import socket
import threading
from typing import Any

import psycopg
import pytest

from tests.realcluster.processes import eventually
from tests.router.lonerouter import Lone, LoneRouter, router_of

QUICK: dict[str, Any] = {
    "limits": {
        "clients": 6,
        "reserved": 2,
        "clients_per_user": 3,
        "clients_per_database": 4,
        "logins_pending": 5,
        "login_timeout": "2s",
        "query_timeout": "1s",
        "client_idle_timeout": "3s",
        "write_timeout": "1s",
        "buffer_bytes": "64kB",
    },
    "pools": {"size": 3, "min_size": 2, "prepared_max": 5},
    "login": {
        "hba": ["host all trusted,postgres all trust", "host all all all scram-sha-256"],
        "admins": ["postgres"],
    },
}


def _until_closed(connection: socket.socket) -> bytes:
    found = b""
    while data := connection.recv(65536):
        found += data
    return found


def _alive(router: LoneRouter) -> bool:
    with router.connect() as client:
        return client.execute("SELECT 1").fetchone() == (1,)


def test_so_many_clients_may_come_in_and_who_looks_after_the_router_always(lone: Lone) -> None:
    patient = {**QUICK, "limits": {**QUICK["limits"], "client_idle_timeout": "0"}}
    with router_of(lone, **patient) as router:
        inside = [router.connect() for _ in range(3)]
        assert 'too many connections for role "trusted"' in str(router.refusal())
        inside.append(router.connect("anna"))
        refused = router.refusal("anna")
        assert "sorry, too many clients already (the router allows 6, 2 of them for its admins only)" in str(refused)
        with router.connect("postgres", dbname="howdah") as admin:
            admin.execute("SHOW CLIENTS")
        inside.pop().close()
        eventually(lambda: _gets_in(router, "anna"), "the place of one that left is free")
        for client in inside:
            client.close()


def _gets_in(router: LoneRouter, user: str) -> bool:
    try:
        router.connect(user).close()
    except psycopg.OperationalError:
        return False
    return True


def test_statements_and_idle_clients_have_their_time(lone: Lone) -> None:
    with router_of(lone, **QUICK) as router, router.connect() as client:
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.execute("SELECT pg_sleep(60)")
        assert client.execute("SELECT 1").fetchone() == (1,), "the client stays"
        connections = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'trusted'"
        eventually(lambda: lone.sql(connections) == "2", "as many connections as are kept at least")
        client.prepare_threshold = 0
        for number in range(12):
            client.execute(f"SELECT {number}")
        row = client.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
        assert row is not None and row[0] <= 5
        assert select.select([client.fileno()], [], [], 60)[0]
        with pytest.raises(psycopg.errors.IdleSessionTimeout):
            client.execute("SELECT 1")


def test_who_does_not_log_in_or_talks_nonsense_disturbs_nobody(lone: Lone) -> None:
    with router_of(lone, **QUICK) as router:
        silent = [router.raw() for _ in range(20)]
        assert _alive(router)
        for one in silent[:15]:
            assert _until_closed(one) == b""
        slow = router.raw()
        slow.sendall(b"\0\0\0\x20\0\x03\0\0user\0")
        assert _until_closed(slow) == b""
        halfway = router.raw()
        body = b"\0\x03\0\0user\0anna\0database\0postgres\0\0"
        halfway.sendall((len(body) + 4).to_bytes(4, "big") + body)
        assert b"C57014" in _until_closed(halfway)
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"\0\0\0\x04", b"\x7f\xff\xff\xff\0\x03\0\0"):
            with router.raw() as one:
                one.sendall(nonsense)
                _until_closed(one)
        assert _alive(router)
        for one in (*silent, slow, halfway):
            one.close()


def test_a_client_that_reads_nothing_is_ended_and_its_server_connection_freed(lone: Lone) -> None:
    own = {**QUICK, "limits": {**QUICK["limits"], "query_timeout": "0"}}
    with router_of(lone, **own) as router:
        greedy = router.raw()
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        startup = b"\0\x03\0\0user\0trusted\0database\0postgres\0\0"
        greedy.sendall((len(startup) + 4).to_bytes(4, "big") + startup)
        query = b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)\0"
        greedy.sendall(b"Q" + (len(query) + 4).to_bytes(4, "big") + query)
        others = threading.Thread(target=lambda: [_alive(router) for _ in range(5)])
        others.start()
        router.until_logged("a client took nothing for 1000 ms; it is ended")
        others.join()
        greedy.close()
        running = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'trusted' AND state = 'active'"
        eventually(lambda: lone.sql(running) == "0", "the server is free again")
