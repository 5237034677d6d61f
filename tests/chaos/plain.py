"""Do the same clients find nothing wrong with one plain PostgreSQL, which is killed and started again now and then?

If they do, a finding is the database's or the checkers', not ours.
"""

import time
from collections.abc import Callable
from itertools import pairwise

from tests.chaos.clients import TABLES, Clients, wrong_with_clients
from tests.chaos.load import PAUSE_S, ROAMING, Judgement
from tests.postgres.sqlserver import SqlServer, template
from tests.realcluster.checker import judge
from tests.realcluster.workload import Workload

CRASHES = 3
NAME = "control"


def control(length_s: float, say: Callable[[str], None]) -> Judgement:
    """A run of so many seconds on one server of the same version, at its own defaults but for its size."""
    with template() as farm:
        server = farm().primary("plain", {"autovacuum": "on", "max_connections": "60"})
        try:
            return _run(server, length_s, say)
        finally:
            server.kill()


def _run(server: SqlServer, length_s: float, say: Callable[[str], None]) -> Judgement:
    server.sql(f"CREATE TABLE {NAME} (value text); {TABLES.format(NAME)}")
    conninfo = f"host=127.0.0.1 port={server.port} user=postgres dbname=postgres connect_timeout=2"
    writes, clients = Workload([conninfo] * ROAMING, NAME, PAUSE_S), Clients([conninfo], NAME)
    writes.start()
    clients.start()
    try:
        moments = [length_s * part / (CRASHES + 1) for part in range(CRASHES + 2)]
        for number, (one, other) in enumerate(pairwise(moments)):
            time.sleep(other - one)
            if number < CRASHES:
                server.kill()
                server.start()
                say(f"the plain server was killed and started again, {writes.acknowledged} commits up to now")
        writes.wait_writes(20)
    finally:
        writes.stop()
        clients.stop()

    def ask(statement: str) -> list[tuple[object, ...]]:
        with server.connect() as connection:
            return connection.execute(statement.encode()).fetchall()

    found = judge(writes.history, [str(row[0]) for row in ask(f"SELECT value FROM {NAME}")], {}, writes.read)
    wrong = wrong_with_clients(clients, ask, {})
    return Judgement(
        acknowledged=found.acknowledged,
        transactions=clients.histories.acknowledged,
        wrong=(*(() if found.sound else (str(found),)), *wrong),
    )
