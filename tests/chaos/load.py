"""What do clients do while faults are made, and was anything wrong with what they saw?"""

import contextlib
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.clients import TABLES, Clients, wrong_with_clients
from tests.chaos.cluster import CLIENTS, ChaosCluster
from tests.realcluster.workload import ROUTER_LIMIT_S, STATEMENT_LIMITS_S, Workload, verdict

PAUSE_S = 0.04
ROAMING = 4
ROUTED = 4
"""Clients that write and look for the primary, and that write through a router; besides, two for each node that know no
other."""
ONE_NODE = "user=postgres password=superuser-password dbname=postgres target_session_attrs=read-write connect_timeout=2"


@dataclass(frozen=True, slots=True)
class Load:
    """`writes` counts outages and losses; `clients` do everything else."""

    writes: Workload
    clients: Clients


@dataclass(frozen=True, slots=True)
class Judgement:
    """`wrong` is empty when nothing is; `acknowledged` counts single inserts, `transactions` everything else."""

    acknowledged: int
    transactions: int
    wrong: tuple[str, ...]


@contextlib.contextmanager
def loaded(cluster: ChaosCluster, name: str) -> Iterator[Load]:
    """Clients that write while the block runs: to whom leads, through the routers, and to each node alone, whatever the
    others think of it."""
    cluster.wait_serving().sql(f"CREATE TABLE {name} (value text); {TABLES.format(name)}")
    faithful = [f"host={node.host} port={node.port} {ONE_NODE}" for node in cluster.nodes.values() for _ in range(2)]
    enter = functools.partial(cluster.network.enter, CLIENTS)
    routed = cluster.routers.conninfo()
    ways = [cluster.conninfo()] * ROAMING + faithful + [routed] * ROUTED
    limits_s = [*itertools.islice(itertools.cycle(STATEMENT_LIMITS_S), len(ways) - ROUTED), *[ROUTER_LIMIT_S] * ROUTED]
    writes = Workload(ways, name, PAUSE_S, enter, limits_s)
    load = Load(writes, Clients([cluster.conninfo(), routed], name, enter))
    load.writes.start()
    load.clients.start()
    try:
        writes.wait_writes(20)
        yield load
    finally:
        writes.stop()
        load.clients.stop()


def judged(cluster: ChaosCluster, load: Load) -> Judgement:
    """Compare what every client saw with what every server holds. The clients have ended."""
    found = verdict(cluster, load.writes)
    primary = cluster.primary()
    standbys = {node.name: node.sql for node in cluster.nodes.values() if node is not primary}
    wrong = wrong_with_clients(load.clients, primary.sql, standbys)
    return Judgement(
        acknowledged=found.acknowledged,
        transactions=load.clients.histories.acknowledged,
        wrong=(*(() if found.sound else (str(found),)), *wrong),
    )
