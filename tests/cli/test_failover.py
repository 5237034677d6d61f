"""What does `howdah failover` do when too many servers are gone?"""

import os
import signal

from howdah.local.processes import server_directories
from howdah.postgres import gone
from tests.local.upcluster import UpCluster, up_cluster


def kill_node(cluster: UpCluster, name: str) -> None:
    """Agent, dead-man and server, all at once."""
    found = cluster.processes()
    os.kill(found.agents[name], signal.SIGKILL)
    os.kill(found.deadmen[name], signal.SIGKILL)
    for data in server_directories(cluster.place, name):
        assert gone.kill_all(data, 10_000) == ()


def test_two_of_three_are_given_up_only_with_the_operators_word_and_come_back_as_standbys() -> None:
    with up_cluster() as cluster:
        cluster.up()
        cluster.done("exec", "CREATE TABLE kept AS SELECT 42 AS answer")
        assert cluster.heals()
        kill_node(cluster, "n1")
        kill_node(cluster, "n2")

        waited = cluster.howdah("failover")
        assert waited.returncode == 1 and "--accept-data-loss" in waited.stderr
        asked = cluster.howdah("failover", "--accept-data-loss")  # nobody is there to say yes
        assert asked.returncode == 1 and "Given up: n1, n2" in asked.stdout
        assert not cluster.status()["serving"]

        told = cluster.done("failover", "--accept-data-loss", "--yes")
        assert "n3 is the primary" in told and "mode=async" in told
        cluster.done("config", "set", "mode=async")
        assert cluster.heals(5) is False and cluster.status()["serving"]
        assert cluster.done("exec", "SELECT answer FROM kept").strip() == "n3: 42"

        cluster.up()
        assert cluster.heals()
        assert cluster.states() == {"n1": "streaming", "n2": "streaming", "n3": "running"}
