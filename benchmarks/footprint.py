"""What does an idle agent cost?"""

import time
from dataclasses import dataclass

import psutil

from tests.realcluster.cluster import RealCluster

IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """`up_s`: from nothing to three streaming servers, initdb and clones included. The others are the worst agent's."""

    up_s: float
    agent_mb: float
    agent_cpu_percent: float


def measure_footprint(cluster: RealCluster, up_s: float) -> Footprint:
    """Watch the agents of a healthy cluster that nobody uses."""
    agents = [psutil.Process(node.agent) for node in cluster.nodes.values()]
    before = [sum(agent.cpu_times()[:2]) for agent in agents]
    time.sleep(IDLE_S)
    spent = [sum(agent.cpu_times()[:2]) - earlier for agent, earlier in zip(agents, before, strict=True)]
    memory = max(agent.memory_info().rss for agent in agents)
    return Footprint(up_s, memory / 1e6, 100 * max(spent) / IDLE_S)
